"""One TLS connection to a node: the key that the server proves to hold, and the attestation it gives over it."""

import json
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from cyberprivacy.attest.agent import PATH
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.evidence import NODE_ROLE
from cyberprivacy.attest.statement import MAX_ATTESTATION
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted

STEP: Final = 20.0
"""Seconds to wait for the next bytes."""
LONGEST: Final = 60.0
"""Seconds for everything."""
OK: Final = 200
BUSY: Final = 503


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
        session: the name of this TLS session for a node with that key, 32 bytes.
        attestation: what it gave as its proof; anything at all.
    """

    spki: bytes
    session: bytes
    attestation: bytes


def ask(url: str, nonce: bytes) -> Answer:
    """Connect, note the server's key, and ask on the very same connection for a proof made for this nonce.

    No authority is asked about the certificate: the proof has to be about its key and about this session.

    Raises:
        Misuse: not an https address ("verify.url").
        NoConnection: out of reach, no TLS 1.3, or too slow.
        NoAttestation: the server gives none.
    """
    host, port = _where(url)
    try:
        with socket.create_connection((host, port), timeout=STEP) as wire:
            channel = Channel.client(wire, _server_name(host), step=STEP, longest=LONGEST)
            authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            status, body = _get(channel, authority, f"{PATH}?nonce={nonce.hex()}")
            session = channel.session(NODE_ROLE, channel.peer)
    except (OSError, UnicodeError, h11.ProtocolError) as error:
        raise NoConnection("the server does not answer", url=url, reason=str(error)[:200]) from error
    except ValueError:
        raise NoAttestation("the server's certificate cannot be read") from None
    if status != OK:
        raise _refusal(status, body)
    return Answer(channel.peer, session, body)


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


def _server_name(host: str) -> str:
    """What to say in the handshake: names only, no addresses. Source: RFC 6066, section 3."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return ""
    return host


def _get(channel: Channel, authority: str, target: str) -> tuple[int, bytes]:
    """The status, and the body up to one byte more than an attestation may have."""
    http = h11.Connection(h11.CLIENT)
    headers = [("Host", authority), ("Accept", "application/json"), ("Connection", "close")]
    channel.send(http.send(h11.Request(method="GET", target=target, headers=headers)) or b"")
    channel.send(http.send(h11.EndOfMessage()) or b"")
    status, body = 0, b""
    while len(body) <= MAX_ATTESTATION:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(channel.receive())
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif not isinstance(event, h11.InformationalResponse):
            break
    return status, body[: MAX_ATTESTATION + 1]


def _refusal(status: int, body: bytes) -> CyberPrivacyError:
    """What a node's own refusal means; it is told, not believed."""
    try:
        problem = json.loads(body[: 64 << 10])
        code, what = str(problem["type"])[:60], str(problem["title"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        code, what = "", ""
    said = f"{what!a} [{code!a}]"
    if status == BUSY:
        return NoConnection("the node cannot prove anything now", status=status, node_says=said)
    return NoAttestation("the server gives no attestation", status=status, node_says=said)
