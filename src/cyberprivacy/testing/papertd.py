"""A confidential machine on paper: makes TDX quotes, byte by byte, under an Intel on paper (see `testing.tdx`)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256, sha384
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.testing.tdx import COMPONENTS, QE_SIGNER, TEE_TCB_SVN, Holder, PaperIntel, raw_signature

ZERO: Final = bytes(48)
SPECIFICATION: Final = bytes.fromhex("53706563204944204576656e743033000000000000020002010000000c00300000")
"""The specification event of a log with SHA-384 only, as a cloud's firmware writes it."""

Event = tuple[int, int, bytes, bytes]
"""Register (0 to 3), type, digest of 48 bytes, data."""


def log(events: Sequence[Event], *, padding: bytes = b"\xff" * 64) -> bytes:
    """A CCEL event log."""
    made = struct.pack("<II20sI", 1, 3, bytes(20), len(SPECIFICATION)) + SPECIFICATION
    for register, kind, digest, data in events:
        made += struct.pack("<IIIH", register + 1, kind, 1, 0x000C) + digest + struct.pack("<I", len(data)) + data
    return made + padding


def registers(events: Sequence[Event]) -> tuple[bytes, ...]:
    """RTMR0 to RTMR3 after these events."""
    values = [ZERO] * 4
    for register, kind, digest, _ in events:
        if kind != 3:
            values[register] = sha384(values[register] + digest).digest()
    return tuple(values)


@dataclass(frozen=True, kw_only=True)
class PaperTd:
    """An attester whose every field can be bent.

    Attributes:
        intel: who certifies it.
        pck: key and certificate of its processor.
        version, tee, key_type, vendor, body_type: of the quote's header.
        tee_tcb_svn, seam_signer, seam_attributes: of its TDX module.
        attributes, xfam, mrtd, config_id, rtmrs, service_td, companions: of the TD.
        qe_signer, qe_product, qe_svn, qe_attributes: of its quoting enclave.
        events: what its log says; None = it has none.
        inside: whether the PCK certificates stand in the quote.
        trailing: bytes after the quote.
    """

    intel: PaperIntel
    pck: Holder
    version: int = 4
    tee: int = 0x81
    key_type: int = 2
    vendor: bytes = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
    body_type: int = 2
    tee_tcb_svn: bytes = bytes(TEE_TCB_SVN)
    seam_signer: bytes = ZERO
    seam_attributes: int = 0
    attributes: int = 1 << 28
    xfam: int = 0x602E7
    mrtd: bytes = sha384(b"firmware").digest()
    config_id: bytes = ZERO
    rtmrs: tuple[bytes, ...] = (ZERO, ZERO, ZERO, ZERO)
    service_td: bytes = ZERO
    companions: bytes = bytes(237)
    qe_signer: bytes = QE_SIGNER
    qe_product: int = 2
    qe_svn: int = 6
    qe_attributes: bytes = bytes.fromhex("1500000000000000e700000000000000")
    qe_auth: bytes = bytes(range(32))
    events: Sequence[Event] | None = None
    inside: bool = True
    trailing: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    @classmethod
    def under(cls, intel: PaperIntel) -> "PaperTd":
        """A machine that this vendor certifies."""
        return cls(intel=intel, pck=intel.platform())

    def having(self, events: Sequence[Event]) -> "PaperTd":
        """The same, after these events, with a log of them."""
        return replace(self, events=events, rtmrs=registers(events))

    def quote(self, binding: bytes) -> Evidence:
        """Evidence that carries the 64 bytes; see `Attester`."""
        signed = self.signed(binding)
        fields = {
            "quote": signed + self.seal(signed) + self.trailing,
            "collateral": self.intel.collateral(),
        }
        if not self.inside:
            fields["certificates"] = self.pck.der + self.intel.authority.der + self.intel.root.der
        if self.events is not None:
            fields["log"] = log(self.events)
        return Evidence("tdx", fields)

    def signed(self, report_data: bytes) -> bytes:
        """Header, descriptor and TD report."""
        header = struct.pack("<HHII", self.version, self.key_type, self.tee, 0) + self.vendor + bytes(20)
        svn = self.tee_tcb_svn
        body = svn + ZERO + self.seam_signer
        body += struct.pack("<QQQ", self.seam_attributes, self.attributes, self.xfam)
        body += self.mrtd + self.config_id + ZERO + ZERO + b"".join(self.rtmrs) + report_data
        if self.body_type >= 3:
            body += svn + self.service_td
        if self.body_type == 4:
            body += self.companions
        descriptor = struct.pack("<HI", self.body_type, len(body)) if self.version == 5 else b""
        return header + descriptor + body

    @property
    def point(self) -> bytes:
        """X and y of the attestation key."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    def qe_report(self) -> bytes:
        """What the processor signs of the quoting enclave."""
        vouched = sha256(self.point + self.qe_auth).digest()
        head = bytes(COMPONENTS) + bytes(32) + self.qe_attributes + bytes(64) + self.qe_signer + bytes(96)
        return head + struct.pack("<HH", self.qe_product, self.qe_svn) + bytes(60) + vouched + bytes(32)

    def seal(self, signed: bytes) -> bytes:
        """All that follows what is signed."""
        report = self.qe_report()
        chain = self.pck.pem + self.intel.authority.pem + self.intel.root.pem
        inner = (5, chain) if self.inside else (3, bytes(256 + 128 + 4))
        qe = report + self.pck.sign(report) + struct.pack("<H", len(self.qe_auth)) + self.qe_auth
        qe += struct.pack("<HI", inner[0], len(inner[1])) + inner[1]
        data = raw_signature(self.key, signed) + self.point + struct.pack("<HI", 6, len(qe)) + qe
        return struct.pack("<I", len(data)) + data
