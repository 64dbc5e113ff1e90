"""An application of thirty lines keeps what belongs to its users at a vault, over real sockets."""

import importlib.util
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from people import SCHEMA, key, secret
from starlette.applications import Starlette
from starlette.middleware import Middleware

from cyberprivacy import wallet
from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.serve import listening
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.client.account import Account
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.middleware import COOKIE, Udi
from cyberprivacy.vault.client.person import NotThisPlace, Person
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.web import server
from cyberprivacy.vault.web.assembly import opened

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "notes"
NOTE = "example.notes.note.v1"


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
def running(prepared: uvicorn.Server, bound: Any) -> Iterator[None]:
    thread = threading.Thread(target=prepared.run, kwargs={"sockets": [bound]})
    thread.start()
    yield
    prepared.should_exit = True
    thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The example at an address, with a vault behind it whose address people never see."""
    spec = importlib.util.spec_from_file_location("notes", EXAMPLE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    notes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notes)
    types = [datatype.parse(each.stem, each.read_bytes()) for each in (EXAMPLE / "types").iterdir()]
    with ExitStack() as stack:
        behind, before = (stack.enter_context(listening("127.0.0.1", 0)) for _ in range(2))
        front, back = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (before, behind))
        place = Place(Site.parse(front), "test:vault", apps={"notes": Site.parse(front)})
        vault = stack.enter_context(opened(tmp_path, "", place, types=types))
        stack.enter_context(running(server.prepared(vault.application()), behind))
        app = Starlette(routes=notes.routes, middleware=[Middleware(Udi, vault=back)])
        stack.enter_context(running(server.prepared(app), before))
        yield front


def test_the_example_has_less_than_thirty_lines() -> None:
    assert len([line for line in (EXAMPLE / "app.py").read_text().splitlines() if line.strip()]) < 30


def test_users_of_an_application_keep_and_own_what_they_write(site: str) -> None:
    with Connection(site) as vault:
        alice = Person(vault, Paper("alice"))
        alice.begin()
        asked = vault.ask("POST", "/udi/v1/auth/nonce", body={"app": "notes"})
        said = {name: asked[name] for name in ("uri", "statement", "nonce")}
        body = {"app": "notes", "key": key("alice").text, "nonce": asked["nonce"]}
        body["signature"] = alice.wallet.sign(SCHEMA, "SignIn", said).hex()
        mine = alice.sign_in()
    with httpx2.Client(base_url=site) as browser:
        assert browser.get("/notes").status_code == 401
        opened_ = browser.post("/udi/v1/auth/key", json=body, headers={"Udi-Session": "cookie"})
        assert (opened_.status_code, opened_.json()["token"]) == (201, "")
        cookie = opened_.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert browser.post("/notes/hello").status_code == 201
        assert browser.get("/notes").json() == [{"text": "hello"}]
        assert (
            browser.get("/udi/v1/records").status_code == 401
        )  # a page elsewhere gets nothing by the cookie alone
        assert browser.get("/udi/v1/records", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
        assert opened_.json()["account"] != mine["account"]
        token = browser.cookies[COOKIE]
    with Connection(site, str(mine["token"])) as owner:
        held = owner.ask("GET", "/udi/v1/data")["apps"]
        assert [(each["app"], each["records"], each["owner"]) for each in held] == [
            ("notes", 1, opened_.json()["account"])
        ]
    with Connection(site, token) as through:
        account = Account(through)
        [note] = account.all(NOTE)
        changed = account.update(account.read(note.id), {"text": "better"})
        assert (changed.rev, account.read(note.id).value, account.owner) == (
            2,
            {"text": "better"},
            held[0]["owner"],
        )
        account.delete(changed)
        assert list(account.all(NOTE)) == []
        account.sign_out()


def test_nothing_is_signed_for_a_vault_that_says_to_be_elsewhere(tmp_path: Path) -> None:
    place = Place(Site.parse("https://bank.example"), "test:vault")
    with ExitStack() as stack:
        vault, bound = (
            stack.enter_context(opened(tmp_path, "", place)),
            stack.enter_context(listening("127.0.0.1", 0)),
        )
        stack.enter_context(running(server.prepared(vault.application()), bound))
        there = stack.enter_context(Connection(f"http://127.0.0.1:{bound.getsockname()[1]}"))
        with pytest.raises(NotThisPlace):
            Person(there, Paper("alice")).sign_in()
