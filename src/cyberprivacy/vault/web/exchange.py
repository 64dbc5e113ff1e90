"""A request and an answer as the server hands them over and takes them (ASGI), without anything in between.

Most requests are answered in less time than a toolkit takes to wrap them; what streams uses Starlette's responses.
Source: ASGI 3.0, "HTTP & WebSocket ASGI Message Format".
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from cyberprivacy.errors import TryLater
from cyberprivacy.vault.web.problem import BadCall

PATIENCE: Final = 60.0
"""Seconds within which a body has to be here."""
SECURITY: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "udi",  # else the server says what it is and may be attacked with
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, refusals too."""
_ALWAYS: Final = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
_EMPTY: Final = (204, 304)
"""Statuses whose answers have no body, and say no length of one."""


class Asked:
    """A request.

    Attributes:
        address: of whoever asks; "" if the server does not know.
        query: as it stands in the address, encoded.
    """

    __slots__ = ("_headers", "_receive", "address", "query")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Take what the server hands over."""
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self.query: bytes = scope["query_string"]
        self._receive = receive
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # of two the first counts

    def header(self, name: str) -> str | None:
        """The first header of a name (lower case)."""
        found = self._headers.get(name.encode())
        return None if found is None else found.decode("latin-1")

    def small(self, limit: int) -> bool:
        """Whether the body is said to be no longer than this."""
        told = self.header("content-length") or ""
        return told.isdecimal() and len(told) < 8 and int(told) <= limit

    async def body(self, limit: int) -> bytes:
        """The body; what is too large is not read to its end.

        Raises:
            BadCall: longer than `limit` bytes ("api.size").
            TryLater: it did not come in time, or whoever sent it has gone ("api.slow").
        """
        told, body, more = self.header("content-length") or "0", bytearray(), True
        if not told.isdecimal() or len(told) > 12 or int(told) > limit:
            raise BadCall("the body is too large", code="api.size", limit=limit)
        try:
            async with asyncio.timeout(PATIENCE):
                while more:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise TimeoutError
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limit:
                        raise BadCall("the body is too large", code="api.size", limit=limit)
        except TimeoutError:
            raise TryLater("the body did not arrive", code="api.slow", hint="Send it again.") from None
        return bytes(body)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is whole.

    Attributes:
        headers: beside `SECURITY`, the type and the length.
        media: type of the body; "" says none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    media: str = ""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Give it to the server."""
        said = [
            *_ALWAYS,
            *((name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        if self.media:
            said.append((b"content-type", self.media.encode()))
        if self.status not in _EMPTY:
            said.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": said})
        await send({"type": "http.response.body", "body": self.body})
