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
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
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
        self._writing, self._looking = RLock(), Lock()
        self._broken = False
        self._file = _opened(path)
        try:
            self.epoch = self._settle()
            self._held = _Held.of(self._file, self.epoch)
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
        return tuple(self._held.damaged)

    def __len__(self) -> int:
        return len(self._held.index)

    def holds(self, holder: Holder) -> bool:
        """Whether there is a key."""
        return holder.packed() in self._held.index

    def generations(self, owner: bytes) -> tuple[int, ...]:
        """Of which generations there are keys; looks at every slot's name."""
        with self._looking:
            mine = (packed for packed in self._held.index if packed[:32] == owner)
            return tuple(sorted(int.from_bytes(packed[32:], "big") for packed in mine))

    def find(self, holder: Holder) -> bytes:
        """The key, 32 bytes. Waits for no disk, and not for a `turn`, which takes minutes where there are many.

        Raises:
            NoKey: there is none (any more).
            Untrusted: the slot was torn, or forged.
        """
        with self._looking, disk():
            number = self._held.index.get(holder.packed())
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
            if len(set(wanted)) < len(wanted) or any(each in self._held.index for each in wanted):
                raise NoKeyStore("this owner has a key already", code="keystore.twice", hint="")
            self._grow(len(wanted))
            root_key, made = self.root.key(self.epoch), dict[bytes, int]()
            for packed in wanted:
                slot = keyslot.wrap(root_key, self.epoch, _holder(packed), os.urandom(KEY))
                made[packed] = self._held.free.pop()
                os.pwrite(self._file, slot, place(made[packed]))
            os.fdatasync(self._file)
            with self._looking:
                self._held.index.update(made)

    def destroy(self, holders: Iterable[Holder]) -> int:
        """Overwrite keys; those that are gone already stay so. How many were there.

        Until `turn`, copies of this file that somebody has taken still hold them.

        Raises:
            KeyStoreBusy: the disk failed.
        """
        with self._usable():
            with self._looking:
                gone = {each.packed() for each in holders} & self._held.index.keys()
                numbers = [self._held.index.pop(packed) for packed in gone]
                for number in numbers:
                    os.pwrite(self._file, keyslot.FREE, place(number))
            os.fdatasync(self._file)
            self._held.free.extend(numbers)
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
            if set(self._held.damaged) - set(without):
                raise BadKeyStore("slots are damaged; their copies would be lost too", slots=self.damaged)
            old, ended, coming = self._file, self.epoch, self.root.prepare()
            publish(self.path, header(coming), self._rewrapped(coming))
            self._broken = True  # until all is well: what is written to the old file now is lost
            new = _opened(self.path)
            held = _Held.of(new, coming)
            with self._looking:  # what is looked at until here is the old file, which the old root opens
                self.root.retire()
                self._file, self.epoch, self._held = new, coming, held
                self._broken = False
            os.close(old)
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

    def _rewrapped(self, epoch: int) -> Iterator[bytes]:
        old, new = self.root.key(self.epoch), self.root.key(epoch)
        living = set(self._held.index.values())
        for number, slot in enumerate(slots(self._file)):
            if number in living:
                holder = _holder(keyslot.header(slot)[1])
                yield keyslot.wrap(new, epoch, holder, keyslot.unwrap(old, self.epoch, holder, slot))

    def _grow(self, wanted: int) -> None:
        """Have so many free slots; room is taken from the disk before anything is written there."""
        held = self._held
        if wanted <= len(held.free):
            return
        more = -(-max(wanted - len(held.free), held.slots // 8) // GROWTH) * GROWTH
        os.posix_fallocate(self._file, place(held.slots), more * keyslot.SIZE)
        os.fsync(self._file)
        held.free.extend(range(held.slots, held.slots + more))
        held.slots += more

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """One change at a time; after a write that failed, none: nobody knows what is on the disk then."""
        with self._writing:
            if self._broken:
                raise KeyStoreBusy("an earlier write failed", code="keystore.broken")
            try:
                with disk():
                    yield
            except TryLater as error:
                self._broken = error.code != "keystore.full"
                raise


@dataclass(slots=True)
class _Held:
    """What a file holds: number of a slot by holder, those that are free and those that are neither, how many."""

    index: dict[bytes, int]
    free: list[int]
    damaged: list[int]
    slots: int

    @classmethod
    def of(cls, file: int, epoch: int) -> Self:
        """Find out what every slot holds.

        Raises:
            BadKeyStore: a slot of another epoch, or two of one holder.
        """
        held = cls({}, [], [], 0)
        for number, slot in enumerate(slots(file)):
            held.slots = number + 1
            if slot == keyslot.FREE:
                held.free.append(number)
                continue
            of_epoch, packed = keyslot.header(slot)
            if not keyslot.whole(slot):
                held.damaged.append(number)
            elif of_epoch != epoch or packed in held.index:
                raise BadKeyStore("a slot does not belong here", slot=number, epoch=of_epoch)
            else:
                held.index[packed] = number
        return held


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _holder(packed: bytes) -> Holder:
    return Holder(packed[:32], int.from_bytes(packed[32:], "big"))
