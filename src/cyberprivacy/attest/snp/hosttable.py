"""The certificates that a host hands to its SEV-SNP guest along with a report, as one table of bytes. Pure.

The host may be hostile, and may hand out nothing. What it hands out is judged later, like everything else.

Source: AMD 56421 (GHCB) 2.03, "SNP Extended Guest Request": entries of GUID (16 bytes, in the order in which it is
written), offset and length (4 bytes each, little-endian), ended by an entry of zeros.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cyberprivacy.attest.certificates import MAX_CERTIFICATE
from cyberprivacy.attest.snp.revocation import MAX_CRL
from cyberprivacy.errors import Untrusted

MAX_TABLE: Final = 256 << 10
MAX_ENTRIES: Final = 16
ENTRY_SIZE: Final = 24

VCEK: Final = UUID("63da758d-e664-4564-adc5-f4b93be8accd")
VLEK: Final = UUID("a8074bc2-a25a-483e-aae6-39c045a0b8a1")
ASK: Final = UUID("4ab7b379-bbac-4fe4-a02f-05aef327c782")
ARK: Final = UUID("c0b406a4-a803-4952-9743-3fb6014cd0ae")
CRL: Final = UUID("92f81bc3-5811-4d3d-97ff-d19f88dc67ea")
_LIMITS: Final = {**dict.fromkeys((VCEK, VLEK, ASK, ARK), MAX_CERTIFICATE), CRL: MAX_CRL}
_DER: Final = b"\x30\x82"


class BadTable(Untrusted):
    """The host's table of certificates has another form."""

    code = "tsm.host-table"
    hint = "The machine's operator has to load VCEK, ASK and ARK in DER anew, or none."


@dataclass(frozen=True, slots=True)
class HostTable:
    """What the host handed out, unproven; b"" for what it did not.

    Attributes:
        leaf: DER of the key that signs reports: VCEK or VLEK.
        middle: of the key above it: ASK or ASVK.
        root: ARK.
        crl: the root's list of revoked certificates.
    """

    leaf: bytes = b""
    middle: bytes = b""
    root: bytes = b""
    crl: bytes = b""

    @property
    def chain(self) -> bytes | None:
        """The field `certificates` of evidence; None unless all three are there."""
        whole = self.leaf and self.middle and self.root
        return self.leaf + self.middle + self.root if whole else None

    @classmethod
    def parse(cls, data: bytes) -> "HostTable":
        """Read a table; an empty one, or one of zeros alone, holds nothing.

        Raises:
            BadTable: too large, entries that point outside or stand twice, both kinds of leaf, or what is no DER.
        """
        found = _entries(data)
        if VCEK in found and VLEK in found:
            raise BadTable("the host hands out two keys for one report")
        return cls(
            leaf=found.get(VCEK, b"") or found.get(VLEK, b""),
            middle=found.get(ASK, b""),
            root=found.get(ARK, b""),
            crl=found.get(CRL, b""),
        )


def _entries(data: bytes) -> dict[UUID, bytes]:
    """The entries that this code knows."""
    if len(data) > MAX_TABLE:
        raise BadTable("the host's table is too large", size=len(data), limit=MAX_TABLE)
    found: dict[UUID, bytes] = {}
    for at in range(0, len(data), ENTRY_SIZE):
        entry = data[at : at + ENTRY_SIZE]
        if not any(entry):
            return found
        name = UUID(bytes=entry[:16].ljust(16, b"\x00"))
        start, size = int.from_bytes(entry[16:20], "little"), int.from_bytes(entry[20:24], "little")
        if len(entry) < ENTRY_SIZE or at >= MAX_ENTRIES * ENTRY_SIZE or start + size > len(data) or name in found:
            raise BadTable("an entry of the host's table is cut off, stands twice, or points outside", at=at)
        if name in _LIMITS:
            found[name] = _der(data[start : start + size], name)
    if data:
        raise BadTable("the host's table does not end")
    return found


def _der(value: bytes, name: UUID) -> bytes:
    """One DER value, whose own length is that of the entry."""
    if value[:2] != _DER or len(value) != 4 + int.from_bytes(value[2:4], "big") or len(value) > _LIMITS[name]:
        raise BadTable("the host hands out something that is not DER", entry=str(name), size=len(value))
    return value


def encode(**entries: bytes) -> bytes:
    """The table with these entries, by the lower-case names above: the inverse of `parse`."""
    names = {"vcek": VCEK, "vlek": VLEK, "ask": ASK, "ark": ARK, "crl": CRL}
    start = (len(entries) + 1) * ENTRY_SIZE
    head = b""
    for name, value in entries.items():
        head += names[name].bytes + start.to_bytes(4, "little") + len(value).to_bytes(4, "little")
        start += len(value)
    return head + bytes(ENTRY_SIZE) + b"".join(entries.values())
