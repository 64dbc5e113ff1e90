"""Segments of the key file: 1,024 slots under a key of their own, so that who erases wraps one anew and not all.

The slots of a segment lie in one *area* of the file. To wrap them anew they are written to a spare area under
another key. From the moment that the table names that area, the old one is of no use, and is overwritten.

The table has a slot (`keyslot`) for each segment, under the root's key of the present epoch. Its name is
number (4) || area (4) || since (4) || zeros (24): *since* is the epoch in which the segment got its key, and the
one in its slots.

Source: docs/spec/udi-1.md, "The key file".
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault import keyslot
from cyberprivacy.vault.keyslot import FREE, SIZE, SPENT

SLOTS: Final = 1024
"""Of a segment."""
HEADER: Final = 4096
"""Bytes before the first area, or before the slots of the table."""
_KEY: Final = 32
_USER_KEY: Final = b"udi1|uk|"
_SEGMENT_KEY: Final = b"udi1|sk|"


class BadKeyStore(Untrusted):
    """The key file is not what was written, or not the newest."""

    code = "keystore.damaged"
    hint = "Stop; look for the newest copy of the key file and its table, of this very epoch."


@dataclass(frozen=True, slots=True)
class Segment:
    """Where some slots are, and what opens them.

    Attributes:
        number: from 0, for good.
        area: where its slots are now, from 0.
        since: epoch in which its key was made.
        key: 32 bytes.
        cipher: with that key.
    """

    number: int
    area: int
    since: int
    key: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)

    @classmethod
    def under(cls, key: bytes, *, number: int, area: int, since: int) -> Self:
        """A segment with this key."""
        return cls(number, area, since, key, AESGCM(key))

    @classmethod
    def new(cls, *, number: int, area: int, since: int) -> Self:
        """A segment with a key of its own."""
        return cls.under(os.urandom(_KEY), number=number, area=area, since=since)

    def place(self, slot: int) -> int:
        """Where a slot begins; `slot` counts through all segments."""
        return place(self.area) + slot % SLOTS * SIZE

    def wrap(self, holder: bytes, key: bytes) -> bytes:
        """The slot of a user key."""
        return keyslot.wrap(self.cipher, _USER_KEY, self.since, holder, key)

    def unwrap(self, holder: bytes, slot: bytes) -> bytes:
        """The user key in a slot; raises TornSlot, ForgedSlot."""
        return keyslot.unwrap(self.cipher, _USER_KEY, self.since, holder, slot)

    def anew(self, content: bytes, fresh: "Segment", *, without: Collection[int]) -> bytes:
        """The content of its area under the key of a `fresh` segment; what was overwritten is free there.

        Raises:
            Untrusted: a slot that holds something does not open, and is not given up (`without`).
        """
        written = bytearray()
        for number, slot in enumerate(split(content), self.number * SLOTS):
            if slot in (FREE, SPENT) or number in without:
                written += FREE
            else:
                _, holder = keyslot.header(slot)
                written += fresh.wrap(holder, self.unwrap(holder, slot))
        return bytes(written)

    def name(self) -> bytes:
        """As it stands in the table."""
        return b"".join(each.to_bytes(4, "big") for each in (self.number, self.area, self.since)) + bytes(24)


def place(area: int) -> int:
    """Where an area begins."""
    return HEADER + area * SLOTS * SIZE


def table(root_key: bytes, epoch: int, segments: Iterable[Segment]) -> Iterator[bytes]:
    """A slot for each segment."""
    under = AESGCM(root_key)
    for each in segments:
        yield keyslot.wrap(under, _SEGMENT_KEY, epoch, each.name(), each.key)


def read_table(root_key: bytes, epoch: int, content: bytes) -> list[Segment]:
    """The segments of a table, less its header.

    Raises:
        BadKeyStore: not a table.
        TornSlot, ForgedSlot: as they say.
    """
    under, found = AESGCM(root_key), list[Segment]()
    for number, slot in enumerate(split(content)):
        _, name = keyslot.header(slot)
        key = keyslot.unwrap(under, _SEGMENT_KEY, epoch, name, slot)
        _, area, since = (int.from_bytes(name[at : at + 4], "big") for at in (0, 4, 8))
        found.append(Segment.under(key, number=number, area=area, since=since))
        if found[-1].name() != name:
            raise BadKeyStore("a segment does not belong here", segment=number)
    if len({each.area for each in found}) < len(found):
        raise BadKeyStore("two segments in one place")
    return found


def split(content: bytes) -> Iterator[bytes]:
    """The slots in some bytes."""
    return (content[at : at + SIZE] for at in range(0, len(content), SIZE))


@dataclass(slots=True)
class Held:
    """What is in a key file. Slots are counted through all segments, whichever areas they are in.

    Attributes:
        segments: by their numbers.
        index: number of a slot by its holder.
        free, spent, damaged: numbers of slots that hold no key: those that may be used, those that may not before
            their segment is wrapped anew, those that are neither.
        spare: areas of no segment; what is in them means nothing.
    """

    segments: list[Segment]
    spare: list[int]
    index: dict[bytes, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    spent: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, file: int, segments: list[Segment]) -> Self:
        """Find out what every slot holds.

        Raises:
            BadKeyStore: the file is too short, a slot is of another epoch than its segment, or one holder has two.
        """
        areas = max(0, os.fstat(file).st_size - HEADER) // (SLOTS * SIZE)
        held = cls(segments, sorted(set(range(areas)) - {each.area for each in segments}))
        for segment in segments:
            if segment.area >= areas:
                raise BadKeyStore("the key file is too short", segment=segment.number)
            content = os.pread(file, SLOTS * SIZE, place(segment.area))
            for number, slot in enumerate(split(content), segment.number * SLOTS):
                held._note(number, slot, segment.since)
        held.free.reverse()
        return held

    def segment(self, slot: int) -> Segment:
        """That of a slot."""
        return self.segments[slot // SLOTS]

    def add(self, segments: Iterable[Segment]) -> None:
        """Some more, all of whose slots are free; the first are used first."""
        for each in segments:
            self.segments.append(each)
            first = each.number * SLOTS
            self.free[:0] = range(first + SLOTS - 1, first - 1, -1)

    def turned(self, fresh: Collection[Segment], given_up: Collection[int]) -> list[int]:
        """These segments were wrapped anew, each in another area; their old areas, which are spare now."""
        old = [self.segments[each.number].area for each in fresh]
        for each in fresh:
            self.segments[each.number] = each
        taken = {each.area for each in fresh}
        self.spare = [area for area in (*self.spare, *old) if area not in taken]
        self.free += [*self.spent, *given_up]
        self.spent = []
        self.damaged = [number for number in self.damaged if number not in given_up]
        return old

    def _note(self, number: int, slot: bytes, since: int) -> None:
        if slot == FREE:
            self.free.append(number)
        elif slot == SPENT:
            self.spent.append(number)
        elif not keyslot.whole(slot):
            self.damaged.append(number)
        else:
            epoch, holder = keyslot.header(slot)
            if epoch != since or holder in self.index:
                raise BadKeyStore("a slot does not belong here", slot=number, epoch=epoch)
            self.index[holder] = number
