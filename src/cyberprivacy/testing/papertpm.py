"""A TPM on paper: makes byte-exact quotes in pure Python, where no TPM engine is at hand.

It shares no code with the verifier that judges it, but for the names of numbers. Its key is an ordinary key
in memory, so what it signs proves nothing; only a root that somebody names by hand can certify it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from cyberprivacy.attest import eventlog
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.quote import assemble
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.testing.paperboot import PaperBoot
from cyberprivacy.testing.tpm import DevelopmentRoot

RESTRICTED_SIGNING: int = 0x00050072


@dataclass(frozen=True, kw_only=True)
class PaperTpm:
    """An attester whose every field can be bent, to make evidence that is wrong in one place.

    Attributes:
        events: what its registers took.
        boot: what they took instead, when firmware started the machine and wrote down how.
        certificates: chain of DER certificates for its key.
        attributes: TPMA_OBJECT bits of its key.
        magic, kind: the first two fields of what it signs.
        selection: the PCR selection that it quotes, as bytes.
    """

    events: Sequence[Event]
    boot: PaperBoot | None = None
    certificates: bytes = b""
    attributes: int = RESTRICTED_SIGNING
    magic: int = 0xFF544347
    kind: int = 0x8018
    selection: bytes = bytes.fromhex("00000001 000b 03 ffff00")
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    def under(self, root: DevelopmentRoot) -> "PaperTpm":
        """The same, certified by a root."""
        return replace(self, certificates=root.certify(self.public))

    @property
    def public(self) -> Public:
        """The public area of its key."""
        point = self.key.public_key().public_numbers()
        head = struct.pack(">HHIH", 0x0023, 0x000B, self.attributes, 0)
        scheme = struct.pack(">HHHHH", 0x0010, 0x0018, 0x000B, 0x0003, 0x0010)
        x, y = (struct.pack(">H", 32) + number.to_bytes(32, "big") for number in (point.x, point.y))
        return Public.parse(head + scheme + x + y)

    @property
    def measurement(self) -> bytes:
        """The 32 bytes that name the measured software."""
        return eventlog.measurement(self.events)

    def quote(self, binding: bytes) -> Evidence:
        """Evidence that carries the 64 bytes; see `Attester`."""
        attest = self.statement(sha256(binding).digest())
        log = self.events if self.boot is None else self.boot.encode()
        return assemble(self.public, attest, self.sign(attest), certificates=self.certificates, log=log)

    def statement(self, qualifying: bytes) -> bytes:
        """What it signs: TPMS_ATTEST."""
        registers = [bytes(32)] * 16 if self.boot is None else self.boot.registers()
        for event in self.events if self.boot is None else ():
            registers[event.pcr] = sha256(registers[event.pcr] + event.extended).digest()
        digest = sha256(b"".join(registers)).digest()
        signer = struct.pack(">H", 34) + b"\x00\x0b" + bytes(32)
        clock = struct.pack(">QIIBQ", 1_000, 1, 0, 1, 0x2026)
        return (
            struct.pack(">IH", self.magic, self.kind)
            + signer
            + struct.pack(">H", len(qualifying))
            + qualifying
            + clock
            + self.selection
            + struct.pack(">H", 32)
            + digest
        )

    def sign(self, attest: bytes) -> bytes:
        """TPMT_SIGNATURE over it, ECDSA with SHA-256."""
        r, s = utils.decode_dss_signature(self.key.sign(attest, ec.ECDSA(hashes.SHA256())))
        parts = (struct.pack(">H", 32) + number.to_bytes(32, "big") for number in (r, s))
        return struct.pack(">HH", 0x0018, 0x000B) + b"".join(parts)
