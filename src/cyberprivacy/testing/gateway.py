"""A trustless gateway that lies in one chosen way, over real HTTP; and how to run any app for a test.

with running(LyingGateway(tree.find, Lie.WRONG_BYTES)) as url:
    fetch(cid, [Gateway(url), honest], store, into)
"""

import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from threading import Event, Thread
from typing import Final

import anyio
import anyio.lowlevel
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.gateway import CAR_TYPE, RAW_TYPE
from cyberprivacy.bundle.graph import Find
from cyberprivacy.bundle.serve import listening
from cyberprivacy.cid import RAW, Cid


class Lie(Enum):
    """What is wrong with a gateway's answers."""

    NOTHING = auto()
    """It is honest."""
    WRONG_BYTES = auto()
    """The last byte of every block is another one."""
    NO_BLOCKS = auto()
    """It says of everything that it isn't there."""
    ONE_MISSING = auto()
    """It has everything but the last block of the graph, and ends its CAR before it."""
    CUT_OFF = auto()
    """Every answer stops half-way, as if that were its end."""
    HANGS_UP = auto()
    """Every answer stops half-way because the connection breaks."""
    DRIP = auto()
    """One byte now and then, for ever."""
    SILENT = auto()
    """It says that an answer comes, and never sends it."""
    GIANT = auto()
    """A block that is longer than any block may be."""
    ENDLESS = auto()
    """Valid blocks without end, none of them asked for."""
    REDIRECT = auto()
    """It sends the client to another address."""
    WRONG_ROOT = auto()
    """The CAR of another graph."""
    GARBAGE_AFTER = auto()
    """The whole CAR, then something else."""
    COMPRESSED = auto()
    """A small answer that would unpack to a large one."""
    BROKEN = auto()
    """Status 500."""


class LyingGateway:
    """An ASGI app that serves what `find` has, bent by one lie.

    Attributes:
        asked: the path and query of every request, in order.
        lie: may be changed while it runs.
    """

    def __init__(self, find: Find, lie: Lie = Lie.NOTHING, *, pause: float = 0.05) -> None:
        """Prepare.

        Args:
            find: gives blocks.
            lie: what is wrong.
            pause: seconds between two bytes of a drip.
        """
        self.asked: list[str] = []
        self.lie = lie
        self._find = find
        self._pause = pause
        self._app = Starlette(routes=[Route("/ipfs/{cid}", self._content)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        await self._app(scope, receive, send)

    async def _content(self, request: Request) -> Response:
        self.asked.append(f"{request.url.path}?{request.url.query}")
        cid = Cid.parse(request.path_params["cid"])
        as_car = request.query_params.get("format") == "car"
        kind = CAR_TYPE if as_car else RAW_TYPE
        answer = self._instead(cid, kind, as_car=as_car)
        if answer is not None:
            return answer
        body = self._car(cid) if as_car else self._block(cid)
        if body is None:
            return Response(status_code=404)
        if self.lie is Lie.HANGS_UP:
            return StreamingResponse(_hang_up(body), headers={"content-type": kind})
        if self.lie is Lie.CUT_OFF:
            body = body[: len(body) // 2]
        return Response(body, headers={"content-type": kind})

    def _instead(self, cid: Cid, kind: str, *, as_car: bool) -> Response | None:
        """What is answered without looking at the content, if the lie is of that sort."""
        headers = {"content-type": kind}
        match self.lie:
            case Lie.REDIRECT:
                return RedirectResponse(f"/elsewhere/{cid}")
            case Lie.BROKEN | Lie.NO_BLOCKS:
                return Response(status_code=500 if self.lie is Lie.BROKEN else 404)
            case Lie.SILENT | Lie.DRIP:
                return StreamingResponse(self._drip(), headers=headers)
            case Lie.ENDLESS if as_car:
                return StreamingResponse(_endless(cid, self._find), headers=headers)
            case Lie.COMPRESSED:
                return Response(_BOMB, headers=headers | {"content-encoding": "gzip"})
        return None

    def _block(self, cid: Cid) -> bytes | None:
        block = self._find(cid)
        if block is None or (self.lie is Lie.ONE_MISSING and cid.codec == RAW):
            return None
        match self.lie:
            case Lie.WRONG_BYTES:
                return _bent(block)
            case Lie.GIANT:
                return block + bytes(3 << 20)
            case Lie.GARBAGE_AFTER:
                return block + b"garbage"
            case Lie.WRONG_ROOT:
                return b"another block"
        return block

    def _car(self, root: Cid) -> bytes | None:
        if self._find(root) is None:
            return None
        blocks = list(graph.blocks(root, self._find))
        match self.lie:
            case Lie.WRONG_BYTES:
                blocks = [(cid, _bent(block)) for cid, block in blocks]
            case Lie.ONE_MISSING:
                blocks = blocks[:-1]
            case Lie.GIANT:
                giant = bytes(3 << 20)
                blocks.append((Cid.of(RAW, giant), giant))
            case Lie.WRONG_ROOT:
                other = b"another block"
                root, blocks = Cid.of(RAW, other), [(Cid.of(RAW, other), other)]
        made = b"".join(car.write(root, blocks))
        return made + b"\x07garbage" if self.lie is Lie.GARBAGE_AFTER else made

    async def _drip(self) -> AsyncIterator[bytes]:
        while True:
            if self.lie is Lie.DRIP:
                yield b"\x3a"
            await anyio.sleep(self._pause)


_BOMB: Final = gzip.compress(bytes(16 << 20))


def _bent(block: bytes) -> bytes:
    return block[:-1] + bytes((block[-1] ^ 1,)) if block else b"not empty"


async def _hang_up(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionAbortedError


async def _endless(root: Cid, find: Find) -> AsyncIterator[bytes]:
    yield car.header(root)
    yield car.section(root, find(root) or b"")
    number = 0
    while True:
        block = number.to_bytes(8) * 1024
        yield car.section(Cid.of(RAW, block), block)
        number += 1
        await anyio.lowlevel.checkpoint()  # lets the server see that the client has gone


@contextmanager
def running(app: ASGIApp, tls: Path | None = None) -> Iterator[str]:
    """Serve an ASGI app on a free port of this machine; gives its URL, and stops when the block ends.

    Args:
        app: what answers.
        tls: folder with `server.crt` and `server.key`; None serves without TLS.
    """
    with listening("127.0.0.1", 0) as bound:
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="critical",  # a lie may be an exception; the server need not report it
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=tls / "server.crt" if tls else None,
            ssl_keyfile=tls / "server.key" if tls else None,
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@contextmanager
def dripping_header(pause: float = 0.05) -> Iterator[str]:
    """A server below HTTP that sends the header of its answer byte by byte, for ever; gives its URL."""
    stop = Event()

    def serve(bound: socket.socket) -> None:
        while not stop.is_set():
            try:
                connection, _ = bound.accept()
            except TimeoutError:
                continue
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not stop.wait(pause):
                    connection.sendall(b"x")

    with listening("127.0.0.1", 0) as bound:
        bound.settimeout(0.1)
        thread = Thread(target=serve, args=(bound,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(timeout=10)
