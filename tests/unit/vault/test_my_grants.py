"""`my grants`, `accesses`, `revoke`: a person sees what they have allowed, and who used it, and ends it."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from keeping import ORDER
from people import secret
from two import PURPOSE, Pair, pair, until

from cyberprivacy.cli import run
from cyberprivacy.proposal import ethaccount
from cyberprivacy.vault import signedrequest

PASSWORD = "long enough"
Types = Callable[..., tuple[int, Any]]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


@pytest.fixture
def types(
    both: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Types:
    """Alice at her keyboard, signed in at the shop."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    key, password = tmp_path / "alice.json", tmp_path / "password"
    stored = ethaccount.load().encrypt(secret("alice"), PASSWORD, kdf="pbkdf2", iterations=1_000)
    key.write_text(json.dumps(stored))
    password.write_text(PASSWORD)
    signing = ["--key", str(key), "--password-file", str(password)]

    def typed(word: str, *more: str, signs: bool = False, as_json: bool = True) -> tuple[int, Any]:
        line = ["my", word, both.shop.url, *more, *(signing if signs else []), *(["--json"] if as_json else [])]
        code, said = run(line), capsys.readouterr().out
        return code, json.loads(said) if as_json else said

    assert typed("sign-in", signs=True)[0] == 0
    return typed


def reads(both: Pair, grant: bytes, record: str) -> httpx2.Response:
    """The book reads a record under a grant."""
    path = f"/udi/v1/grants/{grant.hex()}/records/{record}"
    authority, key = both.shop.url.removeprefix("http://"), both.book.inside.vault.key
    headers = signedrequest.sign("GET", authority, path, key=key, now=both.alice.now)
    return httpx2.get(both.shop.url + path, headers=headers, trust_env=False)


def test_what_was_allowed_is_seen_used_and_ended(both: Pair, types: Types) -> None:
    assert types("grants", as_json=False) == (0, "nothing is allowed here\n")
    assert types("accesses", as_json=False) == (0, "nobody made use of anything here\n")
    order = both.at(both.shop).create(ORDER, {"total": 5})
    signed = [both.grant(), both.grant()]
    for each in signed:
        assert both.registers(each).status_code == 201
    assert reads(both, signed[0].grant.id, order).status_code == 200

    code, said = types("grants")
    found = {each["grant"]: each for each in said["grants"]}
    first, second = (found[each.grant.id.hex()] for each in signed)
    assert (code, len(found)) == (0, 2)
    assert (first["recipient"], first["purpose"], first["mode"]) == ("book", PURPOSE, "standing")
    assert first["scopes"] == [{"type": ORDER, "actions": ["read", "subscribe"], "selector": "all"}]
    assert (first["uses"], second["uses"], first["revoked"]) == (1, 0, False)

    accesses = types("accesses")[1]["accesses"]
    assert [(each["who"], each["action"], each["type"], each["records"]) for each in accesses] == [
        ("book", "read", ORDER, 1)
    ]
    assert types("accesses", "--grant", second["grant"])[1]["accesses"] == []
    assert "book" in types("accesses", as_json=False)[1]

    assert types("revoke", first["grant"], signs=True) == (
        0,
        {"grant": first["grant"], "revoked": True, "erasing": None},
    )
    assert reads(both, signed[0].grant.id, order).json()["type"] == "grant.revoked"
    assert reads(both, signed[1].grant.id, order).status_code == 200
    told = types("grants", as_json=False)[1]
    assert "taken back; used 1 times" in told
    assert "standing until" in told


def test_what_a_recipient_got_is_erased_there_and_the_person_sees_who_confirmed(both: Pair, types: Types) -> None:
    signed = [both.grant(), both.grant(), both.grant()]
    for each in signed:
        assert both.registers(each).status_code == 201
    both.follows(signed[0])
    both.at(both.shop).create(ORDER, {"total": 5})
    until(lambda: both.totals() == [5])
    first, second = (each.grant.id.hex() for each in signed[:2])
    code, said = types("revoke", first, "--erase", signs=True)
    assert (code, said["erasing"]["state"]) == (0, "confirmed")
    assert both.totals() == []
    told = " ".join(types("grants", as_json=False)[1].split())
    assert "erased there, with a signed receipt" in told

    code, said = types("revoke", second, "--erase", signs=True)
    assert (code, said["erasing"]["state"], said["erasing"]["why"]) == (0, "refused", "grant.unknown")
    assert "nothing came there, it says" in " ".join(types("grants", as_json=False)[1].split())

    code, said = types("erase", "--app", "shop", "--yes", signs=True)
    assert code == 0
    assert {each["grant"] for each in said["recipients"]} == {each.grant.id.hex() for each in signed}
    listed = said["receipt"]["receipt"]["recipients"]
    assert {"app": "book", "grant": first, "state": "confirmed"} in listed


def test_who_erases_without_a_key_is_told_who_keeps_what_it_got(
    both: Pair, types: Types, capsys: pytest.CaptureFixture[str]
) -> None:
    assert both.registers(both.grant()).status_code == 201
    code = run(["my", "erase", both.shop.url, "--app", "shop", "--yes", "--json"])
    said = capsys.readouterr()
    assert code == 0
    assert "keep what they got" in said.err
    assert json.loads(said.out)["recipients"] == []


def keystore(folder: Path, name: str) -> list[str]:
    """The words that name somebody's other key as one that signs as well."""
    stored = ethaccount.load().encrypt(secret(name), PASSWORD, kdf="pbkdf2", iterations=1_000)
    (folder / f"{name}.json").write_text(json.dumps(stored))
    return ["--cosigner", str(folder / f"{name}.json"), "--cosigner-password-file", str(folder / "password")]


def test_what_is_granted_is_read_signed_by_two_keys_and_followed(
    both: Pair, types: Types, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both.at(both.shop).create(ORDER, {"total": 5})
    book, phone = both.book.url, keystore(tmp_path, "phone")
    code, said = types("grant", book, "--yes", signs=True)
    assert (code, said["error"]) == (1, "cosign.missing")
    code, said = types("grant", book, "--yes", "--days", "30", *phone, signs=True)
    assert (code, said["recipient"], said["types"], said["follows"]) == (0, "book", [ORDER], True)
    until(lambda: both.totals() == [5])
    found = types("grants")[1]["grants"][0]
    assert (found["grant"], found["purpose"]) == (said["grant"], PURPOSE)
    assert found["expires"] - found["begins"] == 30 * 86_400

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    key, password = tmp_path / "alice.json", tmp_path / "password"
    line = ["my", "grant", both.shop.url, book, "--key", str(key), "--password-file", str(password)]
    assert run(line) != 0
    shown = capsys.readouterr().err
    assert 'You allow "book" to use records about you that are kept at "shop".' in shown
    assert "Sign this?" in shown
    assert len(types("grants")[1]["grants"]) == 1, "nothing was signed"


def test_a_grant_that_is_saved_is_handed_in_later(both: Pair, types: Types, tmp_path: Path) -> None:
    file, phone = tmp_path / "grant.json", keystore(tmp_path, "phone")
    code, said = types("grant", both.book.url, "--yes", "--once", "--save", str(file), *phone, signs=True)
    assert (code, said) == (0, {"saved": str(file)})
    assert types("grants")[1]["grants"] == []
    code, said = types("grant", both.book.url, "--signed", str(file), signs=True)
    assert (code, said["follows"]) == (0, False)
    assert types("grants")[1]["grants"][0]["mode"] == "once"


def test_what_cannot_be_granted_is_told(both: Pair, types: Types) -> None:
    for more, code, ended in (
        (["--may", "read,burn"], "my.action", 2),
        (["--purpose", "Sell it"], "my.purpose", 2),
        (["--only", "total = "], "selector.form", 1),
        (["--type", "org.example.nothing.v1"], "type.none", 2),
        (["--language", "fr"], "consent.language", 1),
        (["--signed", "/nowhere/grant.json"], "my.file", 2),
    ):
        got, said = types("grant", both.book.url, "--yes", *more, signs=True)
        assert (got, said["error"]) == (ended, code), more


def test_lists_come_in_pages(both: Pair, types: Types) -> None:
    session = json.loads(state_file().read_text())[both.shop.url]
    made = [both.grant() for _ in range(5)]
    for each in made:
        assert both.registers(each).status_code == 201

    def page(**query: object) -> Any:
        headers = {"Authorization": f"Bearer {session['token']}"}
        return httpx2.get(f"{both.shop.url}/udi/v1/grants", params=query, headers=headers, trust_env=False).json()

    whole = [each["grant"] for each in page(limit=250)["grants"]]
    assert len(whole) == len(set(whole)) >= 5
    walked: list[str] = []
    after: dict[str, str] = {}
    while True:
        said = page(limit=2, **after)
        walked += [each["grant"] for each in said["grants"]]
        if said["next"] is None:
            break
        after = {"after": said["next"]}
    assert walked == whole
    assert page(after="ab" * 16)["type"] == "grant.unknown"


def test_what_is_no_grant_is_told_before_anything_is_signed(types: Types) -> None:
    for word, *more in (("revoke", "12"), ("accesses", "--grant", "12"), ("revoke", "ab" * 16)):
        code, said = types(word, *more, signs=word == "revoke")
        assert (code, said["error"]) == (2, "my.grant")


def state_file() -> Path:
    """Where the command line keeps sessions."""
    from cyberprivacy.cli import mysession

    return mysession._file()
