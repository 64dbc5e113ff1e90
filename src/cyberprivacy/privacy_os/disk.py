"""The disk: a partition table, a partition that firmware starts from, and the verified root.

Source: UEFI 2.10, 13.3 (file system of the system partition).
"""

import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cyberprivacy.build.base import EPOCH
from cyberprivacy.privacy_os.partitions import ALIGNED, SECTOR, TABLE, entry, tables
from cyberprivacy.privacy_os.toolbox import Toolbox

_SYSTEM: Final = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_ROOT: Final = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
"""Root for x86-64. Source: UAPI Group, Discoverable Partitions Specification."""


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
