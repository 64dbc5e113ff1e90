"""Two machines that prove themselves to one another over one TLS session, each with evidence of its own.

Both show a certificate in the handshake. Then each sends 32 random bytes, the one that called proves itself, and
the one that was called proves itself when it is content. A proof names the role of the one that it is about, the
keys of both sides and the session, so that neither a relay's session nor one's own words come back as a proof.

Source: docs/spec/attestation.md, "Peers".
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.bare import MAX_DOCUMENT, EvidenceDocument, key_bound
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.evidence import CHALLENGE_SIZE, Attester
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.report import Report
from cyberprivacy.errors import Untrusted

INITIATOR: Final = "initiator"
RESPONDER: Final = "responder"

Judge = Callable[[EvidenceDocument], Report]
"""The verdict on a peer's evidence, whose binding holds already: `judge.verify_evidence` under some policy."""


class PeerRefused(Untrusted):
    """The other side did not prove what it has to."""

    code = "peer.refused"
    hint = "Nothing was told to it. Its evidence, or whoever stands in between, is not what it should be."


@dataclass(frozen=True, slots=True)
class Self:
    """Who we are in these conversations.

    Attributes:
        identity: what we show in the handshake.
        attester: the hardware that we run on.
    """

    identity: TlsIdentity
    attester: Attester


def call(channel: Channel, us: Self, judge: Judge) -> Report:
    """Prove ourselves, then hear the proof of the one that we called; returns what it proved.

    Raises:
        PeerRefused: it is not who it should be ("peer.role", "peer.key", "peer.session", "peer.replayed"), or
            its evidence is not accepted ("peer.refused").
        BadDocument, NotCanonical: what it sent is no proof.
        OSError: it hangs up or goes silent.
    """
    ours, theirs = _greet(channel)
    _prove(channel, us, INITIATOR, theirs)
    return _hear(channel, us, RESPONDER, ours, judge)


def answer(channel: Channel, us: Self, judge: Judge) -> Report:
    """Hear the proof of the one that called, then prove ourselves; as `call`."""
    ours, theirs = _greet(channel)
    report = _hear(channel, us, INITIATOR, ours, judge)
    _prove(channel, us, RESPONDER, theirs)
    return report


def _greet(channel: Channel) -> tuple[bytes, bytes]:
    ours = secrets.token_bytes(CHALLENGE_SIZE)
    channel.send(ours)
    return ours, channel.receive_exactly(CHALLENGE_SIZE)


def _prove(channel: Channel, us: Self, role: str, challenge: bytes) -> None:
    identity = us.identity
    session = channel.session(role, identity.spki, channel.peer)
    bound = key_bound(
        identity.spki, challenge, since=identity.since, until=identity.until, role=role, session=session
    )
    proof = EvidenceDocument(bound, us.attester.quote(bound.digest())).encode()
    channel.send(len(proof).to_bytes(4, "big") + proof)


def _hear(channel: Channel, us: Self, role: str, challenge: bytes, judge: Judge) -> Report:
    size = int.from_bytes(channel.receive_exactly(4), "big")
    if size > MAX_DOCUMENT:
        raise PeerRefused("a proof cannot be that long", size=size, limit=MAX_DOCUMENT)
    document = EvidenceDocument.parse(channel.receive_exactly(size))
    bound = document.bound
    about = (
        ("peer.role", bound.role, role),
        ("peer.key", bound.spki, channel.peer),
        ("peer.session", bound.session, channel.session(role, channel.peer, us.identity.spki)),
        ("peer.replayed", bound.challenge, challenge),
    )
    for code, said, wanted in about:
        if said != wanted:
            raise PeerRefused("the proof is about something else", code=code, said=said, wanted=wanted)
    report = judge(document)
    if not report.accepted:
        codes = sorted({check.code for check in report.failures})
        raise PeerRefused("the evidence of the other side is not accepted", failed=codes, verdict=report.verdict)
    return report
