"""Watching somebody else's log: it must answer, grow, be fresh, be whole, and be the same for everybody.

Each look follows the log, keeps a copy of it, and holds what was seen against what others have seen of it. A fork
is proven; silence, age, a rollback or a changed file are testimony, and are said to be no more.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy import canonical
from cyberprivacy.errors import CyberPrivacyError, TryLater, Untrusted
from cyberprivacy.ledger.client import BadMemory, Fork, LightClient
from cyberprivacy.ledger.compare import compare, cosigned_both
from cyberprivacy.ledger.disk import LedgerFull
from cyberprivacy.ledger.disk import replace as replace_file
from cyberprivacy.ledger.findings import FORK, SIGNED_BOTH, Findings
from cyberprivacy.ledger.fork import MAX_EVIDENCE, ForkEvidence
from cyberprivacy.ledger.mirror import mirror
from cyberprivacy.ledger.note import MAX_NOTE
from cyberprivacy.ledger.publisher import CHECKPOINT
from cyberprivacy.ledger.reading import FolderSource, LogReader, Missing, Source
from cyberprivacy.ledger.tiles import WIDTH
from cyberprivacy.ledger.trust import SeenHead, Trust, signed

SILENT: Final = "log.silent"
SPOT: Final = 10
"""Each so many looks, one old bundle of entries is read again: has it been changed since?"""

_SHOWN: Final = 64 * 1024
"""Bytes of what a log showed that are kept as they came."""

_log = structlog.get_logger("watch")


@dataclass(frozen=True, slots=True)
class Watched:
    """A log and where it can be seen.

    Attributes:
        trust: its keys, the keys of witnesses, and how old its head may be; a quorum of 0.
        source: its own files.
        others: what others have of it: copies, or only heads.
        silence: seconds without an answer after which this is a finding.
    """

    trust: Trust
    source: Source
    others: tuple[Source, ...]
    silence: float


class LogWatch:
    """One log. `look` is for one thread, `consider` for any.

    Attributes:
        mirror: folder of the copy, which may be served.
    """

    def __init__(self, watched: Watched, folder: Path, findings: Findings, *, clock: Callable[[], float]) -> None:
        """Nothing is read yet.

        Args:
            watched: what.
            folder: for the copy, of this log alone.
            findings: where to put what is found; the newest head is remembered in its folder.
            clock: seconds since 1970.
        """
        self._watched, self._findings, self._clock = watched, findings, clock
        self.mirror = folder
        self._copy = FolderSource(folder)
        self._client = LightClient(watched.trust, findings.folder, clock=clock)
        self._looks, self._last, self._unheard = 0, clock(), 0.0

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._watched.trust.origin

    def newest(self) -> SeenHead | None:
        """The head of the copy; None before the first look that succeeded.

        Raises:
            BadMemory: the copy's head is damaged.
        """
        data = self._copy.read(CHECKPOINT, MAX_NOTE)
        try:
            return None if data is None else signed(data, self._watched.trust, now=self._clock())
        except Untrusted as problem:
            raise BadMemory("the copy's head is damaged", path=str(self.mirror)) from problem

    def look(self) -> None:
        """Follow the log, compare, and put on record what is wrong.

        Raises:
            LedgerFull: our own disk refused; what was found is found again at the next look.
            BadMemory: our own memory is damaged.
        """
        now = self._clock()
        # A clock that jumps shall accuse nobody: a silence is made of four looks at least.
        passed, self._last = min(max(now - self._last, 0.0), self._watched.silence / 4), now
        trouble = self._follow()
        self._compare_with_others()
        self._unheard = self._unheard + passed if isinstance(trouble, TryLater) else 0.0
        if isinstance(trouble, Untrusted):
            self._testify(trouble.code, trouble.what, trouble.facts)
        elif self._unheard >= self._watched.silence:
            self._testify(SILENT, "the log does not answer", {"seconds": int(self._watched.silence)})
        elif trouble is None:
            self._findings.well(self.origin)

    def consider(self, data: bytes) -> None:
        """Hold a head that somebody brought against the copy; what is no signed head of this log is passed over.

        Raises:
            LedgerFull: our own disk refused.
        """
        mine = self.newest()
        if mine is None:
            return
        try:
            head = signed(data, self._watched.trust, now=self._clock())
            evidence = compare(mine, head, [self._copy])
        except (Untrusted, Missing):
            return
        if evidence is not None:
            self._accuse(evidence)

    def _follow(self) -> CyberPrivacyError | None:
        """Bring the copy up to the log; returns what is wrong, if it is not a fork, which is recorded here."""
        try:
            reader, head = self._client.update(self._watched.source)
            self._keep(reader, head)
            self._spot_check(reader)
        except (LedgerFull, BadMemory):
            raise
        except Fork as fork:
            data = FolderSource(self._findings.folder).read(Path(str(fork.facts["evidence"])).name, MAX_EVIDENCE)
            if data is not None:
                self._accuse(ForkEvidence.parse(data))
            return None
        except (TryLater, Untrusted) as trouble:
            return trouble
        return None

    def _keep(self, reader: LogReader, head: SeenHead) -> None:
        known = self.newest()
        if known is not None and known.checkpoint == head.checkpoint:
            if known.whole != head.whole:
                replace_file(self.mirror / CHECKPOINT, head.whole.encode())
            return
        mirror(reader, head.whole, self.mirror, since=0 if known is None else known.checkpoint.size)

    def _spot_check(self, reader: LogReader) -> None:
        full = reader.head.size // WIDTH
        if full and self._looks % SPOT == 0:
            reader.bundle(secrets.randbelow(full))
        self._looks += 1

    def _compare_with_others(self) -> None:
        mine = self.newest()
        if mine is None or self._findings.guilty(self.origin):
            return
        for other in self._watched.others:
            try:
                data = other.read(CHECKPOINT, MAX_NOTE)
                if data is None:
                    continue
                head = signed(data, self._watched.trust, now=self._clock())
                evidence = compare(mine, head, [other, self._copy, self._watched.source])
            except (Untrusted, TryLater) as problem:  # of that other, who is out of reach or shows what is no head
                _log.info("compare", log=self.origin, other=other.name, code=problem.code)
                continue
            if evidence is not None:
                self._accuse(evidence)
                return

    def _accuse(self, evidence: ForkEvidence) -> None:
        """Put a fork on record, and who cosigned both of its pasts."""
        trust = self._watched.trust
        evidence.check(trust)
        document = evidence.encode()
        self._findings.found(self.origin, FORK, "the log signed two pasts", document)
        for name in cosigned_both(evidence, trust):
            self._findings.found(name, SIGNED_BOTH, f"the witness cosigned two pasts of {self.origin}", document)

    def _testify(self, code: str, what: str, facts: Mapping[str, object]) -> None:
        if self._findings.again(self.origin, code):
            return
        known = self._client.remembered()
        document = canonical.encode(
            {
                "v": 1,
                "about": self.origin,
                "code": code,
                "what": what,
                "time": int(self._clock()),
                "source": self._watched.source.name,
                "facts": {name: str(value)[:300] for name, value in facts.items()},
                "known": None if known is None else known.note.encode().decode(),
                "shown": self._shown(),
            }
        )
        self._findings.found(self.origin, code, what, document)

    def _shown(self) -> str | None:
        """What the log shows as its head at this moment, believed or not."""
        try:
            data = self._watched.source.read(CHECKPOINT, MAX_NOTE)
        except (TryLater, Untrusted):
            return None
        return None if data is None else data[:_SHOWN].decode("utf-8", "replace")
