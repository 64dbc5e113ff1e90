"""How a machine asks for its part of the data disk's key, and how it is judged. Pure.

    machine                                     key node
    POST /enrolment   TPM's keys             →  certificates that only this TPM can read (`attest.enrolment`)
    POST /challenge                          →  32 bytes, good for a minute
    POST /part        evidence about a key   →  the part, sealed to that key

The evidence is a TPM's quote of a start in which nothing was unlocked yet. Once the way to the key is shut
(`measuring.SHUT`), register 11 has another value, and the machine cannot ask any more until it starts again.

Source: RFC 9180 (base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import canonical
from cyberprivacy.attest import bootlog
from cyberprivacy.attest.bare import MAX_DOCUMENT, EvidenceDocument
from cyberprivacy.attest.document import Document, to_base64
from cyberprivacy.attest.judge import verify_document
from cyberprivacy.attest.policy import Policy
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.measuring import SHUT
from cyberprivacy.privacy_os.whole_log import IMAGE_REGISTER

ROLE: Final = "disk"
"""Of the key that a part is sealed to."""
PART_SIZE: Final = 32
MAX_ASK: Final = 2 << 20
MAX_ANSWER: Final = 256 << 10
_OVERHEAD: Final = 48
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_TAG: Final = b"CyberPrivacy-Disk-Part/1"
_ASK: Final = frozenset({"v", "disk", "key", "evidence"})
_ANSWER: Final = frozenset({"v", "sealed"})


class NoKeyForYou(Untrusted):
    """A machine is not one that gets its part of the key."""

    code = "keys.refused"
    hint = "docs/how-to/keep-data-in-the-os.md says what a key node asks of a machine."


@dataclass(frozen=True, slots=True)
class Ask:
    """What a machine asks with; nothing of it is secret.

    Attributes:
        disk: the disk's name, 16 bytes.
        key: X25519, 32 bytes: to what the part shall be sealed.
        evidence: a document about that key.
    """

    disk: bytes
    key: bytes
    evidence: bytes

    def encode(self) -> bytes:
        """The canonical JSON."""
        evidence = to_base64(self.evidence)
        return canonical.encode({"v": 1, "disk": self.disk.hex(), "key": self.key.hex(), "evidence": evidence})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            BadDocument, NotCanonical: any other form.
        """
        document = Document(canonical.decode(data, limit=MAX_ASK), "question", _ASK)
        document.version()
        return cls(
            document.octets("disk", size=16),
            document.octets("key", size=32),
            document.base64("evidence", limit=MAX_DOCUMENT),
        )


def spki(key: X25519PublicKey) -> bytes:
    """What evidence about such a key is bound to: SHA-256 of its DER SubjectPublicKeyInfo, 32 bytes."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def judge(
    ask: Ask, *, challenge: bytes, policy: Policy, standing: Callable[[bytes], bool], now: int
) -> tuple[str, bytes]:
    """Decide whether a machine gets its part.

    Args:
        ask: what it asks with.
        challenge: what it was given, 32 bytes.
        policy: whose certificates count, and which software.
        standing: whether the chain accepts the measurement of a start, now.
        now: seconds since 1970.

    Returns:
        The machine's name, such as "tpm2:…", and the measurement that it will have when all is shut.

    Raises:
        NoKeyForYou: it gets none; the code says why.
    """
    starting, running = _measurements(ask.evidence)
    if policy.measurements is not None and running not in policy.measurements:
        raise NoKeyForYou(
            "software that this key node does not name", code="keys.software", measured=running.hex()
        )
    if not standing(running):
        raise NoKeyForYou(
            "the chain does not accept this software now", code="keys.standing", measured=running.hex()
        )
    key = spki(X25519PublicKey.from_public_bytes(ask.key))
    only = replace(policy, measurements=frozenset({starting}))
    report = verify_document(ask.evidence, policy=only, at=now, nonce=challenge, spki=key, role=ROLE)
    machine = str(report.facts.get("hardware", ""))
    if not report.accepted or not machine:
        codes = sorted(check.code for check in report.checks if not check.acceptable)
        raise NoKeyForYou("the machine's evidence is refused", code="keys.evidence", checks=codes)
    return machine, running


def _measurements(evidence: bytes) -> tuple[bytes, bytes]:
    """What a log says that was started, as it is and as it will be; unproven."""
    log = EvidenceDocument.parse(evidence).evidence.fields.get("tcg2")
    if log is None:
        raise NoKeyForYou("evidence without a log of the start", code="keys.evidence")
    values = dict(bootlog.read(log).replay())
    starting = bootlog.measurement(values)
    values[IMAGE_REGISTER] = sha256(values[IMAGE_REGISTER] + sha256(SHUT).digest()).digest()
    return starting, bootlog.measurement(values)


def seal(part: bytes, ask: Ask) -> bytes:
    """The answer: a part that only who holds the key opens, and only for this disk.

    Raises:
        NoKeyForYou: a key of low order ("keys.key").
    """
    try:
        sealed = _SUITE.encrypt(part, X25519PublicKey.from_public_bytes(ask.key), _TAG + ask.disk)
    except ValueError:
        raise NoKeyForYou("not a key to seal to", code="keys.key") from None
    return canonical.encode({"v": 1, "sealed": to_base64(sealed)})


def unseal(answer: bytes, key: X25519PrivateKey, disk: bytes) -> bytes:
    """The part in an answer, 32 bytes.

    Raises:
        NoKeyForYou: changed, or sealed for another key or disk ("keys.sealed").
        BadDocument, NotCanonical: any other form.
    """
    document = Document(canonical.decode(answer, limit=MAX_ANSWER), "answer", _ANSWER)
    document.version()
    sealed = document.base64("sealed", limit=PART_SIZE + _OVERHEAD)
    try:
        part = _SUITE.decrypt(sealed, key, _TAG + disk)
    except (InvalidTag, ValueError):
        raise NoKeyForYou("not sealed for this key and disk", code="keys.sealed") from None
    if len(part) != PART_SIZE:
        raise NoKeyForYou("not a part of a key", code="keys.sealed", size=len(part))
    return part
