"""What holds for every endpoint, whichever it is: new entries are tested the moment they stand in the table."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import Town, code, example, town

from cyberprivacy.errors import Misuse
from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.vault.web.endpoint import Endpoint, Reply, Who
from cyberprivacy.vault.web.exchange import SECURITY


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("vault")) as made:
        yield made


def test_every_endpoint_that_is_not_open_to_all_asks_for_a_session(here: Town) -> None:
    closed = [each for each in here.vault.table() if each.who in (Who.SESSION, Who.OWNER)]
    assert closed
    for each in closed:
        for header in ({}, {"Authorization": "Bearer udi1-nobody's"}, {"Authorization": "Basic YTpi"}):
            answer = here.call(each.method, example(each), headers={**header, **dict.fromkeys(each.needs, "1")})
            assert (answer.status_code, each.name) == (401, each.name)
            assert code(answer) in ("session.missing", "session.unknown")


def test_an_application_reaches_nothing_that_is_only_the_owners(here: Town) -> None:
    shop = here.person("sam").sign_in("shop")
    for each in here.vault.table():
        if each.who is Who.OWNER:
            path = example(each, account=shop.account)
            assert code(shop.call(each.method, path, headers=dict.fromkeys(each.needs, "1"))) == "session.owner", (
                each.name
            )


def test_every_answer_carries_the_security_headers_and_every_refusal_its_code(here: Town) -> None:
    for each in here.vault.table():
        answer = here.call(each.method, example(each), headers=dict.fromkeys(each.needs, "1"))
        assert all(answer.headers[name] == value for name, value in SECURITY.items()), each.name
        if not answer.is_success:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json().keys() == {"type", "title", "status", "detail", "facts"}


def test_too_large_a_body_is_refused_before_it_is_read(here: Town) -> None:
    owner = here.person("olga")
    for each in here.vault.table():
        if each.body is not None:
            sent = 0

            def endless(limit: int = each.limit) -> Iterator[bytes]:
                nonlocal sent
                while sent < limit + (4 << 20):
                    sent += 64 << 10
                    yield bytes(64 << 10)

            headers = dict.fromkeys(each.needs, "1")
            told = owner.call(
                each.method, example(each), content=b"", headers={**headers, "Content-Length": str(each.limit + 1)}
            )
            assert code(told) == "api.size", each.name
            assert (
                code(owner.call(each.method, example(each), content=endless(), headers=headers)) == "api.size"
            ), each.name


def test_the_description_is_the_table(here: Town) -> None:
    described = here.call("GET", "/openapi.json").json()
    operations = {
        (path, method.upper()): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    table = {(each.path, each.method): each for each in here.vault.table()}
    assert operations.keys() == table.keys()
    for place, operation in operations.items():
        assert ("security" in operation) == (table[place].who in (Who.SESSION, Who.OWNER))
    assert len({operation["operationId"] for operation in operations.values()}) == len(table)
    assert set(json.dumps(described).split('"#/components/schemas/')[1:]) is not None


def test_what_nobody_declared_cannot_stand_in_the_table() -> None:
    common = {"method": "GET", "name": "x", "summary": "x", "run": lambda _: Reply()}
    with pytest.raises(Misuse):
        Endpoint(path="/x/{secret}", who=Who.ANYBODY, **common)
    with pytest.raises(Misuse):
        Endpoint(path="/x", who=Who.ANYBODY, takes=("X-Other",), **common)


def test_scripts_of_other_pages_may_call_only_a_vault_that_names_them(here: Town) -> None:
    asks = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in here.call("GET", "/.well-known/udi", headers=asks).headers
    from starlette.testclient import TestClient

    named = TestClient(here.vault.application(origins=["https://other.example"]))
    assert (
        named.options("/.well-known/udi", headers=asks).headers["access-control-allow-origin"]
        == "https://other.example"
    )
    assert "access-control-allow-origin" not in named.get("/", headers={"Origin": "https://evil.example"}).headers


def test_a_vault_makes_its_folder_wherever_its_database_is(postgres: Postgres, tmp_path: Path) -> None:
    with town(tmp_path / "new" / "one", database=postgres.create("elsewhere", template="vault")) as made:
        assert made.person("alice", "shop").token
    assert (tmp_path / "new" / "one").stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse) as refused, town(tmp_path / "file" / "one"):
        pass
    assert refused.value.code == "vault.data"
