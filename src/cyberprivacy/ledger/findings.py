"""What a watcher has found about others, on record in its own log before anybody is told.

Two kinds of entries:

* `watch.found`: `about` (origin of a log, or name of a witness), `code`, `what`, `evidence` (file name) and its
  `sha256`. The file is durable before the entry.
* `watch.ended`: `about`, `code`: it has not been so for a while. What is proven never ends.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Final

import structlog

from cyberprivacy.ledger.disk import replace
from cyberprivacy.ledger.log import Entry, Ledger

FOUND: Final = "watch.found"
ENDED: Final = "watch.ended"
FORK: Final = "log.fork"
SIGNED_BOTH: Final = "witness.signed-both"
PROVEN: Final = frozenset({FORK, SIGNED_BOTH})
"""Codes whose evidence anybody can check with public keys alone; the others are this watcher's testimony."""
NAME: Final = re.compile(r"(fork|seen)-[0-9a-f]{16}\.json")
"""Names of files of evidence; no other file of the folder is shown to anybody."""

_log = structlog.get_logger("watch")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, and has not ended.

    Attributes:
        about: origin of a log, or name of a witness.
        code: stable reason code.
        what: in words.
        evidence: name of the file in the folder of evidence.
        since: seconds since 1970.
        entry: its place in the finder's own log.
    """

    about: str
    code: str
    what: str
    evidence: str
    since: int
    entry: int


class Findings:
    """Several threads may share it. It has no memory of its own: after a start it reads the ledger."""

    def __init__(self, ledger: Ledger, folder: Path, *, calm: float, clock: Callable[[], float]) -> None:
        """Read what was found before.

        Args:
            ledger: of the finder.
            folder: where evidence is kept.
            calm: seconds without trouble after which what is not proven ends.
            clock: seconds since 1970.
        """
        self.folder, self._ledger, self._calm, self._clock = folder, ledger, calm, clock
        self._lock = RLock()
        self._open: dict[tuple[str, str], Finding] = {}
        for entry in ledger.entries():
            self._read(entry)
        self._trouble = {finding.about: clock() for finding in self._open.values()}

    def found(self, about: str, code: str, what: str, document: bytes) -> None:
        """Put something on record; what is there already is not repeated.

        Args:
            about: whom.
            code: reason code.
            what: in words, ours: no text of strangers.
            document: the evidence.

        Raises:
            LedgerFull: the disk refused; ask again.
        """
        with self._lock:
            if self.again(about, code):
                return
            self._trouble[about] = self._clock()
            digest = sha256(document).hexdigest()
            name = f"{'fork' if code in PROVEN else 'seen'}-{digest[:16]}.json"
            replace(self.folder / name, document)
            facts = {"about": about, "code": code, "what": what, "evidence": name, "sha256": digest}
            self._read(self._ledger.append(FOUND, facts))
            _log.warning("found", about=about, code=code, evidence=str(self.folder / name))

    def again(self, about: str, code: str) -> bool:
        """Whether this is on record already; if so, it is still so."""
        with self._lock:
            if (about, code) not in self._open:
                return False
            self._trouble[about] = self._clock()
            return True

    def well(self, about: str) -> None:
        """Nothing is wrong at this moment; what is not proven ends after a while of this.

        Raises:
            LedgerFull: the disk refused; ask again.
        """
        with self._lock:
            if self._clock() - self._trouble.get(about, 0.0) < self._calm:
                return
            for finding in self.of(about):
                if finding.code not in PROVEN:
                    self._read(self._ledger.append(ENDED, {"about": about, "code": finding.code}))

    def of(self, about: str) -> tuple[Finding, ...]:
        """What stands against somebody, in the order in which it was found."""
        with self._lock:
            return tuple(finding for finding in self._open.values() if finding.about == about)

    def all(self) -> tuple[Finding, ...]:
        """Everything that stands."""
        with self._lock:
            return tuple(self._open.values())

    def guilty(self, about: str) -> bool:
        """Whether something is proven against somebody."""
        return any(finding.code in PROVEN for finding in self.of(about))

    def _read(self, entry: Entry) -> None:
        match entry.kind, entry.facts:
            case "watch.found", {
                "about": str(about),
                "code": str(code),
                "what": str(what),
                "evidence": str(evidence),
            }:
                self._open[about, code] = Finding(about, code, what, evidence, entry.time, entry.index)
            case "watch.ended", {"about": str(about), "code": str(code)}:
                self._open.pop((about, code), None)
