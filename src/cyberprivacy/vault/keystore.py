"""User keys in slots of one file, outside the database and its backups: what is overwritten here is gone.

A database keeps copies of what it deletes: in its log, in replicas, in backups. So the keys live here, where
each has one place that is overwritten when its owner erases. Copies of this file are made worthless by `turn`: the
segments (`keysegment`) in which keys were overwritten are wrapped anew under other keys, and the keys of all
segments under the next epoch's root key. Once the root has destroyed the old one, no older copy of the table opens
anything, and with it no older copy of those segments.

Two files: slots in areas, and the table of segments beside them. The table takes effect as a whole, by its name.
Everything is on disk before a call returns. A process that was killed at any moment leaves files that `open`
understands.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from typing import Self

from cyberprivacy.errors import TryLater
from cyberprivacy.vault import keysegment, keyslot
from cyberprivacy.vault.keyroot import KEY, KeyRoot
from cyberprivacy.vault.keysegment import HEADER, BadKeyStore, Held, Segment, place
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.slotfile import (
    SLOT_FILE,
    TABLE,
    KeyStoreBusy,
    NoKey,
    NoKeyStore,
    disk,
    epoch_of,
    header,
    locked,
    publish,
    table_of,
    unfinished,
)


class KeyStore:
    """The open key file of one process; threads may share it.

    Attributes:
        path: where it is.
        root: what its keys hang under.
        epoch: of which root key its segments are.
    """

    def __init__(self, path: Path, root: KeyRoot, lock: int) -> None:
        """Read files whose lock is held; see `open` and `make`."""
        self.path, self.root, self._lock = path, root, lock
        self._writing, self._looking = RLock(), Lock()
        self._broken = False
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            table = table_of(path).read_bytes()
            self.epoch = self._settle(table[:HEADER])
            segments = keysegment.read_table(root.key(self.epoch), self.epoch, table[HEADER:])
            self._held = Held.of(self._file, segments)
            self._blank(self._held.spare)
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
                (epoch, *_) = root.epochs()
                publish(table_of(path), header(TABLE, epoch) + keysegment.table(root.key(epoch), epoch, ()))
                publish(path, header(SLOT_FILE, epoch))
            return cls(path, root, lock)

    @classmethod
    def open(cls, path: Path, root: KeyRoot) -> Self:
        """An existing one; what a killed process left half done is finished or taken back.

        Raises:
            NoKeyStore: there is none.
            BadKeyStore: damaged; a copy from before a turn of epochs ("keystore.older"); or of another root, or
                the root was set back ("keystore.root").
            Untrusted: a segment is of another root ("keystore.forged").
            KeyStoreBusy: another process has it open ("keystore.busy"), or the disk failed.
        """
        with locked(path) as lock:
            if not (path.exists() and table_of(path).exists()):
                raise NoKeyStore("there is no key file, or not its table", path=str(path))
            with disk():
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
        """The key, 32 bytes. Waits for no disk, and not for a `turn`.

        Raises:
            NoKey: there is none (any more).
            Untrusted: the slot was torn, or forged.
        """
        packed = holder.packed()
        with self._looking, disk():
            number = self._held.index.get(packed)
            if number is None:
                raise NoKey("no key of this owner is left", owner=holder.owner.hex(), generation=holder.generation)
            segment = self._held.segment(number)
            return segment.unwrap(packed, os.pread(self._file, keyslot.SIZE, segment.place(number)))

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
            made = dict[bytes, int]()
            for packed in wanted:
                made[packed] = number = self._held.free.pop()
                segment = self._held.segment(number)
                os.pwrite(self._file, segment.wrap(packed, os.urandom(KEY)), segment.place(number))
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
                    os.pwrite(self._file, keyslot.SPENT, self._held.segment(number).place(number))
            os.fdatasync(self._file)
            self._held.spent += numbers
            return len(gone)

    def turn(self, *, without: Collection[int] = ()) -> int:
        """Make older copies worthless: wrap anew what was overwritten in, and destroy the epoch's root key.

        Args:
            without: damaged slots that are given up for good.

        Returns:
            The epoch that ended.

        Raises:
            BadKeyStore: there are other damaged slots: a copy of this epoch's file could still heal them, or they
                held keys that were being overwritten.
            KeyStoreBusy: no room, or the disk failed.
        """
        with self._usable():
            held, ended = self._held, self.epoch
            if set(held.damaged) - set(without):
                raise BadKeyStore("slots are damaged; their copies would be lost too", slots=self.damaged)
            coming, given_up = self.root.prepare(), set(without) & set(held.damaged)
            fresh = self._wrapped_anew(coming, given_up)
            self._publish(coming, [fresh.get(each.number, each) for each in held.segments])
            self._broken = True  # until all is well: what is written to the old areas now is lost
            self._begin(coming)
            self.root.retire()
            with self._looking:  # what is looked at until here are the old areas, whose keys are in memory
                old = held.turned(fresh.values(), given_up)
                self.epoch = coming
            self._blank(old)
            self._broken = False
            return ended

    def close(self) -> None:
        """Let go of the file and of its lock; twice does nothing more."""
        if self._file >= 0:
            os.close(self._file)
            os.close(self._lock)
            self._file = -1

    def _settle(self, head: bytes) -> int:
        """The table's epoch, after what a killed `turn` left was finished."""
        epoch, epochs = epoch_of(head, TABLE), self.root.epochs()
        if epoch > epochs[-1]:
            raise BadKeyStore("the root knows nothing of this epoch", code="keystore.root", epoch=epoch)
        if epoch > epochs[0]:
            self._begin(epoch)
            self.root.retire()
            epochs = (epoch,)
        of_slots = epoch_of(os.pread(self._file, HEADER, 0), SLOT_FILE)
        if min(epoch, of_slots) < epochs[0]:
            raise BadKeyStore(
                "a copy from before a turn of epochs",
                code="keystore.older",
                epoch=min(epoch, of_slots),
                present=epochs[0],
            )
        if of_slots > epoch:
            raise BadKeyStore("the table is of another key file", epoch=of_slots, table=epoch)
        unfinished(table_of(self.path)).unlink(missing_ok=True)
        return epoch

    def _begin(self, epoch: int) -> None:
        """Say in the key file, too, which epoch it is; not before its table is there."""
        os.pwrite(self._file, header(SLOT_FILE, epoch), 0)
        os.fdatasync(self._file)

    def _publish(self, epoch: int, segments: Iterable[Segment]) -> None:
        """From here on the table is this one."""
        entries = keysegment.table(self.root.key(epoch), epoch, segments)
        publish(table_of(self.path), header(TABLE, epoch) + entries)

    def _wrapped_anew(self, epoch: int, given_up: Collection[int]) -> dict[int, Segment]:
        """Segments in which keys were overwritten, in spare areas under new keys; not yet in the table."""
        held = self._held
        numbers = sorted({slot // keysegment.SLOTS for slot in (*held.spent, *given_up)})
        fresh = dict[int, Segment]()
        for number, area in zip(numbers, self._spare(len(numbers)), strict=True):
            old = held.segments[number]
            fresh[number] = Segment.new(number=number, area=area, since=epoch)
            content = os.pread(self._file, keysegment.SLOTS * keyslot.SIZE, place(old.area))
            os.pwrite(self._file, old.anew(content, fresh[number], without=given_up), place(area))
        os.fdatasync(self._file)
        return fresh

    def _grow(self, wanted: int) -> None:
        """Have so many free slots."""
        held = self._held
        many = -(-(wanted - len(held.free)) // keysegment.SLOTS)
        if many <= 0:
            return
        areas = self._spare(many)
        self._blank(areas)
        first = len(held.segments)
        more = [Segment.new(number=first + n, area=area, since=self.epoch) for n, area in enumerate(areas)]
        self._publish(self.epoch, [*held.segments, *more])
        held.add(more)
        held.spare = [area for area in held.spare if area not in areas]

    def _spare(self, many: int) -> list[int]:
        """So many areas of no segment; room is taken from the disk before anything is written there."""
        held = self._held
        areas = len(held.segments) + len(held.spare)
        more = many - len(held.spare)
        if more > 0:
            os.posix_fallocate(self._file, place(areas), place(areas + more) - place(areas))
            os.fsync(self._file)
            held.spare += range(areas, areas + more)
        return held.spare[:many]

    def _blank(self, areas: Iterable[int]) -> None:
        """Overwrite areas of no segment."""
        nothing = bytes(keysegment.SLOTS * keyslot.SIZE)
        for area in areas:
            if os.pread(self._file, len(nothing), place(area)) != nothing:
                os.pwrite(self._file, nothing, place(area))
        os.fdatasync(self._file)

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
                self._broken |= error.code != "keystore.full"
                raise
