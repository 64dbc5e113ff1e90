"""A TLS server for tests that knows its session's name: a node's front in small, or who stands in its place."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.identity import TlsIdentity

Talk = Callable[[Channel, bytes], None]
"""What to do on a connection whose first bytes have come."""


@dataclass
class TlsServer:
    """Accepts on a loopback port of its own until `close`; each connection has a thread."""

    identity: Callable[[], TlsIdentity]
    talk: Talk
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Accept nobody any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        with wire, suppress(OSError):
            channel = Channel.server(wire, self.identity())
            self.talk(channel, channel.receive())


def document(body: bytes) -> bytes:
    """An HTTP answer with this body."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def nonce_of(request: bytes) -> bytes:
    """The challenge in a request for a proof."""
    return bytes.fromhex(request.split()[1].decode().partition("nonce=")[2])
