"""An application of thirty lines keeps what belongs to its users, inside or at a shared vault, over real sockets."""

import importlib.util
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from people import key, refusal, secret
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from cyberprivacy import wallet
from cyberprivacy.bundle import typefolder
from cyberprivacy.bundle.serve import listening
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import NotThisPlace, Person
from cyberprivacy.vault.client.records import RecordsThere
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.middleware import App, PersonalData
from cyberprivacy.vault.personal import Kept
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.shared import Shared
from cyberprivacy.vault.web import server
from cyberprivacy.vault.web.opening import opened

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "notes"
NOTE = "example.notes.note.v1"
COOKIE = "udi-notes"


class Paper:
    """A wallet of somebody of the tests."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def key(self) -> Key:
        return key(self._name)

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        return wallet.sign(secret(self._name), schema.digest(name, value))


@contextmanager
def running(app: ASGIApp, bound: Any) -> Iterator[None]:
    prepared = server.prepared(app)
    thread = threading.Thread(target=prepared.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield
    finally:
        prepared.stop()
        thread.join()


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notes", EXAMPLE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    notes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notes)
    return notes


@dataclass
class There:
    """The example, where people reach it, and where their vault is."""

    site: str
    vault: str
    app: App
    back: ExitStack

    def signs_in(self, browser: httpx2.Client, name: str = "alice") -> str:
        """As its page does: an account, a session at the application's address, and a cookie for its token."""
        with Connection(self.site) as vault:
            someone = Person(vault, Paper(name), through="notes")
            someone.begin()
            token = str(someone.sign_in("notes")["token"])
        traded = browser.post("/udi/cookie", headers={"Authorization": f"Bearer {token}"})
        assert traded.status_code == 204
        return token


@pytest.fixture(params=["inside", "shared"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    """The example with a vault inside, and with one elsewhere: nothing else is another."""
    notes = example()
    with ExitStack() as stack:
        before, behind = (stack.enter_context(listening("127.0.0.1", 0)) for _ in range(2))
        site, vault = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (before, behind))
        back = stack.enter_context(ExitStack())
        if request.param == "shared":
            place = Place(Site.parse(vault), "test:vault", apps={"notes": Site.parse(site)})
            kept = back.enter_context(opened(tmp_path, "", place, types=typefolder.load(EXAMPLE / "types")))
            back.enter_context(running(kept.application(), behind))
        where = vault if request.param == "shared" else str(tmp_path)
        app = App(name="notes", site=site, types=EXAMPLE / "types", vault=where, network="test:vault")
        wrapped = Starlette(routes=notes.routes, middleware=[Middleware(PersonalData, app=app)])
        stack.enter_context(running(wrapped, before))
        yield There(site, vault if request.param == "shared" else site, app, back)


def test_the_example_has_less_than_thirty_lines() -> None:
    assert len([line for line in (EXAMPLE / "app.py").read_text().splitlines() if line.strip()]) < 30


def test_users_of_an_application_keep_and_own_what_they_write(there: There) -> None:
    with httpx2.Client(base_url=there.site) as browser:
        assert browser.get("/notes").status_code == 401
        there.signs_in(browser)
        assert browser.post("/notes/hello", headers={"Origin": there.site}).json() == [{"text": "hello"}]
        assert browser.post("/notes/forged").status_code == 401  # a form of another site
        assert browser.get("/notes").json() == [{"text": "hello"}]
        who = browser.get("/udi/cookie").json()
        assert browser.get("/udi/v1/records").status_code == 401  # the vault itself hears tokens only
        with Connection(there.vault) as vault:
            token = str(Person(vault, Paper("alice")).sign_in()["token"])
        with Connection(there.vault, token) as owner:
            held = owner.ask("GET", "/udi/v1/data")["apps"]
        assert [(each["app"], each["records"], each["owner"]) for each in held] == [("notes", 1, who["person"])]
        assert browser.delete("/udi/cookie", headers={"Origin": there.site}).status_code == 204
        assert browser.get("/notes").status_code == 401


def test_two_people_see_their_own(there: There) -> None:
    for name in ("alice", "bob"):
        with httpx2.Client(base_url=there.site) as browser:
            there.signs_in(browser, name)
            assert browser.post(f"/notes/{name}", headers={"Origin": there.site}).json() == [{"text": name}]


@pytest.mark.parametrize("there", ["shared"], indirect=True)
def test_records_of_a_shared_vault_are_as_those_of_one_inside(there: There) -> None:
    with httpx2.Client(base_url=there.site) as browser:
        token = there.signs_in(browser)
    with Connection(there.vault, token) as through:
        mine = RecordsThere(through, "")
        first = mine.create(NOTE, {"text": "a"}, key="once")
        assert mine.create(NOTE, {"text": "a"}, key="once") == first
        seen = mine.read(first)
        assert seen == Kept(first, NOTE, 1, {"text": "a"}, seen.created, seen.created)
        assert mine.list() == mine.list(NOTE) == [seen]
        assert mine.update(seen, {"text": "better"}) == 2
        assert refusal(lambda: mine.update(seen, {"text": "worse"})) == "record.rev"
        assert refusal(lambda: mine.create(NOTE, {"text": 5})) == "record.schema"
        mine.delete(mine.read(first))
        assert refusal(lambda: mine.read(first)) == "record.none"
        many = [mine.create(NOTE, {"text": str(n)}) for n in range(5)]
        assert [each.id for each in mine.list(limit=3)] == many[:3]
        assert [each.id for each in mine.list(after=many[2])] == many[3:]
        assert (list(mine.grants()), list(mine.followings())) == ([], [])


@pytest.mark.parametrize("there", ["shared"], indirect=True)
def test_while_the_vault_is_away_people_are_told_to_try_later_and_nothing_else_fails(there: There) -> None:
    with httpx2.Client(base_url=there.site) as browser:
        there.signs_in(browser)
        there.back.close()
        answer = browser.get("/notes")
        assert (answer.status_code, answer.json()["type"]) == (503, "vault.unreachable")
        forwarded = browser.get("/.well-known/udi")
        assert (forwarded.status_code, forwarded.json()["type"]) == (503, "vault.unreachable")
        browser.cookies.clear()
        assert browser.get("/notes").json() == {"error": "sign in first"}


@pytest.mark.parametrize("there", ["shared"], indirect=True)
@pytest.mark.parametrize("cookie", ["", "udi1-", "x" * 5_000, "udi1-" + "a" * 43, "udi1-%0d%0aEvil"])
def test_a_cookie_that_is_no_token_is_nobodys_and_goes_nowhere(there: There, cookie: str) -> None:
    with httpx2.Client(base_url=there.site) as browser:
        assert browser.get("/notes", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401


@pytest.mark.parametrize("there", ["shared"], indirect=True)
def test_an_application_that_does_not_fit_its_vault_is_told_so_at_the_start(there: There, tmp_path: Path) -> None:
    other = tmp_path / "types"
    other.mkdir()
    (other / f"{NOTE}.json").write_text(
        '{"type":"object","title":"Note","properties":{"text":{"type":"integer"}}}'
    )
    bad = {
        "app.vault": (replace(there.app, name="books"), replace(there.app, site="http://127.0.0.1:9")),
        "app.network": (replace(there.app, network="test:other"),),
        "app.types": (replace(there.app, types=other),),
        "app.inside": (
            replace(there.app, sources={"shop": there.site}),
            replace(there.app, database="postgresql:x"),
        ),
        "vault.unreachable": (replace(there.app, vault="http://127.0.0.1:9"),),
        "vault.place": (replace(there.app, vault="http://vault.example"),),
    }
    for code, apps in bad.items():
        for app in apps:
            assert refusal(lambda app=app: Shared(app)) == code  # type: ignore[misc]
    Shared(there.app).close()


def test_nothing_is_signed_for_a_vault_that_says_to_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = Site.parse("https://bank.example")
    place = Place(elsewhere, "test:vault", apps={"books": elsewhere})
    with ExitStack() as stack:
        vault, bound = (
            stack.enter_context(opened(tmp_path, "", place)),
            stack.enter_context(listening("127.0.0.1", 0)),
        )
        where = f"http://127.0.0.1:{bound.getsockname()[1]}"
        stack.enter_context(running(vault.application(), bound))
        there = stack.enter_context(Connection(where))
        for app in ("", "books", "nobody's"):
            with pytest.raises(NotThisPlace):
                Person(there, Paper("alice"), through=app).sign_in(app)
