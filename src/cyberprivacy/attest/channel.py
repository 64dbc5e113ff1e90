"""One TLS 1.3 connection whose exporter can be had: what Python's `ssl` does not offer, pyOpenSSL does.

No authority is asked about certificates: what the other side is, its evidence must say.
"""

import socket
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final, Self, TypeVar

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL

from cyberprivacy.attest import session
from cyberprivacy.attest.certificates import spki
from cyberprivacy.attest.identity import TlsIdentity

CHUNK: Final = 16 << 10
T = TypeVar("T")


class TlsFailed(OSError):
    """The other side does not speak TLS 1.3, or broke it off."""


class Channel:
    """A connection after its handshake. Every wait is bounded, by step and as a whole.

    Attributes:
        peer: SHA-256 of the SubjectPublicKeyInfo of the certificate that the other side used, 32 bytes;
            b"" when it has shown none.
    """

    peer: bytes

    def __init__(self, wire: socket.socket, tls: SSL.Connection, *, step: float, longest: float) -> None:
        self._wire, self._tls, self._step = wire, tls, step
        self._longest, self._end = longest, time.monotonic() + longest
        self._drive(tls.do_handshake)
        certificate = tls.get_peer_certificate(as_cryptography=True)
        self.peer = b"" if certificate is None else sha256(spki(certificate)).digest()

    @classmethod
    def client(
        cls,
        wire: socket.socket,
        name: str = "",
        *,
        identity: TlsIdentity | None = None,
        step: float = 20.0,
        longest: float = 60.0,
    ) -> Self:
        """Speak first.

        Args:
            wire: connected; stays the caller's to close.
            name: of the server, for servers with many; "" = says none.
            identity: what to show when the server asks.
            step: seconds to wait for the next bytes.
            longest: seconds for everything on this connection.

        Raises:
            TlsFailed: no TLS 1.3 on the other side.
            OSError: nobody answers in time (TimeoutError), or the connection breaks.
            ValueError: the server's certificate cannot be read.
        """
        tls = SSL.Connection(_context(SSL.TLS_CLIENT_METHOD, identity), None)
        if name:
            tls.set_tlsext_host_name(name.encode("idna"))
        tls.set_connect_state()
        return cls(wire, tls, step=step, longest=longest)

    @classmethod
    def server(
        cls,
        wire: socket.socket,
        identity: TlsIdentity,
        *,
        ask: bool = False,
        step: float = 20.0,
        longest: float = 60.0,
    ) -> Self:
        """Answer with this identity; `ask` = the client has to show a certificate, too. Otherwise as `client`."""
        settings = _context(SSL.TLS_SERVER_METHOD, identity)
        if ask:
            # Any certificate will do, as long as the client holds its key: evidence says whose it is.
            settings.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        tls = SSL.Connection(settings, None)
        tls.set_accept_state()
        return cls(wire, tls, step=step, longest=longest)

    def session(self, role: str, own: bytes, other: bytes = b"") -> bytes:
        """The name of this session for the side that attests, 32 bytes; see `session.context`."""
        return self._tls.export_keying_material(session.LABEL, session.SIZE, session.context(role, own, other))

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the other side does not take it in time, or is gone.
        """
        for start in range(0, len(data), CHUNK):
            self._drive(partial(self._tls.sendall, data[start : start + CHUNK]))

    def receive(self) -> bytes:
        """The next bytes, at most 16 KiB; b"" when the other side has ended.

        Raises:
            OSError: nothing comes in time, or the connection breaks.
        """
        try:
            return self._drive(partial(self._tls.recv, CHUNK))
        except _Ended:
            return b""

    def receive_exactly(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            OSError: fewer come.
        """
        data = b""
        while len(data) < size:
            left = min(CHUNK, size - len(data))
            data += self._drive(partial(self._tls.recv, left))
        return data

    def _drive(self, act: Callable[[], T]) -> T:
        """Do something that may need bytes from the other side, or have some for it."""
        while True:
            try:
                result = act()
            except SSL.WantReadError:
                self._flush()
                self._feed()
            except SSL.ZeroReturnError:
                raise _Ended("the other side has ended") from None
            except SSL.Error as error:
                self._flush()
                raise TlsFailed(_reason(error)) from None
            else:
                self._flush()
                return result

    def _feed(self) -> None:
        data = self._wait(partial(self._wire.recv, CHUNK))
        if not data:
            raise _Ended("the other side hung up")
        self._tls.bio_write(data)

    def _flush(self) -> None:
        while True:
            try:
                data = self._tls.bio_read(CHUNK)
            except SSL.Error:  # nothing is left to send
                return
            self._wait(partial(self._wire.sendall, data))

    def _wait(self, act: Callable[[], T]) -> T:
        left = self._end - time.monotonic()
        patience = self._longest if left < self._step else self._step
        try:
            self._wire.settimeout(max(0.001, min(self._step, left)))
            return act()
        except TimeoutError:
            raise TimeoutError(f"no answer within {patience:g} s") from None


class _Ended(TlsFailed):
    """There is nothing more to read."""


def _context(method: int, identity: TlsIdentity | None) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    # A resumed session shows no certificate and would outlive the evidence that was given in it.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    if identity is not None:
        pem = identity.pem()
        context.use_certificate(load_pem_x509_certificate(pem))
        context.use_privatekey(load_pem_private_key(pem, None))  # type: ignore[arg-type]  # ours are P-256
    return context


def _reason(error: SSL.Error) -> str:
    """OpenSSL's words, the last of each triple."""
    first = error.args[0] if error.args else ()
    words = [str(entry[-1]) for entry in first] if isinstance(first, list) else [str(part) for part in error.args]
    return "; ".join(words)[:200] or "TLS broke off"
