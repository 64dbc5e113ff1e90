"""Event logs in the form that TCG2 firmware writes: first what the others look like, then the events. Pure.

This reads the form only. Which registers there are and what they started from is for who reads it: `bootlog` for
TPMs, `ccel` for TDX. A log is not signed: it is believed when its replay gives registers that are.

Source: TCG PC Client Platform Firmware Profile 1.06, section 10 ("crypto-agile" logs). Numbers are little-endian.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cyberprivacy.errors import Untrusted

NO_ACTION: Final = 3
"""EV_NO_ACTION: says something and is never extended."""

ALG_SHA1: Final = 0x0004
ALG_SHA256: Final = 0x000B
ALG_SHA384: Final = 0x000C
_SIZES: Final[Mapping[int, int]] = {ALG_SHA1: 20, ALG_SHA256: 32, ALG_SHA384: 48, 0x000D: 64, 0x0012: 32}
"""Bytes of a digest by algorithm. Source: TCG Algorithm Registry 1.34, 6.10."""

MAX_ALGORITHMS: Final = 8
MAX_DIGEST: Final = 64
_SPEC_ID: Final = b"Spec ID Event03\0"


class BadLog(Untrusted):
    """Bytes are not an event log that this program can read."""

    code = "tcg2.form"
    hint = "The evidence was damaged or made up; ask the node again."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read.

    Attributes:
        log: bytes of a log.
        events: their number, without the first one that is the specification.
        event: bytes of what an event says beside its digests.
    """

    log: int
    events: int
    event: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was measured.

    Attributes:
        index: the register, as it is written.
        kind: the event's type.
        digests: by algorithm: what the register of that bank took.
        data: words about it; proven only where a digest is computed again from them.
    """

    index: int
    kind: int
    digests: Mapping[int, bytes]
    data: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """A log.

    Attributes:
        banks: algorithms of its digests; each event has one digest of each.
        events: in the order in which they were measured.
    """

    banks: frozenset[int]
    events: tuple[Event, ...]


class _Reader:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise BadLog("the event log ends early", wanted=size, left=len(self.data) - self.at)
        taken, self.at = self.data[self.at : end], end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def padding(self) -> bool:
        """Whether nothing is left but one byte again and again: firmware fills its buffer with 0x00 or 0xFF."""
        first = self.data[self.at : self.at + 8]
        if first not in (bytes(8), b"\xff" * 8):  # most events are decided here, without a look at the rest
            return False
        left = self.data[self.at :]
        return left.count(left[:1]) == len(left)


def parse(data: bytes, limits: Limits, *, padded: bool = False) -> Log:
    """Read a log.

    Args:
        data: the log.
        limits: what is too much.
        padded: whether eight or more bytes that are all 0x00 or all 0xFF may follow the last event.

    Raises:
        BadLog: too much, of another form, or an event with other digests than the log declares.
    """
    if len(data) > limits.log:
        raise BadLog("the event log is too large", size=len(data), limit=limits.log)
    reader = _Reader(data)
    sizes = _specification(reader)
    made: list[Event] = []
    while reader and not (padded and reader.padding()):
        if len(made) == limits.events:
            raise BadLog("too many events", limit=limits.events)
        made.append(_event(reader, sizes, limits.event))
    return Log(frozenset(sizes), tuple(made))


def _specification(reader: _Reader) -> Mapping[int, int]:
    """The first event, of the older format: sizes of digests by algorithm. Source: the same, 10.4.5.1."""
    if (reader.number(4), reader.number(4)) not in ((0, NO_ACTION), (1, NO_ACTION)) or any(reader.take(20)):
        raise BadLog("the event log does not begin with a specification event")
    event = _Reader(reader.take(reader.number(4)))
    if event.take(16) != _SPEC_ID:
        raise BadLog("an event log of another specification")
    event.take(8)  # platform class, version, errata, size of a word
    if not 1 <= (count := event.number(4)) <= MAX_ALGORITHMS:
        raise BadLog("an event log with no or too many kinds of digests", count=count)
    sizes: dict[int, int] = {}
    for _ in range(count):
        algorithm, size = event.number(2), event.number(2)
        if algorithm in sizes or not 0 < size <= MAX_DIGEST or _SIZES.get(algorithm, size) != size:
            raise BadLog("a kind of digest that stands twice or has another size", algorithm=hex(algorithm))
        sizes[algorithm] = size
    event.take(event.number(1))
    if event:
        raise BadLog("the specification event has trailing bytes")
    return sizes


def _event(reader: _Reader, sizes: Mapping[int, int], limit: int) -> Event:
    """Source: the same, 10.2.2 (TCG_PCR_EVENT2)."""
    index, kind, count = reader.number(4), reader.number(4), reader.number(4)
    if count != len(sizes):
        raise BadLog("an event with other digests than the log declares", count=count, wanted=len(sizes))
    digests: dict[int, bytes] = {}
    for _ in range(count):
        algorithm = reader.number(2)
        if algorithm not in sizes or algorithm in digests:
            raise BadLog("an event with other digests than the log declares", algorithm=hex(algorithm))
        digests[algorithm] = reader.take(sizes[algorithm])
    if (size := reader.number(4)) > limit:
        raise BadLog("an event is too large", size=size, limit=limit)
    return Event(index, kind, digests, reader.take(size))
