"""Why a machine measured something else than an image would: which event differs, and the likely cause. Pure.

It explains; it proves nothing. A log is believed only where its replay is what a TPM signed: see `attest`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from cyberprivacy.attest.bootlog import BootLog
from cyberprivacy.attest.tcg2 import ALG_SHA256, Event
from cyberprivacy.privacy_os.measuring import Step

REGISTERS: Final = (11, 12, 13, 9, 4, 14)
"""The identity first, then what was added to it, then what follows from it."""

_OTHER_IMAGE: Final = "another image, or this one was changed on its disk"
_CAUSES: Final[Mapping[tuple[int, str], str]] = {
    (4, "start from a boot option"): "firmware was told to start something else first, or the kernel directly",
    (4, "the program"): _OTHER_IMAGE,
    (4, "the kernel in it"): _OTHER_IMAGE,
    (9, "the command line"): "the kernel was given another command line than the image has",
    (9, "the initial RAM disk"): "the kernel was given another initial RAM disk, or one more",
    (11, ".cmdline"): "another command line in the image: another root file system, or one byte was changed",
    (11, ".initrd"): "another first process, or other modules",
    (11, ".linux"): "another kernel",
    (11, ".sbat"): "another boot stub",
}
_MORE: Final[Mapping[int, str]] = {
    4: "something was started beside the image, before or after it",
    9: "the kernel was given more than the image has",
    11: "the image has more sections, or software measured more while it ran",
    12: "the host added to the command line, or left credentials on the system partition",
    13: "the host left system extensions on the system partition",
    14: "another configuration",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """The first event of a register that is not as predicted.

    Attributes:
        register: its number.
        place: which event of that register, from 1.
        expected: what the image would measure there; "" when nothing.
        found: what the log says of the event; "" when there is none.
        cause: the likely one.
    """

    register: int
    place: int
    expected: str
    found: str
    cause: str


def differences(log: BootLog, expected: Sequence[Step]) -> tuple[Difference, ...]:
    """The first difference of each register.

    Args:
        log: what the machine says that it measured.
        expected: what the image measures, and the configuration if it is known (register 14).
    """
    known = {step.register for step in expected} | {12, 13}
    found = (_first(number, log, expected) for number in REGISTERS if number in known)
    return tuple(difference for difference in found if difference is not None)


def _first(number: int, log: BootLog, expected: Sequence[Step]) -> Difference | None:
    events = [event for event in log.events if event.index == number]
    steps = [step for step in expected if step.register == number]
    for place, (event, step) in enumerate(zip_longest(events, steps), 1):
        if event is None or step is None or event.digests[ALG_SHA256] != step.digest:
            what = step.what if step else ""
            return Difference(number, place, what, _said(event), _cause(number, event, step))
    return None


def _cause(number: int, event: Event | None, step: Step | None) -> str:
    if event is None:
        return "the machine did not come that far, or its log was cut"
    if step is None:
        return _MORE[number]
    return _CAUSES.get((number, step.what), _MORE[number])


def _said(event: Event | None) -> str:
    """What an event says of itself, as far as it can be printed; nobody has checked it."""
    if event is None:
        return ""
    wide = event.data[1:2] == b"\0"
    text = event.data[:256].decode("utf-16-le" if wide else "latin-1", "replace").rstrip("\0")
    words = "".join(letter if letter.isascii() and letter.isprintable() else "." for letter in text)
    return words[:120] or f"an event of type {event.kind:#x}"
