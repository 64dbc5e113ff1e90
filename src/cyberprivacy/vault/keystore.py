"""User keys in slots of one file, outside the database and its backups: what is overwritten here is gone.

A database keeps copies of what it deletes: in its log, in replicas, in backups. So the keys live here, where
each has one place that is overwritten when its owner erases, and where `turn` wraps all living keys anew under the
next epoch's root key. Once the root has destroyed the old one, an older copy of this file opens nothing, and is
refused.

Layout: a header of 4,096 bytes, `udi1keys` || format 1 (4) || epoch (4) || zeros || CRC-32 (4); slots (`keyslot`).
Everything is on disk before a call returns. A process that was killed at any moment leaves a file that `open`
understands.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Self

from cyberprivacy.errors import TryLater
from cyberprivacy.vault import keyslot
from cyberprivacy.vault.keyroot import KEY, KeyRoot
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.slotfile import (
    GROWTH,
    HEADER,
    BadKeyStore,
    KeyStoreBusy,
    NoKey,
    NoKeyStore,
    disk,
    header,
    locked,
    place,
    publish,
    slots,
    unfinished,
)


class KeyStore:
    """The open key file of one process; threads may share it.

    Attributes:
        path: where it is.
        root: what its keys hang under.
        epoch: of which root key its slots are.
    """

    def __init__(self, path: Path, root: KeyRoot, lock: int) -> None:
        """Read a file whose lock is held; see `open` and `make`."""
        self.path, self.root, self._lock = path, root, lock
        self._mutex = RLock()
        self._broken = False
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._index: dict[bytes, int] = {}
        self._free: list[int] = []
        self._damaged: list[int] = []
        try:
            self.epoch = self._settle()
            self._slots = self._scan()
        except BaseException:
            os.close(self._file)
            raise

    @classmethod
    def make(cls, path: Path, root: KeyRoot) -> Self:
        """A new, empty one.

        Raises:
            NoKeyStore: there is one already, or there can be none.
            KeyStoreBusy: another process is at it, or the disk failed.
        """
        with locked(path) as lock:
            if path.exists():
                raise NoKeyStore("there is a key file already", path=str(path))
            with disk():
                publish(path, header(root.epochs()[0]), ())
            return cls(path, root, lock)

    @classmethod
    def open(cls, path: Path, root: KeyRoot) -> Self:
        """An existing one; what a killed process left half done is finished or taken back.

        Raises:
            NoKeyStore: there is none.
            BadKeyStore: damaged; a copy from before a turn of epochs ("keystore.older"); or of another root, or
                the root was set back ("keystore.root").
            KeyStoreBusy: another process has it open ("keystore.busy"), or the disk failed.
        """
        with locked(path) as lock:
            if not path.exists():
                raise NoKeyStore("there is no key file", path=str(path))
            return cls(path, root, lock)

    @property
    def damaged(self) -> Sequence[int]:
        """Slots that are neither free nor whole."""
        return tuple(self._damaged)

    def __len__(self) -> int:
        return len(self._index)

    def holds(self, holder: Holder) -> bool:
        """Whether there is a key."""
        return holder.packed() in self._index

    def generations(self, owner: bytes) -> tuple[int, ...]:
        """Of which generations there are keys; looks at every slot's name."""
        with self._mutex:
            mine = (packed for packed in self._index if packed[:32] == owner)
            return tuple(sorted(int.from_bytes(packed[32:], "big") for packed in mine))

    def find(self, holder: Holder) -> bytes:
        """The key, 32 bytes.

        Raises:
            NoKey: there is none (any more).
            Untrusted: the slot was torn, or forged.
        """
        with self._usable():
            number = self._index.get(holder.packed())
            if number is None:
                raise NoKey("no key of this owner is left", owner=holder.owner.hex(), generation=holder.generation)
            slot = os.pread(self._file, keyslot.SIZE, place(number))
            if not keyslot.whole(slot):
                raise BadKeyStore("a slot is torn", code="keystore.torn", slot=number)
            return keyslot.unwrap(self.root.key(self.epoch), self.epoch, holder, slot)

    def create(self, holders: Iterable[Holder]) -> None:
        """New random keys; on disk when this returns, before anything may be sealed under them.

        Raises:
            Misuse: one of them has a key already ("keystore.twice"); nothing was made.
            KeyStoreBusy: no room ("keystore.full"), or the disk failed.
        """
        wanted = [holder.packed() for holder in holders]
        with self._usable():
            if len(set(wanted)) < len(wanted) or any(each in self._index for each in wanted):
                raise NoKeyStore("this owner has a key already", code="keystore.twice", hint="")
            self._grow(len(wanted))
            root_key = self.root.key(self.epoch)
            for packed in wanted:
                holder = Holder(packed[:32], int.from_bytes(packed[32:], "big"))
                slot = keyslot.wrap(root_key, self.epoch, holder, os.urandom(KEY))
                number = self._free.pop()
                os.pwrite(self._file, slot, place(number))
                self._index[packed] = number
            os.fdatasync(self._file)

    def destroy(self, holders: Iterable[Holder]) -> int:
        """Overwrite keys; those that are gone already stay so. How many were there.

        Until `turn`, copies of this file that somebody has taken still hold them.

        Raises:
            KeyStoreBusy: the disk failed.
        """
        with self._usable():
            gone = {each.packed() for each in holders} & self._index.keys()
            for packed in gone:
                os.pwrite(self._file, keyslot.FREE, place(self._index[packed]))
            os.fdatasync(self._file)
            self._free.extend(self._index.pop(packed) for packed in gone)
            return len(gone)

    def turn(self, *, without: Sequence[int] = ()) -> int:
        """Wrap every key anew under the next epoch's root key, and destroy the old root key. The epoch that ended.

        Args:
            without: damaged slots that are given up for good.

        Raises:
            BadKeyStore: there are other damaged slots: a copy of this epoch's file could still heal them.
            KeyStoreBusy: no room, or the disk failed.
        """
        with self._usable():
            if set(self._damaged) - set(without):
                raise BadKeyStore("slots are damaged; their copies would be lost too", slots=tuple(self._damaged))
            ended, coming = self.epoch, self.root.prepare()
            publish(self.path, header(coming), self._rewrapped(coming))
            self.root.retire()
            os.close(self._file)
            self._file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            self.epoch = coming
            self._slots = self._scan()
            return ended

    def close(self) -> None:
        """Let go of the file and of its lock; twice does nothing more."""
        if self._file >= 0:
            os.close(self._file)
            os.close(self._lock)
            self._file = -1

    def _settle(self) -> int:
        """The file's epoch, after what a killed `turn` left was finished."""
        head = os.pread(self._file, HEADER, 0)
        epoch = int.from_bytes(head[12:16], "big")
        if head != header(epoch):
            raise BadKeyStore("not a key file", path=str(self.path))
        epochs = self.root.epochs()
        if epoch < epochs[0]:
            raise BadKeyStore(
                "a copy from before the keys were wrapped anew",
                code="keystore.older",
                epoch=epoch,
                present=epochs[0],
            )
        if epoch > epochs[-1]:
            raise BadKeyStore("the root knows nothing of this epoch", code="keystore.root", epoch=epoch)
        if epoch > epochs[0]:
            self.root.retire()
        unfinished(self.path).unlink(missing_ok=True)
        return epoch

    def _scan(self) -> int:
        """Find out what every slot holds; how many there are."""
        self._index, self._free, self._damaged = {}, [], []
        number = 0
        for number, slot in enumerate(slots(self._file), 1):
            if slot == keyslot.FREE:
                self._free.append(number - 1)
                continue
            epoch, packed = keyslot.header(slot)
            if not keyslot.whole(slot):
                self._damaged.append(number - 1)
            elif epoch != self.epoch or packed in self._index:
                raise BadKeyStore("a slot does not belong here", slot=number - 1, epoch=epoch)
            else:
                self._index[packed] = number - 1
        return number

    def _rewrapped(self, epoch: int) -> Iterator[bytes]:
        old, new = self.root.key(self.epoch), self.root.key(epoch)
        living = set(self._index.values())
        for number, slot in enumerate(slots(self._file)):
            if number in living:
                packed = keyslot.header(slot)[1]
                holder = Holder(packed[:32], int.from_bytes(packed[32:], "big"))
                yield keyslot.wrap(new, epoch, holder, keyslot.unwrap(old, self.epoch, holder, slot))

    def _grow(self, wanted: int) -> None:
        """Have so many free slots; room is taken from the disk before anything is written there."""
        if wanted <= len(self._free):
            return
        more = -(-max(wanted - len(self._free), self._slots // 8) // GROWTH) * GROWTH
        os.posix_fallocate(self._file, place(self._slots), more * keyslot.SIZE)
        os.fsync(self._file)
        self._free.extend(range(self._slots, self._slots + more))
        self._slots += more

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """One call at a time; after a write that failed, none: nobody knows what is on the disk then."""
        with self._mutex:
            if self._broken:
                raise KeyStoreBusy("an earlier write failed", code="keystore.broken")
            try:
                with disk():
                    yield
            except TryLater as error:
                self._broken = error.code != "keystore.full"
                raise
