"""A vault in this process, and people who call it over HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import msgspec
from keeping import NOTE, ORDER, TEXT
from keeping import SCHEMA as ORDER_SCHEMA
from people import SCHEMA, Person, key, secret
from starlette.testclient import TestClient

from cyberprivacy import wallet
from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.recipient import Declared, ReleasePolicy
from cyberprivacy.vault.signing_in import STRUCT
from cyberprivacy.vault.web import server
from cyberprivacy.vault.web.assembly import Paces, Vault
from cyberprivacy.vault.web.endpoint import Endpoint
from cyberprivacy.vault.web.opening import opened

SITE = "http://127.0.0.1:8300"
SHOP = "http://127.0.0.1:8080"
PLACE = Place(Site.parse(SITE), "test:vault", apps={"shop": Site.parse(SHOP), "books": Site.parse(SITE)})
TYPES = (datatype.parse(ORDER, ORDER_SCHEMA), datatype.parse(NOTE, TEXT))
POLICY = ReleasePolicy("shop", 0, "0x" + "00" * 20, None, None, Declared(frozenset({ORDER}), frozenset()))
OWN = Own("shop", bytes(32), POLICY)
GENEROUS = Paces((1e9, 1e9), (1e9, 1e9))


@dataclass
class Clock:
    """POSIX seconds that tests move. Exports are made while `exports` is set."""

    now: float = field(default_factory=time.time)
    exports: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.exports.set()

    def __call__(self) -> float:
        if threading.current_thread().name == "exports":
            self.exports.wait(timeout=20)
        return self.now


@dataclass
class Town:
    """One vault and its clock; `person` gives somebody an account and a client."""

    vault: Vault
    clock: Clock
    client: TestClient

    def person(
        self, name: str, app: str = "", keys: tuple[str, ...] = (), guarded_by: tuple[str, ...] = ()
    ) -> "Caller":
        owner = Person(name, now=self.clock.now).begin(*keys, guarded_by=guarded_by)
        assert self.client.post("/udi/v1/accounts", content=owner.log[0].encode()).status_code == 201
        return Caller(self, owner).sign_in(app)

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.client.request(method, path, **more)


@dataclass
class Caller:
    """Somebody with a session."""

    town: Town
    owner: Person
    token: str = ""
    app: str = ""

    @property
    def account(self) -> str:
        assert self.owner.state is not None
        return self.owner.state.account.hex()

    def sign_in(self, app: str = "", by: str | None = None) -> "Caller":
        answer = self.tries(app, by)
        assert answer.status_code == 201, answer.text
        return Caller(self.town, self.owner, answer.json()["token"], app)

    def tries(
        self, app: str = "", by: str | None = None, change: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> httpx2.Response:
        """Ask for something to sign, sign it, change what is sent, and send it."""
        asked = self.town.client.post("/udi/v1/auth/nonce", json={"app": app}).json()
        name = by or self.owner.name
        said = {field: asked[field] for field in ("uri", "statement", "nonce")}
        signature = wallet.sign(secret(name), SCHEMA.digest(STRUCT, said))
        body: dict[str, Any] = {
            "app": app,
            "key": key(name).text,
            "nonce": asked["nonce"],
            "signature": signature.hex(),
        }
        change(body)
        return self.town.client.post("/udi/v1/auth/key", json=body)

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.town.client.request(method, path, headers=headers, **more)

    def creates(self, kind: str, value: object, key: str | None = None) -> Any:
        """A new record; its id and revision."""
        headers = {"Idempotency-Key": key or token_hex(8)}
        answer = self.call("POST", f"/udi/v1/records?type={kind}", json=value, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def hands_in(self, kind: Any, by: str | None = None, **body: Any) -> httpx2.Response:
        """Sign the next key event and hand it in; the person's own log goes on only if it is taken."""
        self.owner.now = self.town.clock.now
        signed = self.owner.next(kind, by or self.owner.name, **body)
        answer = self.town.client.post(f"/udi/v1/accounts/{self.account}/kel", content=signed.encode())
        if answer.status_code == 200:
            self.owner.take(signed)
        return answer


def town(folder: Path, *, paces: Paces = GENEROUS, database: str = "") -> Any:
    """A context: a vault in a folder."""

    @contextmanager
    def standing() -> Any:
        clock = Clock()
        with opened(
            folder,
            database,
            PLACE,
            types=TYPES,
            own=replace(OWN, parameters=folder / "parameters.json"),
            paces=paces,
            clock=clock,
        ) as made:
            yield Town(made, clock, TestClient(made.application(), base_url=SITE))

    return standing()


@contextmanager
def serving(here: Town) -> Iterator[str]:
    """The vault on a socket of this machine."""
    with listening("127.0.0.1", 0) as bound:
        running = server.prepared(here.vault.application())
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        yield address
        running.stop()
        thread.join()


def code(answer: httpx2.Response) -> str:
    """The reason code of a refusal; "" of what was not refused."""
    return "" if answer.is_success else str(answer.json()["type"])


SHORT = ("record", "job", "erasure", "grant", "transfer")
NEEDED = {"type": ORDER, "app": "shop", "size": "4", "field": "total"}
"""Queries that some endpoints cannot do without."""


def example(endpoint: Endpoint, **values: str) -> str:
    """A path, with what its query needs, of the right form; parameters that are not given belong to nobody."""
    nobody = {name: "ab" * (16 if name in SHORT else 32) for name in endpoint.parameters} | {
        "chunk": "0",
        "type": ORDER,
    }
    fields = msgspec.structs.fields(endpoint.query) if endpoint.query else ()
    query = "&".join(f"{each.name}={NEEDED[each.name]}" for each in fields if each.required)
    return endpoint.path.format(**nobody | values) + ("?" + query if query else "")


def until(ask: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 20.0) -> Any:
    """What `ask` answers as soon as that is good."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if good(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.02)
