"""One TLS connection to a node: the key that the server proves to hold, and the attestation it gives over it."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from cyberprivacy.attest.agent import PATH
from cyberprivacy.attest.certificates import spki
from cyberprivacy.attest.statement import MAX_ATTESTATION
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted

STEP: Final = 20.0
"""Seconds to wait for the next bytes."""
LONGEST: Final = 60.0
"""Seconds for everything."""


class NoConnection(TryLater):
    """The server cannot be reached, or goes silent."""

    code = "verify.unreachable"
    hint = "Check the address; the same request may succeed later."


class NoAttestation(Untrusted):
    """A server answers, but proves nothing."""

    code = "verify.no-attestation"
    hint = "It is not a CyberPrivacy node, or something in between answers in its place."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over one connection.

    Attributes:
        spki: SHA-256 of the SubjectPublicKeyInfo of the certificate that the server used, 32 bytes.
        attestation: what it gave as its proof; anything at all.
    """

    spki: bytes
    attestation: bytes


def ask(url: str, nonce: bytes) -> Answer:
    """Connect, note the server's key, and ask on the very same connection for a proof made for this nonce.

    No authority is asked about the certificate: the proof has to be about its key.

    Raises:
        Misuse: not an https address ("verify.url").
        NoConnection: out of reach, no TLS 1.3, or too slow.
        NoAttestation: the server gives none.
    """
    host, port = _where(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=STEP)
    connection.auto_open = 0  # a second connection could end at another server
    try:
        connection.connect()
        with _deadline(connection.sock):
            key = _key_of(connection.sock)
            connection.request("GET", f"{PATH}?nonce={nonce.hex()}", headers={"Accept": "application/json"})
            with connection.getresponse() as answer:
                body = answer.read(MAX_ATTESTATION + 1)
                if answer.length and len(body) <= MAX_ATTESTATION:
                    raise http.client.IncompleteRead(body, answer.length)
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        raise NoConnection("the server does not answer", url=url, reason=str(error)[:200]) from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise _refusal(answer.status, body)
    return Answer(key, body)


def _where(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Misuse(
            "not an https address",
            code="verify.url",
            hint="Such as https://example.org or https://127.0.0.1:8443.",
            url=url[:200],
        )
    return parts.hostname, port


def _key_of(channel: object) -> bytes:
    if not isinstance(channel, ssl.SSLSocket):
        raise NoConnection("no TLS connection")
    der = channel.getpeercert(binary_form=True)
    try:
        return sha256(spki(x509.load_der_x509_certificate(der or b""))).digest()
    except ValueError:
        raise NoAttestation("the server's certificate cannot be read") from None


@contextmanager
def _deadline(channel: socket.socket) -> Iterator[None]:
    """End a conversation that somebody stretches. The handshake before it has a limit of its own, `STEP`."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            # not SSLSocket.shutdown: that one takes the TLS state away under the thread that reads
            socket.socket.shutdown(channel, socket.SHUT_RDWR)

    watch = threading.Timer(LONGEST, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        if over.is_set():
            raise TimeoutError(f"no answer within {LONGEST:g} s")


def _refusal(status: int, body: bytes) -> CyberPrivacyError:
    """What a node's own refusal means; it is told, not believed."""
    try:
        problem = json.loads(body[: 64 << 10])
        code, what = str(problem["type"])[:60], str(problem["title"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        code, what = "", ""
    said = f"{what!a} [{code!a}]"
    if status == http.client.SERVICE_UNAVAILABLE:
        return NoConnection("the node cannot prove anything now", status=status, node_says=said)
    return NoAttestation("the server gives no attestation", status=status, node_says=said)
