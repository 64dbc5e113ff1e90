"""A vault in a process of its own, on a socket: it can be killed and begun anew, and made to lie."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from callers import TYPES
from grants import proof
from keeping import ORDER
from people import Person, key, secret
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cyberprivacy import wallet
from cyberprivacy.bundle.serve import listening
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.moving import Mover
from cyberprivacy.vault.client.person import Person as Client
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.home import KEEPING, NOWHERE, Own
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.recipient import Declared
from cyberprivacy.vault.web import server
from cyberprivacy.vault.web.assembly import Vault
from cyberprivacy.vault.web.opening import opened

Bend = Callable[[str, bytes], bytes | None]
"""What becomes of an answer's body, by its path; None = it never comes."""


class Served:
    """One application's vault; `start` forks, so that nothing has to be imported again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._folder, self._process = name, folder, 0
        with listening("127.0.0.1", 0) as probe:
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def serves(self) -> bool:
        return bool(self._process)

    @contextmanager
    def here(self, later: float = 0) -> Iterator[Vault]:
        """The vault in this process, while no other serves it."""
        site = Site.parse(self.url)
        place = Place(site, "test:vault", apps={self.name: site})
        declared = Declared(frozenset(each.name for each in TYPES), frozenset({KEEPING}))
        own = Own.of(self.name, NOWHERE, declared)
        with opened(self._folder, "", place, types=TYPES, own=own, clock=lambda: time.time() + later) as vault:
            yield vault

    def start(
        self, *, bend: Bend | None = None, later: float = 0, lie: Callable[[], object] = lambda: None
    ) -> None:
        """Serve; `later`: seconds by which its clock is ahead; `lie` changes its program before it does."""
        self._process = os.fork()
        if not self._process:
            try:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)
                os.dup2(null, 2)
                lie()
                with self.here(later) as vault, listening("127.0.0.1", self._port) as bound:
                    app: Any = vault.application()
                    server.prepared(_bent(app, bend) if bend else app).run(sockets=[bound])
            finally:
                os._exit(0)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                httpx2.get(self.url + "/.well-known/udi", trust_env=False, timeout=30)
            except httpx2.HTTPError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError("it does not serve")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process:
            os.kill(self._process, how)
            os.waitpid(self._process, 0)
            self._process = 0


def _bent(app: ASGIApp, bend: Bend) -> ASGIApp:
    """The same application, with other answers."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = bend(scope["path"], message.get("body", b""))
                if body is None:
                    raise ConnectionError
                message = {**message, "body": body}
            await send(message)

        await app(scope, receive, sent)

    return run


@dataclass(frozen=True)
class Purse:
    """A wallet with the key of a name."""

    name: str

    @property
    def key(self) -> Key:
        return key(self.name)

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        return wallet.sign(secret(self.name), schema.digest(name, value))

    def proofs(self, schema: Schema, grant: Grant) -> tuple[Proof, Proof | None]:
        digest = grant.digest(schema)
        return proof(digest, self.name), proof(digest, f"{self.name}'s phone")


@dataclass
class Traveller:
    """Somebody with an account at two vaults that serve, signed in at both."""

    shop: Served
    book: Served
    purse: Purse
    person: Person
    sessions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, shop: Served, book: Served) -> "Traveller":
        made = cls(shop, book, Purse(name), Person(name, now=time.time()).begin(name, f"{name}'s phone"))
        log = b"".join(each.encode() + b"\n" for each in made.person.log)
        for place in (shop, book):
            with Connection(place.url) as vault:
                vault.ask("POST", "/udi/v1/accounts:bring", octets=log)
                for app in ("", place.name):
                    made.sessions[place.name + app] = Client(vault, made.purse).sign_in(app)["token"]
        return made

    @property
    def account(self) -> str:
        assert self.person.state is not None
        return self.person.state.account.hex()

    def at(self, place: Served, app: str = "") -> Connection:
        return Connection(place.url, self.sessions[place.name + app])

    @contextmanager
    def mover(self) -> Iterator[Mover]:
        with self.at(self.shop) as shop, self.at(self.book) as book:
            yield Mover(shop, book, self.account)

    def fill(self, count: int, size: int, note: str = "") -> None:
        """Orders at the shop."""
        changes = [
            {"do": "create", "type": ORDER, "body": {"total": n, "note": note + "x" * size}} for n in range(count)
        ]
        with self.at(self.shop, self.shop.name) as vault:
            for start in range(0, count, 8):
                headers = {"Idempotency-Key": f"fill-{start}"}
                vault.ask(
                    "POST", "/udi/v1/records:batch", body={"changes": changes[start : start + 8]}, headers=headers
                )

    def held(self, place: Served) -> dict[str, Any]:
        """Every record there, by its id."""
        found: dict[str, Any] = {}
        query: dict[str, str | int] = {"limit": 250}
        with self.at(place, place.name) as vault:
            while True:
                page = vault.ask("GET", "/udi/v1/records", query=query)
                assert not found.keys() & {each["id"] for each in page["records"]}
                found |= {each["id"]: each["body"] for each in page["records"]}
                if page["next"] is None:
                    return found
                query["after"] = page["next"]

    def report(self, place: Served, transfer: str) -> Any:
        with self.at(place) as vault:
            return vault.ask("GET", f"/udi/v1/transfers/{transfer}")

    def until(self, transfer: str, good: Callable[[Any], bool], place: Served | None = None) -> Any:
        """The report of a transfer as soon as it is good."""
        end = time.monotonic() + 60
        while not good(said := self.report(place or self.book, transfer)):
            assert time.monotonic() < end, said
            time.sleep(0.02)
        return said


def arrived(said: Any) -> bool:
    return bool(said["transfer"]["state"] != "running")
