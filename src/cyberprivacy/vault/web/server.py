"""A vault on a socket: one process, one event loop, the threads that do the work, and one that speaks HTTP.

HTTP is read and written outside of Python and of its lock (Granian, which is hyper), so that the interpreter has
its core for what only it does.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import uvloop
from granian import net
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server as Granian
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from cyberprivacy.errors import TryLater

GRACE: Final = 10
"""Seconds that answers may still take once the vault is told to stop."""
MAX_CONNECTIONS: Final = 512
"""At once; one more waits until another ends."""
BACKLOG: Final = 128
"""Connections that wait to be taken."""
_HEADERS: Final = HTTP1Settings(header_read_timeout=30_000, max_buffer_size=64 << 10)
"""What a request may have before its body: bytes, and milliseconds until they are here, also between requests."""
_ANSWER: Final = "future_watcher"
"""What it calls the task of one request."""
_LOGS: Final = {"incremental": True, "handlers": {}, "loggers": {"_granian": {}}}
"""Its defects, and those of an application, go where all others go; it opens no log of its own."""


class NotServed(TryLater):
    """The server ended, or could not begin, and nobody had told it to end."""

    code = "vault.server"
    hint = "Look at the log above; start it again."


class Server:
    """Answers on a socket until it is told to stop; requests that have begun by then are answered."""

    def __init__(self, app: ASGIApp) -> None:
        """Take an application; nothing runs yet."""
        self._app, self._told = app, threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, Any] | None = None

    def run(self, sockets: Sequence[socket.socket]) -> None:
        """Answer on a socket that listens already, until SIGTERM, SIGINT or `stop`; it is closed then.

        Raises:
            NotServed: it could not begin, or ended by itself.
        """
        uvloop.run(self._serve(sockets[0]))

    def stop(self) -> None:
        """Take no more requests; `run` returns once those that have begun are answered. From any thread."""
        self._told.set()
        if self._running is not None:
            loop, server = self._running
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(server.stop)

    async def _serve(self, bound: socket.socket) -> None:
        loop: Any = asyncio.get_running_loop()
        server: Any = _Bound(self._app, bound)
        self._running = loop, server
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(each, self.stop)
        if self._told.is_set():  # before there was a server
            server.stop()
        await server.serve()
        if not self._told.is_set():
            raise NotServed("the server ended by itself")


class _Bound(Granian):
    """Granian on a socket that is bound already, which ends in bounded time."""

    def __init__(self, app: ASGIApp, bound: socket.socket) -> None:
        host, port = bound.getsockname()[:2]
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=MAX_CONNECTIONS,
            http1_settings=_HEADERS,
            log_level=LogLevels.error,
            log_dictconfig=_LOGS,
        )
        self._bound = bound

    def _init_shared_socket(self) -> None:
        """Its own way would bind another. The socket is its own from here on; it closes it when it is to end."""
        self._bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # so are the connections that it takes
        holder: Any = vars(net)["SocketHolder"]  # which its stubs do not know
        self._shd: Any = holder(self._bound.detach(), False, BACKLOG)

    async def _stop_workers(self) -> None:
        """Let what has begun end; after `GRACE`, end it."""
        workers: list[Any] = self.wrks
        for worker in workers:
            worker.terminate()
        tasks = {worker._task for worker in workers}  # noqa: SLF001 - its own way to wait leaves all as it is then
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        if late:
            for task in asyncio.all_tasks():
                if getattr(task.get_coro(), "__name__", "") == _ANSWER:
                    task.cancel()
            await asyncio.wait(late, timeout=1)
        self.wrks.clear()


def prepared(app: ASGIApp, *, front: str = "") -> Server:
    """A server for `run(sockets=[…])`: until SIGTERM or SIGINT; requests that have begun are answered.

    Args:
        app: the vault.
        front: address of the one proxy that is believed about who asks; "" believes nobody.
    """
    behind: Any = ProxyHeadersMiddleware  # its types are of the other server
    return Server(behind(app, front) if front else app)
