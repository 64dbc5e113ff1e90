"""What every user key hangs under: one key an epoch, and old epochs that nobody can bring back.

The port is for an attested key service. Until there is one, `DevelopmentRoot` keeps the keys in a file.

A restored backup must not revive an erased user. So the root counts epochs upwards, is never part of a backup,
and destroys the key of an epoch when the key store has left it: every older copy of the key store is noise then.
"""

import os
import zlib
from pathlib import Path
from typing import Final, Protocol, Self

from cyberprivacy.errors import Misuse, TryLater, Untrusted

KEY: Final = 32
"""Bytes of a key."""


class BadRoot(Untrusted):
    """The root of the keys is damaged, or is not the one that this key store hangs under."""

    code = "keyroot.damaged"
    hint = "Nothing can be read without it: look for the file that belongs to this key store."


class NoRoot(Misuse):
    """There is no root here, or there is one already."""

    code = "keyroot.place"
    hint = "Name the folder of the vault; `vault serve` makes one where there is none."


class RootBusy(TryLater):
    """The root could not be read or written."""

    code = "keyroot.disk"
    hint = "See to the disk, then try again."


class KeyRoot(Protocol):
    """Holds the key of one epoch, and of the next while the key store moves there."""

    @property
    def label(self) -> str:
        """What it is, in a word for people: shown wherever it is in use."""
        ...

    def epochs(self) -> tuple[int, ...]:
        """Those whose keys exist, ascending: the present one, then the next if it is prepared. From 1 on."""
        ...

    def key(self, epoch: int) -> bytes:
        """The 32 bytes of an epoch that exists; `Untrusted` for every other."""
        ...

    def prepare(self) -> int:
        """Make sure that the next epoch has a key, which a crash does not take away; which epoch that is."""
        ...

    def retire(self) -> None:
        """Destroy the present epoch's key for good; the prepared one is the present from then on."""
        ...


class DevelopmentRoot:
    """Keys in a file: whoever can read the file, or a copy of it, can read everything. For development.

    Layout: a line for people at 0; two slots of 64 bytes at 512 and 1,024, of even epochs and of odd ones:
    `epoch (8) || key (32) || zeros (20) || CRC-32 (4)`. A slot that was torn is as good as empty: a key is used
    only after its slot was written, and no more once its slot is being overwritten.
    """

    label = "development"

    _TITLE: Final = (
        b"CyberPrivacy development key root: whoever reads this file reads everything. No people's data!\n"
    )
    _SIZE: Final = 1536
    _SLOT: Final = 64

    def __init__(self, file: int) -> None:
        """Take the descriptor of a whole file; see `open` and `make`."""
        self._file = file

    @classmethod
    def make(cls, path: Path) -> Self:
        """A new root in its first epoch.

        Raises:
            NoRoot: there is a file already, or there can be none.
            RootBusy: "keyroot.disk".
        """
        unfinished = path.with_name(path.name + ".new")
        try:
            unfinished.unlink(missing_ok=True)  # of a process that was killed; perhaps a second name of the root
            file = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            root = cls(file)
            _write(file, 0, cls._TITLE.ljust(cls._SIZE, b"\0"))
            root._put(1, os.urandom(KEY))
            os.link(unfinished, path)  # unlike a rename, never over another root
            unfinished.unlink()
        except OSError as error:
            raise NoRoot("no new root can be made here", path=str(path), reason=error.strerror) from None
        keep_name(path)
        return root

    @classmethod
    def open(cls, path: Path) -> Self:
        """An existing one.

        Raises:
            NoRoot: there is none, or others than its owner may read it ("keyroot.mode").
            BadRoot: it is not whole.
        """
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise NoRoot("no root can be opened here", path=str(path), reason=error.strerror) from None
        status = os.fstat(file)
        if status.st_mode & 0o077:
            os.close(file)
            raise NoRoot("others may read this root", code="keyroot.mode", hint=f"chmod 600 {path}")
        root = cls(file)
        if status.st_size != cls._SIZE or os.pread(file, len(cls._TITLE), 0) != cls._TITLE:
            root.close()
            raise BadRoot("not a development root", path=str(path))
        root.epochs()
        return root

    def epochs(self) -> tuple[int, ...]:
        """As the port says; raises BadRoot when no key is left."""
        found = tuple(sorted(self._slots()))
        if not found or (len(found) == 2 and found[1] != found[0] + 1):
            raise BadRoot("no epoch is whole", found=found)
        return found

    def key(self, epoch: int) -> bytes:
        """As the port says."""
        found = self._slots().get(epoch)
        if found is None:
            raise BadRoot("there is no key of this epoch (any more)", code="keyroot.epoch", epoch=epoch)
        return found

    def prepare(self) -> int:
        """As the port says."""
        present = self.epochs()
        if len(present) == 1:
            self._put(present[0] + 1, os.urandom(KEY))
        return present[0] + 1

    def retire(self) -> None:
        """As the port says.

        Raises:
            Misuse: no next epoch was prepared ("keyroot.place").
        """
        present = self.epochs()
        if len(present) == 1:
            raise NoRoot("no next epoch was prepared", epoch=present[0])
        _write(self._file, self._place(present[0]), bytes(self._SLOT))

    def close(self) -> None:
        """Let go of the file; twice does nothing more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _slots(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for parity in (0, 1):
            slot = os.pread(self._file, self._SLOT, self._place(parity))
            epoch = int.from_bytes(slot[:8], "big")
            whole = len(slot) == self._SLOT and zlib.crc32(slot[:60]).to_bytes(4, "big") == slot[60:]
            if whole and epoch and epoch % 2 == parity:
                found[epoch] = slot[8:40]
        return found

    def _put(self, epoch: int, key: bytes) -> None:
        body = epoch.to_bytes(8, "big") + key + bytes(20)
        _write(self._file, self._place(epoch), body + zlib.crc32(body).to_bytes(4, "big"))

    def _place(self, epoch: int) -> int:
        return 512 * (1 + epoch % 2)


def _write(file: int, place: int, data: bytes) -> None:
    try:
        os.pwrite(file, data, place)
        os.fsync(file)
    except OSError as error:
        raise RootBusy("the root could not be written", reason=error.strerror) from None


def keep_name(path: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
