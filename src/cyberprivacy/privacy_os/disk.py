"""The disk: a partition table, a partition that firmware starts from, and the verified root.

Source: UEFI 2.10, 5.3 (GUID Partition Table), 13.3 (file system of the system partition).
"""

import os
import struct
import zlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cyberprivacy.build.base import EPOCH
from cyberprivacy.privacy_os.toolbox import Toolbox

SECTOR: Final = 512
ALIGNED: Final = 2048
"""Sectors: partitions begin at whole MiB."""

_SYSTEM: Final = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_ROOT: Final = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
"""Root for x86-64. Source: UAPI Group, Discoverable Partitions Specification."""
_ENTRIES: Final = 128
ENTRY: Final = 128
"""Bytes of one entry of that table."""
TABLE: Final = _ENTRIES * ENTRY // SECTOR
"""Sectors of one table of partitions."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: what it is for, its own name, and its bytes."""

    kind: UUID
    identity: UUID
    label: str
    data: bytes


def make_disk(system: bytes, root: bytes, root_hash: bytes) -> bytes:
    """The disk image.

    Args:
        system: the file system of the system partition.
        root: the root with its hash tree.
        root_hash: names the root's partition, and with it all others.
    """
    identity = UUID(bytes=root_hash[:16])
    whole = UUID(bytes=root_hash[16:])
    started = UUID(bytes=bytes(a ^ b for a, b in zip(root_hash[:16], root_hash[16:], strict=True)))
    return _disk(
        whole,
        (
            Partition(_SYSTEM, started, "privacy-os-start", system),
            Partition(_ROOT, identity, f"privacy-os-{root_hash.hex()[:24]}", root),
        ),
    )


def _disk(identity: UUID, partitions: tuple[Partition, ...]) -> bytes:
    entries, body, at = b"", b"", ALIGNED
    for partition in partitions:
        data = partition.data + bytes(-len(partition.data) % (ALIGNED * SECTOR))
        last = at + len(data) // SECTOR - 1
        entries += entry(partition.kind, partition.identity, partition.label, sectors=(at, last))
        body, at = body + data, last + 1
    front, back = tables(identity, entries, end=at + TABLE)
    return front + body + back


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


def system_partition(tools: Toolbox, program: bytes) -> bytes:
    """A FAT file system with the program where firmware looks for it."""
    folder = tools.work / "start" / "EFI" / "BOOT"
    folder.mkdir(parents=True)
    (folder / "BOOTX64.EFI").write_bytes(program)
    for path in (folder / "BOOTX64.EFI", folder, folder.parent):
        os.utime(path, (EPOCH, EPOCH))
    image = tools.work / "start.img"
    size = len(program) + len(program) // 50 + (2 << 20)
    size += -size % (1 << 20)
    with image.open("wb") as file:
        file.truncate(size)
    tools.run("mkfs.vfat", "--invariant", "-F", "16", "-s", "8", "-n", "PRIVACYOS", "/work/start.img")
    tools.run("mcopy", "-s", "-m", "-i", "/work/start.img", "/work/start/EFI", "::/")
    return image.read_bytes()
