"""The head of the data disk: what it takes to open it, besides a machine that may. Nothing in it is secret.

It says whether the disk was ever whole, holds the disk's key in forms that only a TPM gives back (`Slot`), and the
LUKS2 header. That header says how data is encrypted, and nothing protects it: somebody who can write to the disk
could have it say "not at all". So it is kept here under a code that only who knows the key can make, and used from
memory, where nobody exchanges it after it was checked.

A record is written to the place of the older of two copies: whenever the power goes, one of them is whole.

    16 bytes "CyberPrivacyHd/1", 4 bytes of length (big-endian), SHA-256 of the text, the text: canonical JSON
"""

import hmac
import struct
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.attest.document import Document, to_base64
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.data_disk import HEAD_AT, HEADER_AT, MIB, DataDisk

MAGIC: Final = b"CyberPrivacyHd/1"
COPY: Final = 64 << 10
MAX_SEALED: Final = 4096
MAX_SLOTS: Final = 4
MAX_HEADER: Final = MIB

_FRONT: Final = struct.Struct(">16sI32s")
_FIELDS: Final = frozenset({"v", "sequence", "made", "disk", "header_size", "header_code", "slots"})
_SLOT: Final = frozenset({"sealed", "most"})


class BadHead(Untrusted):
    """The head of the data disk is damaged, or is not ours."""

    code = "os.data-head"
    hint = "Nothing was written. Give the machine the disk as it was, or a blank one."


@dataclass(frozen=True, slots=True)
class Slot:
    """The TPM's part of the key, for one image.

    Attributes:
        sealed: what `tpmsealing.seal` gave.
        most: what the TPM's counter may be at most.
    """

    sealed: bytes
    most: int

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises: BadDocument."""
        document = Document(value, "slot", _SLOT)
        return cls(document.base64("sealed", limit=MAX_SEALED), document.integer("most"))


@dataclass(frozen=True, slots=True)
class Head:
    """One record.

    Attributes:
        disk: the disk's own name, 16 random bytes.
        made: whether it was whole once. Before that there was never data on it.
        slots: who opens it.
        header_size: bytes of the LUKS2 header.
        header_code: HMAC-SHA256 over it, 32 bytes.
        sequence: how many records there were before.
    """

    disk: bytes
    made: bool = False
    slots: tuple[Slot, ...] = ()
    header_size: int = 0
    header_code: bytes = bytes(32)
    sequence: int = 0

    def encode(self) -> bytes:
        """The bytes of a copy."""
        slots = [{"sealed": to_base64(slot.sealed), "most": slot.most} for slot in self.slots]
        text = canonical.encode(
            {
                "v": 1,
                "sequence": self.sequence,
                "made": self.made,
                "disk": self.disk.hex(),
                "header_size": self.header_size,
                "header_code": self.header_code.hex(),
                "slots": slots,
            }
        )
        return _FRONT.pack(MAGIC, len(text), sha256(text).digest()) + text

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Read a copy; None when it was not written, or not to its end.

        Raises:
            BadDocument, NotCanonical: whole, and of another form.
        """
        magic, size, digest = _FRONT.unpack_from(data)
        text = data[_FRONT.size : _FRONT.size + size]
        if magic != MAGIC or size > COPY - _FRONT.size or sha256(text).digest() != digest:
            return None
        document = Document(canonical.decode(text), "head", _FIELDS)
        document.version()
        slots = document.raw("slots")
        if not isinstance(slots, list) or len(slots) > MAX_SLOTS:
            raise BadHead("not slots", limit=MAX_SLOTS)
        return cls(
            disk=document.octets("disk", size=16),
            made=document.flag("made"),
            slots=tuple(Slot.read(slot) for slot in slots),
            header_size=document.integer("header_size", most=MAX_HEADER),
            header_code=document.octets("header_code", size=32),
            sequence=document.integer("sequence"),
        )

    def with_header(self, header: bytes, key: bytes) -> Self:
        """The same, and made, with this LUKS2 header under this key."""
        return replace(self, made=True, header_size=len(header), header_code=hmac.digest(key, header, "sha256"))

    def header(self, disk: DataDisk, key: bytes) -> bytes:
        """The LUKS2 header.

        Raises:
            BadHead: not the one that was written with this key ("os.data-header").
        """
        found = disk.read(HEADER_AT, self.header_size)
        if not hmac.compare_digest(hmac.digest(key, found, "sha256"), self.header_code):
            raise BadHead(
                "what says how data is encrypted was changed, or the key is another", code="os.data-header"
            )
        return found


def read_head(disk: DataDisk) -> Head | None:
    """The newest record; None when there is none, nor anything else behind the table.

    Raises:
        BadHead: there is none, but something.
        BadDocument, NotCanonical: it is whole, and of another form.
    """
    copies = (Head.parse(disk.read(HEAD_AT + place * COPY, COPY)) for place in (0, 1))
    found = [copy for copy in copies if copy is not None]
    if found:
        return max(found, key=lambda copy: copy.sequence)
    if not disk.untouched:
        raise BadHead("a disk that is neither blank nor has a head", path=disk.path.name)
    return None


def write_head(disk: DataDisk, head: Head) -> Head:
    """Write the next record; gives it as it is on the disk."""
    written = replace(head, sequence=head.sequence + 1)
    disk.write(HEAD_AT + written.sequence % 2 * COPY, written.encode().ljust(COPY, b"\0"))
    return written
