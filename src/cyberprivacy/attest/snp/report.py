"""The attestation report of SEV-SNP, versions 2 to 5: 1184 bytes, little-endian, read strictly. Pure.

The first 672 bytes are signed; they alone name the evidence. The rest is the signature, which anybody can respell.

Source: AMD 56860 (SEV-SNP firmware ABI) 1.55 (version 2), 1.56 (version 3), 1.58 (version 5), table
"ATTESTATION_REPORT".
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cyberprivacy.attest.snp.product import BadReport

REPORT_SIZE: Final = 1184
SIGNED_SIZE: Final = 672
VERSIONS: Final = (2, 3, 4, 5)
"""Those whose layout this code knows; 4 is laid out as 3. A new one must be written here, not guessed."""

ECDSA_P384: Final = 1
HOST_REQUESTED: Final = 0xFFFF_FFFF
"""The VMPL of a report that the hypervisor asked for, not the guest."""
NO_AGENT: Final = b"\xff" * 32
"""REPORT_ID_MA of a guest without a migration agent."""

_BODY: Final = struct.Struct("<IIQ16s16sII8sQI4x64s48s32s48s48s32s32s8s3s21x64s8s3sx3sx8sQQ152x")
_ABI: Final = 0xFFFF


class GuestPolicy(IntFlag):
    """What the guest's owner allowed the hypervisor to do. Source: AMD 56860, table "Guest Policy"."""

    SMT = 1 << 16
    RESERVED_ONE = 1 << 17
    MIGRATION_AGENT = 1 << 18
    DEBUG = 1 << 19
    SINGLE_SOCKET = 1 << 20
    CXL = 1 << 21
    AES_256_XTS = 1 << 22
    RAPL_DISABLED = 1 << 23
    CIPHERTEXT_HIDING = 1 << 24
    PAGE_SWAP_DISABLED = 1 << 25


class Platform(IntFlag):
    """How the machine is set up. Source: AMD 56860, field PLATFORM_INFO."""

    SMT = 1 << 0
    TSME = 1 << 1
    ECC = 1 << 2
    RAPL_DISABLED = 1 << 3
    CIPHERTEXT_HIDING = 1 << 4
    ALIAS_CHECK = 1 << 5
    """Firmware looked for memory that answers at two addresses (BadRAM), and found none."""
    TIO = 1 << 7


class Signer(IntEnum):
    """Which key signed. Source: AMD 56860, field SIGNING_KEY."""

    VCEK = 0
    """The chip's own key."""
    VLEK = 1
    """A key that AMD lent to a cloud provider for its chips."""
    NONE = 7
    """None: the hypervisor forbade it."""


_ALL_POLICY: Final = sum(GuestPolicy)
_ALL_PLATFORM: Final = sum(Platform)


class Firmware(NamedTuple):
    """A version of the SNP firmware, in the order in which the bytes stand."""

    build: int
    minor: int
    major: int


class Cpuid(NamedTuple):
    """Family, model and stepping of the processor."""

    family: int
    model: int
    stepping: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the secure processor signed. TCB versions stay bytes here: their layout depends on the product.

    Attributes:
        version: 2 to 5.
        guest_svn: security version that the guest's owner gave.
        abi: least firmware ABI that the guest's owner asked for: major << 8 | minor.
        policy: what the guest's owner allowed.
        family_id, image_id: 16 bytes each, of the ID block; of no meaning to us.
        vmpl: privilege level that asked, 0 (highest) to 3; or `HOST_REQUESTED`.
        current_tcb, reported_tcb, committed_tcb, launch_tcb: 8 bytes each.
        platform: how the machine is set up.
        author_key: whether `author_key_digest` means something.
        masked_key: whether the hypervisor forbids the chip's own key to sign.
        signer: one of `Signer`.
        report_data: 64 bytes that the guest gave.
        measurement: 48 bytes, SHA-384 chain over what was loaded at launch.
        host_data: 32 bytes that the hypervisor gave at launch.
        id_key_digest, author_key_digest: 48 bytes each.
        report_id: 32 bytes, new at each launch.
        agent_id: 32 bytes, report id of the migration agent; `NO_AGENT` when there is none.
        cpuid: of the processor; None in version 2.
        chip_id: 64 bytes, zero when masked.
        current, committed: versions of the firmware that runs, and that it can never go back behind.
        launch_mitigations, current_mitigations: bits of version 5; 0 before.
    """

    version: int
    guest_svn: int
    abi: int
    policy: GuestPolicy
    family_id: bytes
    image_id: bytes
    vmpl: int
    current_tcb: bytes
    platform: Platform
    author_key: bool
    masked_key: bool
    signer: Signer
    report_data: bytes
    measurement: bytes
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    report_id: bytes
    agent_id: bytes
    reported_tcb: bytes
    cpuid: Cpuid | None
    chip_id: bytes
    committed_tcb: bytes
    current: Firmware
    committed: Firmware
    launch_tcb: bytes
    launch_mitigations: int
    current_mitigations: int

    def encode(self) -> bytes:
        """The 672 signed bytes: the inverse of `parse`."""
        signing = self.author_key | self.masked_key << 1 | self.signer << 2
        return _BODY.pack(
            self.version,
            self.guest_svn,
            self.policy | self.abi,
            self.family_id,
            self.image_id,
            self.vmpl,
            ECDSA_P384,
            self.current_tcb,
            self.platform,
            signing,
            self.report_data,
            self.measurement,
            self.host_data,
            self.id_key_digest,
            self.author_key_digest,
            self.report_id,
            self.agent_id,
            self.reported_tcb,
            bytes(self.cpuid or 3),
            self.chip_id,
            self.committed_tcb,
            bytes(self.current),
            bytes(self.committed),
            self.launch_tcb,
            self.launch_mitigations,
            self.current_mitigations,
        )

    @classmethod
    def parse(cls, signed: bytes) -> "Report":
        """Read the 672 signed bytes.

        Raises:
            BadReport: of another size, or with a reserved bit that is not as it must be ("snp.form"); of a version
                that this code does not know ("snp.version"); signed with another algorithm ("snp.algorithm").
        """
        if len(signed) != SIGNED_SIZE:
            raise BadReport("the signed part of a report has 672 bytes", size=len(signed))
        parts = _BODY.unpack(signed)
        version, policy, algorithm, signing = parts[0], parts[2], parts[6], parts[9]
        if version not in VERSIONS:
            raise BadReport("a report of an unknown version", code="snp.version", version=version, known=VERSIONS)
        if algorithm != ECDSA_P384:
            raise BadReport("not signed with ECDSA on P-384", code="snp.algorithm", algorithm=algorithm)
        if not policy & GuestPolicy.RESERVED_ONE or signing >> 2 & 7 not in tuple(Signer):
            raise BadReport("a reserved value in a report", policy=hex(policy), signing=hex(signing))
        made = cls._of(parts)
        if made.encode() != signed:  # bits that no field took: reserved, and not zero
            raise BadReport("reserved bits of a report are not zero", version=version)
        return made

    @classmethod
    def _of(cls, parts: tuple[Any, ...]) -> "Report":
        """The fields as they stand; bits that belong to none are dropped."""
        version, signing = parts[0], parts[9]
        return cls(
            version=version,
            guest_svn=parts[1],
            abi=parts[2] & _ABI,
            policy=GuestPolicy(parts[2] & _ALL_POLICY),
            family_id=parts[3],
            image_id=parts[4],
            vmpl=parts[5],
            current_tcb=parts[7],
            platform=Platform(parts[8] & _ALL_PLATFORM),
            author_key=bool(signing & 1),
            masked_key=bool(signing & 2),
            signer=Signer(signing >> 2 & 7),
            report_data=parts[10],
            measurement=parts[11],
            host_data=parts[12],
            id_key_digest=parts[13],
            author_key_digest=parts[14],
            report_id=parts[15],
            agent_id=parts[16],
            reported_tcb=parts[17],
            cpuid=Cpuid(*parts[18]) if version > 2 else None,
            chip_id=parts[19],
            committed_tcb=parts[20],
            current=Firmware(*parts[21]),
            committed=Firmware(*parts[22]),
            launch_tcb=parts[23],
            launch_mitigations=parts[24] if version > 4 else 0,
            current_mitigations=parts[25] if version > 4 else 0,
        )


def identity(report: bytes) -> bytes:
    """The name of evidence: SHA-256 of the signed part, 32 bytes; b"" when there cannot be one."""
    return sha256(report[:SIGNED_SIZE]).digest() if len(report) == REPORT_SIZE else b""


def signature(report: bytes) -> bytes:
    """The signature over the first 672 bytes, as a DER pair (r, s).

    Raises:
        BadReport: not 1184 bytes, or bytes that must be zero are not.

    Source: AMD 56860, table "Signature": r and s in 72 bytes each, little-endian, then zero.
    """
    if len(report) != REPORT_SIZE:
        raise BadReport("a report has 1184 bytes", size=len(report))
    r, s = (int.from_bytes(report[at : at + 72], "little") for at in (SIGNED_SIZE, SIGNED_SIZE + 72))
    if (r | s) >> 384 or any(report[SIGNED_SIZE + 144 :]):
        raise BadReport("bytes around the signature are not zero")
    return encode_dss_signature(r, s)


def encode_signature(r: int, s: int) -> bytes:
    """The 512 bytes that follow what is signed."""
    return r.to_bytes(72, "little") + s.to_bytes(72, "little") + bytes(REPORT_SIZE - SIGNED_SIZE - 144)
