"""One TLS connection to a node: the key that the server proves to hold, and what it answers over it."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self
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


def _as_named(host: str, _port: int) -> str:
    return host


class Conversation:
    """Several questions over one TLS connection: whoever proves itself in the first answers the others, too.

    Attributes:
        spki: as in `Answer`.
    """

    def __init__(self, channel: Channel, authority: str) -> None:
        """Ask on a channel whose handshake is done; `authority` is host and port."""
        self._channel, self._authority = channel, authority
        self._http = h11.Connection(h11.CLIENT)
        self.spki = channel.peer

    @classmethod
    @contextmanager
    def open(
        cls,
        url: str,
        *,
        reach: Callable[[str, int], str] = _as_named,
        step: float = STEP,
        longest: float | None = None,
    ) -> Iterator[Self]:
        """Connect, and note the server's key; no authority is asked about its certificate.

        Args:
            url: https address of an application.
            reach: the address behind a host's name, to which the connection is made; may refuse.
            step: seconds to wait for the next bytes.
            longest: seconds for everything; None = `LONGEST`.

        Raises:
            Misuse: not an https address ("verify.url").
            NoConnection: out of reach, no TLS 1.3, or too slow.
            NoAttestation: the server's certificate cannot be read.
        """
        host, port = _where(url)
        try:
            with socket.create_connection((reach(host, port), port), timeout=step) as wire:
                whole = LONGEST if longest is None else longest
                channel = Channel.client(wire, _server_name(host), step=step, longest=whole)
                yield cls(channel, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except (OSError, UnicodeError, h11.ProtocolError) as error:
            raise NoConnection("the server does not answer", url=url, reason=str(error)[:200]) from error
        except ValueError:
            raise NoAttestation("the server's certificate cannot be read") from None

    def attestation(self, nonce: bytes, *, more: bool = False) -> Answer:
        """The proof that the server makes for this nonce; `more` = other questions will follow.

        Raises:
            NoAttestation: the server gives none.
            NoConnection: not now.
            OSError, h11.ProtocolError: the connection breaks; `open` says which refusal that is.
        """
        status, body = self.get(f"{PATH}?nonce={nonce.hex()}", limit=MAX_ATTESTATION, more=more)
        if status != OK:
            raise _refusal(status, body)
        return Answer(self.spki, self._channel.session(NODE_ROLE, self.spki), body)

    def get(self, target: str, *, limit: int, more: bool = False) -> tuple[int, bytes]:
        """The status, and the body up to one byte more than `limit`; raises OSError, h11.ProtocolError."""
        return self._asked("GET", target, b"", limit=limit, more=more)

    def post(self, target: str, body: bytes, *, limit: int, more: bool = False) -> tuple[int, bytes]:
        """The same for a question with a body."""
        return self._asked("POST", target, body, limit=limit, more=more)

    def _asked(self, method: str, target: str, sent: bytes, *, limit: int, more: bool) -> tuple[int, bytes]:
        http, channel = self._http, self._channel
        if http.our_state is h11.DONE:
            http.start_next_cycle()
        headers = [("Host", self._authority), ("Accept", "application/json")]
        headers += [("Content-Length", str(len(sent)))] if method == "POST" else []
        headers += [] if more else [("Connection", "close")]
        channel.send(http.send(h11.Request(method=method, target=target, headers=headers)) or b"")
        channel.send(http.send(h11.Data(data=sent)) or b"")
        channel.send(http.send(h11.EndOfMessage()) or b"")
        status, body = 0, b""
        while len(body) <= limit:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(channel.receive())
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                break
        return status, body[: limit + 1]


def ask(url: str, nonce: bytes) -> Answer:
    """Ask an address for a proof made for this nonce; raises as `Conversation`."""
    with Conversation.open(url, step=STEP) as talk:
        return talk.attestation(nonce)


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
