"""Where a journey stands: the steps that one DAO's release has taken, remembered in the ledger.

The journal has no file of its own. What the public may read is what the node itself goes by, so the two
cannot differ.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import Entry, Ledger
from cyberprivacy.node.past import Past
from cyberprivacy.proposal.release import Address, ApprovedRelease

STOPPED: Final = "release.stopped"
FAILED: Final = "release.failed"
_MOST_TEXT: Final = 1_000
"""Characters of a failure's description; it may repeat what a stranger said."""

_log = structlog.get_logger("node")


class Journal:
    """The part of the ledger that is about one DAO. Threads may share it."""

    def __init__(self, ledger: Ledger, dao: Address, past: Past) -> None:
        self._ledger, self._dao = ledger, dao
        self._last: dict[str, Entry] = {}
        self._turn = threading.RLock()  # an entry is compared with the last one, and then appended
        self.doing = ""
        for entry in past.steps:
            self._note(entry)

    def did(self, kind: str, release: ApprovedRelease, facts: Mapping[str, object]) -> None:
        """Remember that a step was taken; once, however often the step is taken again."""
        everything = {"dao": self._dao, "bundle": str(release.bundle), "release": release.number, **facts}
        self._append_new(kind, everything)

    def has(self, kind: str, release: ApprovedRelease, **facts: object) -> bool:
        """Whether this step was last remembered for this release, with these facts, since the last stop."""
        last = self._last.get(kind)
        return last is not None and {**last.facts, "bundle": str(release.bundle), **facts} == last.facts

    def failed(self, release: ApprovedRelease, error: CyberPrivacyError) -> None:
        """Remember a failure; the same again is not a second one."""
        facts = {"dao": self._dao, "bundle": str(release.bundle), "release": release.number}
        what = error.what[:_MOST_TEXT].encode(errors="backslashreplace").decode()
        facts |= {"step": self.doing, "code": error.code, "what": what}
        self._append_new(FAILED, facts)

    def stopped(self, why: str) -> None:
        """Remember that nothing of this DAO is served any more, and why; once."""
        with self._turn:
            if STOPPED not in self._last:
                self._append(STOPPED, {"dao": self._dao, "why": why})

    @contextmanager
    def step(self, name: str, release: ApprovedRelease) -> Iterator[None]:
        """Name what is being done, for `node status` and for the record of a failure."""
        self.doing = name
        _log.info("step", step=name, dao=self._dao, bundle=str(release.bundle))
        yield

    def _append_new(self, kind: str, facts: Mapping[str, object]) -> None:
        with self._turn:
            last = self._last.get(kind)
            if last is None or dict(last.facts) != facts:
                self._append(kind, facts)

    def _append(self, kind: str, facts: Mapping[str, object]) -> None:
        self._note(self._ledger.append(kind, facts))

    def _note(self, entry: Entry) -> None:
        if entry.kind == STOPPED:
            self._last.clear()  # after a stop every step counts anew
        else:
            self._last.pop(STOPPED, None)
        self._last[entry.kind] = entry
