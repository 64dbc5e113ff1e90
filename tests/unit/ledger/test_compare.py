"""An honest log is never accused, a forked one is always caught by any two who compare."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cyberprivacy.ledger.findings import Findings
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.log import FileLedger, Head
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.shelf import Shelf
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.ledger.watching import LogWatch, Watched
from cyberprivacy.testing.witnesses import LOG, ORIGIN, PaperLog

NOW = 1_800_000_000
TRUST = Trust.of(ORIGIN, [LOG.verifier])
FORK = 4
"""From this entry on the second past differs from the first."""


class Shown:
    """What the log shows to one watcher: either of its two pasts, at any size; a `reading.Source`."""

    name = "shown"

    def __init__(self, folder: Path) -> None:
        self._logs = (PaperLog(), PaperLog(fork=FORK))
        self._folders = (folder / "one", folder / "two")
        self._shelves = tuple(Shelf(each) for each in self._folders)
        self.past, self.size = 0, 0

    def show(self, past: int, size: int) -> None:
        shelf, log = self._shelves[past], self._logs[past]
        shelf.add(log.entry(at) for at in range(shelf.size, size))
        shelf.flush()
        self.past, self.size = past, size

    def read(self, path: str, limit: int) -> bytes | None:
        if path == "checkpoint":
            return self._logs[self.past].note(self.size).encode()
        return FolderSource(self._folders[self.past]).read(path, limit)


class Watchers(RuleBasedStateMachine):
    """Two watchers; the model knows what each has been shown."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = tempfile.TemporaryDirectory()
        folder = Path(self._kept.name)
        self.shown = [Shown(folder / f"shown-{each}") for each in range(2)]
        self.seen: list[list[tuple[int, int]]] = [[], []]
        self.ledgers = [FileLedger(folder / f"ledger-{each}", clock=lambda: NOW) for each in range(2)]
        self.findings = [
            Findings(ledger, folder / f"watch-{each}", calm=600, clock=lambda: NOW)
            for each, ledger in enumerate(self.ledgers)
        ]
        mirrors = [folder / f"mirror-{each}" for each in range(2)]
        self.watches = [
            LogWatch(
                Watched(TRUST, self.shown[each], (FolderSource(mirrors[1 - each]),), 600),
                mirrors[each],
                self.findings[each],
                clock=lambda: NOW,
            )
            for each in range(2)
        ]

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        self._kept.cleanup()

    @rule(who=st.integers(0, 1), past=st.integers(0, 1), more=st.integers(0, 9))
    def the_log_grows_and_somebody_looks(self, who: int, past: int, more: int) -> None:
        size = max([size for _, size in self.seen[who]], default=1) + more
        self.shown[who].show(past, size)
        self.watches[who].look()
        self.seen[who].append((past, size))

    @rule(who=st.integers(0, 1))
    def somebody_looks_again(self, who: int) -> None:
        if self.seen[who]:
            self.watches[who].look()

    @invariant()
    def only_a_fork_is_proven_and_a_fork_is_always_proven(self) -> None:
        pasts = {past if size > FORK else -1 for seen in self.seen for past, size in seen} - {-1}
        forked = len(pasts) == 2
        for finder in self.findings:
            for found in finder.of(ORIGIN):
                assert forked, found
                if found.code == "log.fork":
                    ForkEvidence.parse((finder.folder / found.evidence).read_bytes()).check(TRUST)
        if forked and all(self.seen):
            for watch in self.watches:
                watch.look()
            assert any(finder.guilty(ORIGIN) for finder in self.findings)


Watchers.TestCase.settings = settings(max_examples=15, stateful_step_count=8, deadline=None)
TestWatchers = Watchers.TestCase


def test_a_head_that_is_no_note_of_this_log_accuses_nobody(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "ledger", clock=lambda: NOW)
    found = Findings(ledger, tmp_path / "watch", calm=600, clock=lambda: NOW)
    shown = Shown(tmp_path / "shown")
    shown.show(0, 9)
    watch = LogWatch(Watched(TRUST, shown, (), 600), tmp_path / "mirror", found, clock=lambda: NOW)
    watch.consider(b"before the first look")
    watch.look()
    head = PaperLog(fork=FORK).head(9)
    for data in (b"", b"<html>", PaperLog().note(5).encode(), Note(head.text, ()).encode()):
        watch.consider(data)
    assert found.all() == ()
    assert head.head != Head(9, PaperLog().head(9).root)
    watch.consider(PaperLog(fork=FORK).note(9).encode())
    assert found.guilty(ORIGIN)
    ledger.close()
