"""Tables of partitions: what they say, and where they go. Pure.

Source: UEFI 2.10, 5.3 (GUID Partition Table).
"""

import struct
import zlib
from typing import Final
from uuid import UUID

SECTOR: Final = 512
ALIGNED: Final = 2048
"""Sectors: partitions begin at whole MiB."""

_ENTRIES: Final = 128
ENTRY: Final = 128
"""Bytes of one entry of a table."""
TABLE: Final = _ENTRIES * ENTRY // SECTOR
"""Sectors of one table of partitions."""


def entry(kind: UUID, identity: UUID, label: str, *, sectors: tuple[int, int]) -> bytes:
    """One partition in a table: what it is for, its own name, and its first and last sector."""
    name = label.encode("utf-16-le").ljust(72, b"\0")
    return kind.bytes_le + identity.bytes_le + struct.pack("<QQQ", *sectors, 0) + name


def tables(identity: UUID, entries: bytes, *, end: int) -> tuple[bytes, bytes]:
    """What stands in front of the partitions, a whole MiB, and behind them.

    Args:
        identity: the disk's own name.
        entries: see `entry`.
        end: the last sector of the disk, which has the second header.
    """
    entries, behind = entries.ljust(_ENTRIES * ENTRY, b"\0"), end - TABLE
    usable = (ALIGNED, behind - 1)
    first = _header(identity, entries, here=1, other=end, table=2, usable=usable)
    second = _header(identity, entries, here=end, other=1, table=behind, usable=usable)
    front = _protective(end) + first + entries
    return front.ljust(ALIGNED * SECTOR, b"\0"), entries + second


def _header(
    identity: UUID, entries: bytes, *, here: int, other: int, table: int, usable: tuple[int, int]
) -> bytes:
    def pack(crc: int) -> bytes:
        head = struct.pack("<8sIIII", b"EFI PART", 0x10000, 92, crc, 0)
        head += struct.pack("<QQQQ", here, other, *usable) + identity.bytes_le
        return head + struct.pack("<QIII", table, _ENTRIES, ENTRY, zlib.crc32(entries))

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _protective(last: int) -> bytes:
    """Tells old programs that the disk is full. Source: the same, 5.2.3."""
    record = struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, min(last, 0xFFFFFFFF))
    return bytes(446) + record + bytes(48) + b"\x55\xaa"
