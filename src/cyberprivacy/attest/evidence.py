"""Evidence: what hardware says about the machine a key was born in, and the ports that make and judge it.

Evidence is bound to one use by 64 bytes (`Bound.digest`), which every kind of hardware can carry. A new kind
needs one `Attester` and one `EvidenceVerifier`; nothing else knows what is inside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from typing import Final, Protocol

from cyberprivacy.attest.document import BadDocument, Document, from_base64, to_base64
from cyberprivacy.attest.report import Check, Level

EVIDENCE_TAG: Final = b"CyberPrivacy-Evidence/2"
NODE_ROLE: Final = "node"
"""The only role so far: a Privacy Server that serves applications."""

MAX_FIELD: Final = 256 << 10
MAX_FIELDS: Final = 16
MAX_EVIDENCE: Final = 512 << 10
CHALLENGE_SIZE: Final = 32
MAX_TIME: Final = 1 << 40
_CALENDAR_ENDS: Final = 253_402_300_800
"""The first second of the year 10000."""

_KIND: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_ROLE: Final = re.compile(r"[a-z]{1,16}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def utc(at: int) -> str:
    """A moment as people write it: "2026-11-28 13:58:31Z"; behind the year 9999 its second since 1970."""
    if at >= _CALENDAR_ENDS:
        return f"second {at}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What evidence is bound to.

    Attributes:
        role: what the machine is in this conversation, 1 to 16 letters a-z.
        spki: SHA-256 of the DER SubjectPublicKeyInfo of its TLS key, 32 bytes.
        node: node id, 32 bytes: SHA-256 of the DER SubjectPublicKeyInfo of the node's key.
        since: start of the TLS certificate's validity, seconds since 1970.
        until: its end; since <= until.
        challenge: 32 bytes that the verifier chose.
        session: 32 bytes that name the TLS session it is sent in; zeros = none. See `session`.
    """

    role: str
    spki: bytes
    node: bytes
    since: int
    until: int
    challenge: bytes
    session: bytes

    def __post_init__(self) -> None:
        sizes = (len(self.spki), len(self.node), len(self.challenge), len(self.session))
        if not _ROLE.fullmatch(self.role) or sizes != (32, 32, CHALLENGE_SIZE, 32):
            raise BadDocument("evidence cannot be bound to this", role=self.role[:20], sizes=sizes)
        if not 0 <= self.since <= self.until < MAX_TIME:
            raise BadDocument("not a validity", since=self.since, until=self.until)

    def digest(self) -> bytes:
        """The 64 bytes that the hardware signs for us.

        Source: docs/spec/attestation.md, "Binding".
        """
        validity = (self.since, self.until)
        return binding(
            self.role, self.spki, self.node, validity=validity, challenge=self.challenge, session=self.session
        )

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "role": self.role,
            "spki": self.spki.hex(),
            "node": self.node.hex(),
            "since": self.since,
            "until": self.until,
            "challenge": self.challenge.hex(),
            "session": self.session.hex(),
        }

    @classmethod
    def read(cls, value: object) -> "Bound":
        """The value of a JSON form.

        Raises:
            BadDocument: any other form.
        """
        document = Document(value, "bound", _BOUND_FIELDS)
        return cls(
            role=document.text("role", _ROLE),
            spki=document.octets("spki", size=32),
            node=document.octets("node", size=32),
            since=document.integer("since", most=MAX_TIME - 1),
            until=document.integer("until", most=MAX_TIME - 1),
            challenge=document.octets("challenge", size=CHALLENGE_SIZE),
            session=document.octets("session", size=32),
        )


_BOUND_FIELDS: Final = frozenset({"role", "spki", "node", "since", "until", "challenge", "session"})


def binding(
    role: str, spki: bytes, node: bytes, *, validity: tuple[int, int], challenge: bytes, session: bytes
) -> bytes:
    """SHA-512 over the domain tag and each part behind its length: 64 bytes that no other parts give.

    Every part, the tag included, is written as its length (4 bytes, big-endian) and its bytes; the two
    times are 8 bytes each, big-endian.
    """
    parts = (
        EVIDENCE_TAG,
        role.encode("ascii"),
        spki,
        node,
        validity[0].to_bytes(8, "big"),
        validity[1].to_bytes(8, "big"),
        challenge,
        session,
    )
    return sha512(b"".join(length_prefixed(part) for part in parts)).digest()


def length_prefixed(part: bytes) -> bytes:
    """The part behind its length in 4 bytes, big-endian: no two lists of parts give the same bytes."""
    return len(part).to_bytes(4, "big") + part


@dataclass(frozen=True, slots=True)
class Evidence:
    """An envelope: the kind of hardware, and its own structures as bytes.

    Attributes:
        kind: such as "tpm2"; names the verifier.
        fields: the parts of this kind, by name; at most 256 KiB each.
    """

    kind: str
    fields: Mapping[str, bytes]

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "v": 1,
            "kind": self.kind,
            "fields": {name: to_base64(data) for name, data in self.fields.items()},
        }

    @classmethod
    def read(cls, value: object) -> "Evidence":
        """The value of a JSON form.

        Raises:
            BadDocument: any other form, or too much.
        """
        document = Document(value, "evidence", frozenset({"v", "kind", "fields"}))
        document.version()
        kind = document.text("kind", _KIND)
        fields: dict[str, bytes] = {}
        room = MAX_EVIDENCE
        for name, text in document.mapping("fields", limit=MAX_FIELDS).items():
            if not _FIELD.fullmatch(name):
                raise BadDocument("evidence has a field with no possible name", field=name[:40])
            fields[name] = from_base64(text, f"evidence.{name}", limit=min(MAX_FIELD, room))
            room -= len(fields[name])
        return cls(kind, fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What one kind of evidence turned out to say.

    Attributes:
        checks: exactly one for each name in `EVIDENCE_CHECKS`.
        level: what the root that vouches is worth; None when no root does.
        measurement: 32 bytes that name the measured software; None when the evidence does not prove one.
        identity: SHA-256 of the signed region: the name of this evidence; b"" when there is no such region.
        facts: details worth showing, by name.
    """

    checks: tuple[Check, ...]
    level: Level | None
    measurement: bytes | None
    identity: bytes
    facts: Mapping[str, str | int]


EVIDENCE_CHECKS: Final = (
    "evidence.kind",
    "evidence.root",
    "evidence.key",
    "evidence.signature",
    "evidence.binding",
    "evidence.log",
)
"""What every kind of evidence is checked for, in this order."""


class Attester(Protocol):
    """Makes evidence on the machine that it is about."""

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence that carries these 64 bytes.

        Raises:
            TryLater: the hardware does not answer, or is busy.
        """
        ...


class EvidenceVerifier(Protocol):
    """Judges one kind of evidence. Pure: no clock, no disk, no network."""

    @property
    def kind(self) -> str:
        """The kind that it judges."""
        ...

    def judge(self, evidence: Evidence, *, binding: bytes, roots: Mapping[bytes, Level], now: int) -> Findings:
        """Check evidence of this kind; a malformed one is a failed check, never an exception.

        Args:
            evidence: with `kind` equal to this verifier's.
            binding: the 64 bytes that it must carry.
            roots: SHA-256 of the SubjectPublicKeyInfo of each root that the caller trusts, and what it is worth.
            now: seconds since 1970, for the validity of certificates.
        """
        ...

    def measurement(self, evidence: Evidence) -> bytes | None:
        """The measurement that the evidence claims, unproven: 32 bytes to ask the chain about; or None."""
        ...
