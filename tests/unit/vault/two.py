"""Two applications on sockets, and somebody with an account at both, who grants one what the other keeps."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes
from typing import Any

import httpx2
import uvicorn
from grants import proof
from keeping import ORDER
from keeping import SCHEMA as ORDER_SCHEMA
from people import SCHEMA, Person, key
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault import owners
from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.described import described
from cyberprivacy.vault.followings import Following
from cyberprivacy.vault.grant import Grant, Mode, Revoke
from cyberprivacy.vault.inside import Inside, RecordsInside
from cyberprivacy.vault.middleware import App, PersonalData
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.sessions import open_session

PURPOSE = "Show what was bought"


class Place:
    """An application that serves; `stop` and `start` are a restart."""

    def __init__(
        self,
        name: str,
        folder: Path,
        sources: dict[str, str],
        *,
        site: str = "",
        routes: Sequence[BaseRoute] = (),
        **more: Any,
    ) -> None:
        """`site` if it is another address than the one at which this process listens; `more` of `App`."""
        self.name, self.folder, self._sources = name, folder, sources
        self._site, self._routes, self.more = site, routes, more
        (folder / "types").mkdir(parents=True, exist_ok=True)
        (folder / "types" / f"{ORDER}.json").write_bytes(ORDER_SCHEMA)
        with listening("127.0.0.1", 0) as probe:
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        app = App(
            name=self.name,
            site=self._site or self.url,
            vault=self.folder / "data",
            types=self.folder / "types",
            sources=self._sources,
            network="test:vault",
            **{"purposes": [PURPOSE], "parameters": self.folder / "parameters.json", **self.more},
        )
        self.wrapped = PersonalData(Starlette(routes=self._routes, lifespan=self._lifespan), app=app)
        self._server = uvicorn.Server(
            uvicorn.Config(self.wrapped, log_level="error", timeout_graceful_shutdown=1, lifespan="on")
        )
        bound = listening("127.0.0.1", self._port)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [bound]})
        self._thread.start()
        until(lambda: self._server.started)

    @property
    def inside(self) -> Inside:
        assert isinstance(self.wrapped.backing, Inside)
        return self.wrapped.backing

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        yield

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        """Something in the loop that serves."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(timeout=20)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()

    def post(self, path: str, content: bytes) -> httpx2.Response:
        return httpx2.post(self.url + path, content=content, trust_env=False)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


class Pair:
    """A shop and a book of purchases, and alice."""

    def __init__(self, shop: Place, book: Place, alice: Person | None = None) -> None:
        self.shop, self.book = shop, book
        self.alice = alice or Person("alice", now=int(time.time())).begin("alice", "phone")
        log = b"".join(each.encode() + b"\n" for each in self.alice.log)
        for place in (shop, book):
            assert place.post("/udi/v1/accounts:bring", log).status_code == 201

    @property
    def account(self) -> bytes:
        assert self.alice.state is not None
        return self.alice.state.account

    def at(self, place: Place) -> RecordsInside:
        """Alice, signed in there; how one signs in is tested elsewhere."""
        vault = place.inside.vault
        with vault.database.transaction() as connection:
            _, session = open_session(connection, self.account, key("alice"), place.name, time.time())
            owners.admit(
                connection, vault.ring.store, session.owner(), account=self.account, app=place.name, now=1
            )
        return RecordsInside(vault, session, place.inside.followings)

    def grant(self, **fields: object) -> SignedGrant:
        """What alice signs so that the book may have her orders."""
        shop, book = self.shop.inside.vault, self.book.inside.vault
        assert shop.own is not None
        assert book.own is not None
        with shop.database.reading() as connection:
            types = {ORDER: described(shop.types.get(connection, ORDER).type)}
        scope = Scope(
            data_type=ORDER,
            actions=(Action.READ, Action.SUBSCRIBE),
            selector=Selector(),
            schema=types[ORDER].schema,
        )
        made = Grant(
            id=token_bytes(16),
            subject=self.account,
            kel_seq=0,
            source=shop.own.party(self.at(self.shop).session.owner()),
            recipient=book.own.party(self.at(self.book).session.owner()),
            scopes=(scope,),
            purpose=PURPOSE,
            mode=Mode.STANDING,
            max_uses=0,
            not_before=int(time.time()),
            expires=int(time.time()) + 86_400,
            retention=0,
            onward=0,
            text_hash=bytes(32),
            nonce=token_bytes(32),
        )
        made = replace(made, **fields)  # type: ignore[arg-type]
        made = replace(made, text_hash=text_hash(text(made, book.own.policy, types, "en")))
        digest = made.digest(SCHEMA)
        return SignedGrant(made, proof(digest, "alice"), proof(digest, "phone"))

    def registers(self, signed: SignedGrant, **changed: object) -> httpx2.Response:
        """Hand a grant in at the shop, as the recipient's."""
        return self.registers_text(signed.encode(), **changed)

    def registers_text(self, signed: bytes, **changed: object) -> httpx2.Response:
        """The same, of a grant as it travels."""
        party = httpx2.get(self.book.url + "/udi/v1/party", trust_env=False).json()
        named = {name: party[name] for name in ("policy", "holder", "site")}
        body = {"signed": json.loads(signed), **named} | changed
        return self.shop.post("/udi/v1/grants", json.dumps(body).encode())

    def follows(self, signed: SignedGrant) -> None:
        """Hand it in at the book, too."""
        self.book.run(self.book.inside.follower.take(signed.encode()))

    def words(self, grant: Grant, erase: int = 0, by: str = "alice", at: float = 0) -> bytes:
        """What alice signs to take a grant back."""
        said = Revoke(
            grant=grant.id,
            subject=self.account,
            kel_seq=0,
            at=int(at or time.time()),
            erase=erase,
            nonce=token_bytes(32),
        )
        return SignedRevoke(said, proof(said.digest(SCHEMA), by)).encode()

    def revokes(self, grant: Grant, erase: int = 0) -> httpx2.Response:
        return self.shop.post("/udi/v1/grants:revoke", self.words(grant, erase))

    def totals(self) -> list[object]:
        """What the book has, oldest first."""
        return [each.value["total"] for each in self.at(self.book).list(ORDER, limit=250)]

    def standing(self) -> Following:
        return self.at(self.book).followings()[-1]


@contextmanager
def pair(folder: Path, **more: Any) -> Iterator[Pair]:
    """`more` of `App`, for both."""
    shop = Place("shop", folder / "shop", {}, **more)
    book = Place("book", folder / "book", {"shop": shop.url}, **more)
    try:
        yield Pair(shop, book)
    finally:
        book.stop()
        shop.stop()
