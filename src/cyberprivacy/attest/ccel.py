"""The event log of a confidential machine: TCG2 format, SHA-384, replayed into RTMR0 to RTMR3. Pure.

The log is not signed. Its digests are believed when their replay gives the registers that are; the words beside a
digest never are, as nothing here computes them again.

Source: TCG PC Client Platform Firmware Profile 1.06, section 10; UEFI 2.10, 38.4.1 (CCEL, and which index is which
register).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha384
from typing import Final

from cyberprivacy.errors import Untrusted

MAX_LOG: Final = 256 << 10
MAX_EVENTS: Final = 4096
REGISTERS: Final = 4
NO_ACTION: Final = 3
"""EV_NO_ACTION: says something and is never extended."""

ALG_SHA384: Final = 0x000C
_DIGEST: Final = 48
_SPEC_ID: Final = b"Spec ID Event03\0"


class BadLog(Untrusted):
    """Bytes are not an event log that this program can read."""

    code = "ccel.form"
    hint = "The evidence was damaged or made up; ask the node again."


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was measured.

    Attributes:
        register: 0 to 3, for RTMR0 to RTMR3.
        kind: the event's type.
        digest: what the register took, 48 bytes.
        data: words about it, which nothing proves.
    """

    register: int
    kind: int
    digest: bytes
    data: bytes


class _Reader:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

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
        left = self.data[self.at :]
        return left[:1] in (b"", b"\x00", b"\xff") and left.count(left[:1]) == len(left)


def parse(data: bytes) -> tuple[Event, ...]:
    """Read a log whose events have exactly one digest, SHA-384, and go to RTMR0 to RTMR3.

    Raises:
        BadLog: anything else, or too much.
    """
    if len(data) > MAX_LOG:
        raise BadLog("the event log is too large", size=len(data), limit=MAX_LOG)
    reader = _Reader(data)
    _specification(reader)
    made: list[Event] = []
    while reader.at < len(data):
        if data[reader.at : reader.at + 8] in (bytes(8), b"\xff" * 8) and reader.padding():
            break
        if len(made) == MAX_EVENTS:
            raise BadLog("too many events", limit=MAX_EVENTS)
        event = _event(reader)
        if event is not None:
            made.append(event)
    return tuple(made)


def _specification(reader: _Reader) -> None:
    """The first event, of the older format, which says what the others look like. Source: the same, 10.4.5.1."""
    if (reader.number(4), reader.number(4)) not in ((0, NO_ACTION), (1, NO_ACTION)) or any(reader.take(20)):
        raise BadLog("the event log does not begin with a specification event")
    event = _Reader(reader.take(reader.number(4)))
    if event.take(16) != _SPEC_ID:
        raise BadLog("an event log of another specification")
    event.take(8)  # platform class, version, errata, size of a word
    count = event.number(4)
    algorithms = [(event.number(2), event.number(2)) for _ in range(min(count, 8))]
    if count != 1 or algorithms != [(ALG_SHA384, _DIGEST)]:
        raise BadLog("an event log with other digests than SHA-384", count=count)
    event.take(event.number(1))
    if event.at != len(event.data):
        raise BadLog("the specification event has trailing bytes")


def _event(reader: _Reader) -> Event | None:
    index, kind, count = reader.number(4), reader.number(4), reader.number(4)
    if count != 1 or reader.number(2) != ALG_SHA384:
        raise BadLog("an event with other digests than one SHA-384", count=count)
    digest = reader.take(_DIGEST)
    data = reader.take(reader.number(4))
    if kind == NO_ACTION:
        return None
    if not 1 <= index <= REGISTERS:
        raise BadLog("an event for a register that is none of RTMR0 to RTMR3", index=index)
    return Event(index - 1, kind, digest, data)


def replay(events: Iterable[Event]) -> tuple[bytes, ...]:
    """The values of RTMR0 to RTMR3 after these events, from a start at zero; 48 bytes each.

    Source: Intel TDX Module Base Architecture Specification, 12.2.2 (TDG.MR.RTMR.EXTEND).
    """
    values = [bytes(_DIGEST)] * REGISTERS
    for event in events:
        values[event.register] = sha384(values[event.register] + event.digest).digest()
    return tuple(values)
