"""What a machine's chassis went through, as the node's log tells it.

The first process of the Privacy OS erases all keys when the chassis opens, the log's with them: it can sign
nothing then, and waits for nobody; it only counts on in the TPM. The next node on that TPM tells it, in its own
log and before its witnesses:

    machine.watched     once in each log: from here on it tells; nothing happened since it was told last
    machine.opened      the counter has moved on: the chassis was opened, or somebody made the counter anew
    machine.forgotten   the counter stands where it stood, but the TPM has lost what it was told: somebody took it

A log that outlasts the opening is compared with itself; one that began after it, with what the TPM has been told
by the node before. The TPM is told once the entry is public: until then each start tells it again.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Final

import structlog

from cyberprivacy.attest import tpmchassis
from cyberprivacy.attest.tpmchassis import Told
from cyberprivacy.attest.tpmcommands import Tpm, Transport
from cyberprivacy.attest.tpmdevice import DeviceTpm
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.node.duties import Duty

WATCHED: Final = "machine.watched"
OPENED: Final = "machine.opened"
FORGOTTEN: Final = "machine.forgotten"
KINDS: Final = frozenset({WATCHED, OPENED, FORGOTTEN})
PAUSE: Final = 1.0

_log = structlog.get_logger("node")


@dataclass(frozen=True, slots=True)
class Telling:
    """What the TPM is to be told once so many entries are public; None = it knows."""

    told: Told | None
    entries: int


def record_chassis(ledger: Ledger, tpm: Tpm, node: bytes) -> Telling:
    """Compare what the TPM has counted with what was told last, and log what there is to say.

    Args:
        ledger: of this node.
        tpm: the machine's.
        node: the id of this node's key, 32 bytes.

    Raises:
        LedgerFull: the disk refused; the node must not start unseen.
        TryLater: the TPM does not answer, or something else is in the counter's place.
    """
    counter, before = tpmchassis.counted(tpm), Told.read(tpm)
    logged = _logged(ledger)
    known = logged if logged is not None else before
    openings = max((each.openings for each in (logged, before) if each is not None), default=0)
    moved = known is not None and known.counter != counter
    told = Told(counter, openings + moved, node)
    facts: dict[str, object] = {"counter": counter, "openings": told.openings}
    if moved and known is not None:
        by = node if before is None else before.node
        ledger.append(OPENED, {**facts, "before": known.counter, "toldBy": f"0x{by.hex()}"})
    elif logged is None:
        ledger.append(WATCHED, facts)
    elif before is None:
        ledger.append(FORGOTTEN, facts)
    return Telling(None if told == before else told, ledger.head().size)


def _logged(ledger: Ledger) -> Told | None:
    """What this log itself has told last."""
    found = None
    for entry in ledger.entries():
        if entry.kind in KINDS:
            found = Told(_number(entry.facts, "counter"), _number(entry.facts, "openings"), bytes(32))
    return found


def _number(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0


def open_tpm() -> AbstractContextManager[Transport]:
    """The machine's TPM, for a moment."""
    return closing(DeviceTpm())


def chassis_duty(
    ledger: Ledger,
    node: bytes,
    public: Callable[[], int],
    *,
    opened: Callable[[], AbstractContextManager[Transport]] = open_tpm,
    pause: float = PAUSE,
) -> Duty:
    """Log what the chassis went through, now; gives the duty that tells the TPM so when that is public.

    Args:
        ledger: of this node.
        node: the id of its key, 32 bytes.
        public: how many entries of it are public, witnesses having signed where the node asks for some.
        opened: opens the TPM.
        pause: seconds between two looks at what is public.

    Raises:
        LedgerFull, TryLater: as `record_chassis`.
        NoTpm: there is none.
    """
    with opened() as device:
        telling = record_chassis(ledger, Tpm(device), node)

    def keep(stop: threading.Event) -> None:
        left = telling.told
        while left is not None and not stop.wait(pause):
            if public() < telling.entries:
                continue
            try:
                with opened() as device:
                    left.write(Tpm(device))
                left = None
                _log.info("chassis told", entries=telling.entries)
            except CyberPrivacyError as error:  # told once more at the next start, if not in a second
                _log.warning("chassis", code=error.code, what=str(error))
        stop.wait()

    return keep
