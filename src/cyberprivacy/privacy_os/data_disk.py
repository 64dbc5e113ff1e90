"""The data disk: which of a machine's disks it is, how it is laid out, and whether anything is on it.

    first MiB      partition table
    next two       the head: what opens the disk (`head`)
    then           data, encrypted and authenticated (`luks`)
    last sectors   the partition table once more

Only a disk is taken on which each sector of the table, in front and behind, is zero or what we would write there:
so a disk of ours is known, a blank one too, and one on which writing was cut off; everything else is left alone.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.privacy_os.partitions import ALIGNED, SECTOR, TABLE, entry, tables

MIB: Final = ALIGNED * SECTOR
HEAD_AT: Final = MIB
HEADER_AT: Final = HEAD_AT + MIB
"""Where the LUKS2 header goes, behind the records of the head."""
HEAD_SIZE: Final = 2 * MIB
DATA_AT: Final = HEAD_AT + HEAD_SIZE
LEAST: Final = 64 * MIB
"""A smaller disk is never a data disk."""
LOOKED_AT: Final = 32 * MIB
"""Bytes that must be zero before a disk counts as blank, besides the table."""

_IDENTITY: Final = UUID("5e0ab5d1-7b0b-4a43-9f38-7b7c3c5a9e01")
_HEAD: Final = UUID("5e0ab5d1-7b0b-4a43-9f38-7b7c3c5a9e02")
_LUKS: Final = UUID("ca7d7ccb-63ed-4c53-861c-1742536059cc")
"""LUKS. Source: UAPI Group, Discoverable Partitions Specification."""
_NAMES: Final = (_HEAD, UUID("5e0ab5d1-7b0b-4a43-9f38-7b7c3c5a9e03"))
_BLOCKS: Final = Path("/sys/class/block")
_DEVICES: Final = Path("/dev")
_READ_TABLE: Final = 0x125F
"""BLKRRPART. Source: Linux, include/uapi/linux/fs.h."""


class NoDataDisk(Misuse):
    """There is no disk for data, or more than one."""

    code = "os.data-disk"
    hint = "Give the machine exactly one disk of at least 64 MiB that is blank or was its data disk before."


@dataclass(frozen=True, slots=True)
class DataDisk:
    """A disk that is blank, or ours.

    Attributes:
        path: its device, or a file.
        size: bytes.
    """

    path: Path
    size: int

    @classmethod
    def at(cls, path: Path) -> Self | None:
        """The disk at a path if it is blank or ours; None when it is too small, or holds something else.

        Raises:
            TryLater: it cannot be read.
        """
        with _opened(path) as device:
            size = os.lseek(device, 0, os.SEEK_END)
            if size < LEAST or size % SECTOR:
                return None
            found = cls(path, size)
            known = all(found._compare(device, at, wanted) is not None for at, wanted in found._tables())
        return found if known else None

    @property
    def laid_out(self) -> bool:
        """Whether the partition table is there, whole."""
        with _opened(self.path) as device:
            return all(self._compare(device, at, wanted) for at, wanted in self._tables())

    @property
    def untouched(self) -> bool:
        """Whether there are only zeros where data and what encrypts them would be, as far as it is looked at.

        The first record of a head may have been cut off: where records go is not looked at.
        """
        with _opened(self.path) as device:
            return not any(any(os.pread(device, MIB, at)) for at in range(HEADER_AT, HEADER_AT + LOOKED_AT, MIB))

    def lay_out(self) -> None:
        """Write the partition table, and have the kernel read it."""
        for at, data in self._tables():
            self.write(at, data)
        with _opened(self.path) as device:
            if stat.S_ISBLK(os.fstat(device).st_mode):
                fcntl.ioctl(device, _READ_TABLE)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the disk."""
        with _opened(self.path) as device:
            return os.pread(device, size, at)

    def write(self, at: int, data: bytes) -> None:
        """Write bytes; when this returns, they outlast the power.

        Raises:
            TryLater: the disk does not take them.
        """
        with _opened(self.path, os.O_RDWR) as device:
            if os.pwrite(device, data, at) != len(data):
                raise TryLater("the data disk takes no more", code="os.data-disk", path=str(self.path))
            os.fsync(device)

    @property
    def partition(self) -> Path:
        """The device of what is encrypted."""
        name = self.path.name
        return self.path.with_name(f"{name}{'p' if name[-1].isdigit() else ''}2")

    def _tables(self) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
        """Both tables, and where they go."""
        end = self.size // SECTOR - 1
        last = (end - TABLE) // ALIGNED * ALIGNED - 1
        head = entry(_HEAD, _NAMES[0], "privacy-os-head", sectors=(HEAD_AT // SECTOR, DATA_AT // SECTOR - 1))
        data = entry(_LUKS, _NAMES[1], "privacy-os-data", sectors=(DATA_AT // SECTOR, last))
        front, back = tables(_IDENTITY, head + data, end=end)
        return (0, front), ((end - TABLE) * SECTOR, back)

    @staticmethod
    def _compare(device: int, at: int, wanted: bytes) -> bool | None:
        """Whether these bytes are there; None when there is something else than they, and zeros."""
        found = os.pread(device, len(wanted), at)
        for place in range(0, len(wanted), SECTOR):
            sector = found[place : place + SECTOR]
            if sector != wanted[place : place + SECTOR] and any(sector):
                return None
        return found == wanted


class _opened:  # noqa: N801  # used like a function
    """A descriptor of a disk, as a context."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self._path, self._flags, self._device = path, flags, -1

    def __enter__(self) -> int:
        try:
            self._device = os.open(self._path, self._flags | os.O_CLOEXEC)
        except OSError as error:
            raise TryLater(
                "a disk cannot be opened", code="os.data-disk", path=str(self._path), reason=error.strerror
            ) from error
        return self._device

    def __exit__(self, *_: object) -> None:
        os.close(self._device)


def find(blocks: Path = _BLOCKS, devices: Path = _DEVICES) -> DataDisk:
    """The one data disk among whole disks.

    Raises:
        NoDataDisk: none, or several.
        TryLater: a disk cannot be read.
    """
    looked_at = sorted(_whole(blocks))
    found = [disk for name in looked_at if (disk := DataDisk.at(devices / name)) is not None]
    if len(found) != 1:
        fitting = [disk.path.name for disk in found]
        what = "more than one disk could be the data disk" if found else "no disk is blank or a data disk of ours"
        raise NoDataDisk(what, disks=looked_at, fitting=fitting)
    return found[0]


def _whole(blocks: Path) -> Iterator[str]:
    """Names of disks that are hardware, or that the host says are: no partitions, nothing made of other disks."""
    for each in blocks.iterdir():
        if (each / "device").exists() and not (each / "partition").exists():
            yield each.name
