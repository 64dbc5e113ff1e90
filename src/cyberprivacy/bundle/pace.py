"""How long the other end of a connection may take, whatever it does meanwhile: past that, the connection is cut.

A limit on each read is no limit: a server that sends a byte now and then keeps its client for ever, be it in the
header of an answer, in its body, or in the framing between two parts of it.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

import httpx2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a source may take.

    Attributes:
        deadline: seconds for one answer, from the connection to its last byte.
        block: the same, for an answer of one block.
        first: seconds until an answer begins; what is sent to the source counts.
        connect: seconds until the connection stands.
        silence: seconds without a byte.
        grace: seconds from the beginning of an answer before its rate is looked at.
        rate: bytes per second, at least 1, averaged since then, below which the source is given up.
    """

    deadline: float = 900.0
    block: float = 60.0
    first: float = 900.0
    connect: float = 10.0
    silence: float = 20.0
    grace: float = 10.0
    rate: int = 16 << 10


DEFAULT_PACE: Final = Pace()

_CONNECTED: Final = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")
"""Steps of the HTTP client after which the connection is another socket than before."""


class TooSlow(httpx2.TimeoutException):
    """The other end took longer than it may, and was cut off."""


class Line:
    """The connection that requests go over, one at a time."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._late = False
        self._knowing = Lock()

    @contextmanager
    def ask(self, client: httpx2.Client, request: httpx2.Request, pace: Pace) -> Iterator[httpx2.Response]:
        """Send a request; its answer while the block lasts, redirects not followed.

        The client must open a new connection for this request, or use the one that this line knows; it keeps its
        own limits on connecting and on silence.

        Raises:
            httpx2.HTTPError: as the client; `TooSlow` also where a cut answer would look like a whole one.
        """
        self._late = False
        request.extensions["trace"] = self._remember
        clock = _Clock(pace, self.cut)
        try:
            response = client.send(request, stream=True, follow_redirects=False)
            clock.answered(response)
            try:
                assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101 - the client is not async
                response.stream = _Whole(response.stream, self)
                yield response
            finally:
                response.close()
        except httpx2.HTTPError as error:
            if self._late:
                raise TooSlow("cut off: it took too long", request=request) from error
            raise
        finally:
            clock.end()

    @property
    def late(self) -> bool:
        """Whether the last request was cut off."""
        return self._late

    def _remember(self, event: str, info: Mapping[str, object]) -> None:
        """Called by the HTTP client at each of its steps."""
        if event.endswith(_CONNECTED):
            found = getattr(info["return_value"], "get_extra_info", lambda _: None)("socket")
            with self._knowing:
                self._socket = found if isinstance(found, socket.socket) else None
                if self._late:  # time ran out during the handshake, when there was no socket to cut
                    self._shut()

    def cut(self) -> None:
        """End the answer that is under way, from any thread; whoever reads it gets `TooSlow`."""
        with self._knowing:
            self._late = True
            self._shut()

    def _shut(self) -> None:
        """Wake whoever reads or writes. Not by TLS's own shutdown, after which a reader takes cipher for text."""
        if self._socket is not None:
            with suppress(OSError):  # it was closed just before
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Whole(httpx2.SyncByteStream):
    """A body that does not end as if it were whole when it was cut."""

    def __init__(self, body: httpx2.SyncByteStream, line: Line) -> None:
        self._body, self._line = body, line

    def __iter__(self) -> Iterator[bytes]:
        yield from self._body
        if self._line.late:
            raise TooSlow("cut off: it took too long")

    def close(self) -> None:
        self._body.close()


class _Clock:
    """Calls `cut` once when a transfer has taken longer than its pace allows; runs from its making on."""

    def __init__(self, pace: Pace, cut: Callable[[], None]) -> None:
        self._pace, self._cut = pace, cut
        self._started = self._answered = time.monotonic()
        self._response: httpx2.Response | None = None
        self._stir, self._over = Event(), False
        self._thread = Thread(target=self._run, name="pace", daemon=True)
        self._thread.start()

    def answered(self, response: httpx2.Response) -> None:
        """The header is here; from now on the rate counts."""
        self._answered = time.monotonic()
        self._response = response
        self._stir.set()

    def end(self) -> None:
        """After this nothing is cut."""
        self._over = True
        self._stir.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over:
            left = self._until() - time.monotonic()
            if left <= 0:
                self._cut()
                return
            if self._stir.wait(left):
                self._stir.clear()

    def _until(self) -> float:
        pace = self._pace
        if self._response is None:
            return self._started + min(pace.first, pace.deadline)
        earned = self._response.num_bytes_downloaded / pace.rate
        return min(self._started + pace.deadline, self._answered + pace.grace + earned)
