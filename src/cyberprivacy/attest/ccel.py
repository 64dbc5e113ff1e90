"""The event log of a confidential machine: TCG2 format, SHA-384, replayed into RTMR0 to RTMR3. Pure.

The log is not signed. Its digests are believed when their replay gives the registers that are; the words beside a
digest never are, as nothing here computes them again.

Source: TCG PC Client Platform Firmware Profile 1.06, section 10 (read by `tcg2`); UEFI 2.10, 38.4.1 (CCEL, and
which index is which register).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha384
from typing import Final

from cyberprivacy.attest import tcg2
from cyberprivacy.attest.tcg2 import ALG_SHA384, NO_ACTION, BadLog

MAX_LOG: Final = 256 << 10
MAX_EVENTS: Final = 4096
REGISTERS: Final = 4
_DIGEST: Final = 48


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


def parse(data: bytes) -> tuple[Event, ...]:
    """Read a log whose events have exactly one digest, SHA-384, and go to RTMR0 to RTMR3.

    Raises:
        BadLog: anything else, or too much.
    """
    log = tcg2.parse(data, tcg2.Limits(log=MAX_LOG, events=MAX_EVENTS, event=MAX_LOG), padded=True)
    if log.banks != {ALG_SHA384}:
        raise BadLog("an event log with other digests than SHA-384", banks=sorted(map(hex, log.banks)))
    made: list[Event] = []
    for event in log.events:
        if event.kind == NO_ACTION:
            continue
        if not 1 <= event.index <= REGISTERS:
            raise BadLog("an event for a register that is none of RTMR0 to RTMR3", index=event.index)
        made.append(Event(event.index - 1, event.kind, event.digests[ALG_SHA384], event.data))
    return tuple(made)


def replay(events: Iterable[Event]) -> tuple[bytes, ...]:
    """The values of RTMR0 to RTMR3 after these events, from a start at zero; 48 bytes each.

    Source: Intel TDX Module Base Architecture Specification, 12.2.2 (TDG.MR.RTMR.EXTEND).
    """
    values = [bytes(_DIGEST)] * REGISTERS
    for event in events:
        values[event.register] = sha384(values[event.register] + event.digest).digest()
    return tuple(values)
