"""Segments of the key file: 256 slots under a key of their own, so that who erases wraps one anew and not all.

The slots of a segment lie in one *area* of the file. To wrap them anew they are written to a spare area under
another key. From the moment that the table names that area, the old one is of no use, and is overwritten.

The table is one message under the root's key of the present epoch, as it is always written as a whole:

    nonce (12) || AES-256-GCM(root key, nonce, entries, `udi1|sk|` || epoch (4))

An entry is area (4) || since (4) || the segment's key (32), from segment 0. *Since* is the epoch in which the
segment got its key, and the one in its slots.

Source: docs/spec/udi-1.md, "The key file".
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault import keyslot
from cyberprivacy.vault.keyslot import FREE, SIZE, SPENT, ForgedSlot

SLOTS: Final = 256
"""Of a segment: what one erasure wraps anew. Fewer make more entries of the table, which every turn writes."""
HEADER: Final = 4096
"""Bytes before the first area, or before the message of the table."""
_KEY: Final = 32
_ENTRY: Final = 8 + _KEY
_BOUND: Final = b"udi1|sk|"


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
        return keyslot.wrap(self.cipher, self.since, holder, key)

    def unwrap(self, holder: bytes, slot: bytes) -> bytes:
        """The user key in a slot; raises TornSlot, ForgedSlot."""
        return keyslot.unwrap(self.cipher, self.since, holder, slot)

    def anew(self, content: bytes, fresh: "Segment", *, without: Collection[int]) -> bytes:
        """The content of its area under the key of a `fresh` segment; what was overwritten is free there.

        Raises:
            Untrusted: a slot that holds something does not open, and is not given up (`without`).
        """
        written, first = bytearray(), self.number * SLOTS
        nonces = os.urandom(keyslot.NONCE * SLOTS)
        for n, slot in enumerate(split(content)):
            if slot in (FREE, SPENT) or first + n in without:
                written += FREE
            else:
                _, holder = keyslot.header(slot)
                nonce = nonces[n * keyslot.NONCE : (n + 1) * keyslot.NONCE]
                key = self.unwrap(holder, slot)
                written += keyslot.wrap(fresh.cipher, fresh.since, holder, key, nonce=nonce)
        return bytes(written)

    def entry(self) -> bytes:
        """As it stands in the table."""
        return self.area.to_bytes(4, "big") + self.since.to_bytes(4, "big") + self.key


def place(area: int) -> int:
    """Where an area begins."""
    return HEADER + area * SLOTS * SIZE


def table(root_key: bytes, epoch: int, segments: Iterable[Segment]) -> bytes:
    """The table of these segments, from number 0, less its header."""
    nonce, entries = os.urandom(keyslot.NONCE), b"".join(each.entry() for each in segments)
    return nonce + AESGCM(root_key).encrypt(nonce, entries, _BOUND + epoch.to_bytes(4, "big"))


def read_table(root_key: bytes, epoch: int, content: bytes) -> list[Segment]:
    """The segments of a table, less its header.

    Raises:
        BadKeyStore: not a table.
        ForgedSlot: not under this key of this epoch.
    """
    nonce, bound = content[: keyslot.NONCE], _BOUND + epoch.to_bytes(4, "big")
    try:
        entries = AESGCM(root_key).decrypt(nonce, content[keyslot.NONCE :], bound)
    except (InvalidTag, ValueError):  # ValueError: too short for a nonce
        raise ForgedSlot("the table of segments was not written under this root") from None
    found = list[Segment]()
    for number, at in enumerate(range(0, len(entries), _ENTRY)):
        area, since = (int.from_bytes(entries[at + n : at + n + 4], "big") for n in (0, 4))
        found.append(Segment.under(entries[at + 8 : at + _ENTRY], number=number, area=area, since=since))
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
