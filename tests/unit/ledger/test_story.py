"""Anything may happen to a log, its witnesses and its readers, in any order; lists are the judge."""

import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger import disk
from cyberprivacy.ledger.client import LightClient
from cyberprivacy.ledger.log import FileLedger, LedgerFull
from cyberprivacy.ledger.publisher import CHECKPOINT, Publisher
from cyberprivacy.ledger.quorum import NoQuorum
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.testing.witnesses import LOG, Bench

NAMES = ("anna.example", "bert.example", "carl.example")
DAY = 86_400


class Story(RuleBasedStateMachine):
    """The journal is a list of entries; what is served and what a reader knows are lengths of its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder, self.now = Path(self.place.name), 1_800_000_000
        self.bench = Bench(self.folder / "witnesses", NAMES, clock=self.clock)
        self.away: set[str] = set()
        self.journal: list[bytes] = []
        self.acted: list[int] = []
        self.served: int | None = None
        self.served_at, self.lost = 0, False
        self.known: int | None = None
        self.old: list[tuple[int, bytes]] = []  # served before: size, checkpoint
        self.open()

    def clock(self) -> float:
        return self.now

    def open(self) -> None:
        self.ledger = FileLedger(self.folder / "ledger", clock=self.clock)
        quorum = self.bench.quorum(2, deadline=30)
        self.log = Publisher(self.ledger, self.folder / "log", signers=[LOG], clock=self.clock, quorum=quorum)
        trust = self.log.trust
        asked = Trust(trust.origin, trust.log, trust.witnesses, 2, DAY)
        self.client = LightClient(asked, self.folder / "reader", clock=self.clock)

    @property
    def reachable(self) -> int:
        return len(NAMES) - len(self.away)

    def published(self) -> None:
        self.served, self.served_at, self.lost = len(self.journal), self.now, False
        self.old.append((self.served, (self.log.public / CHECKPOINT).read_bytes()))

    @rule(count=st.sampled_from([1, 2, 100, 255, 256]))
    def entries_are_logged(self, count: int) -> None:
        self.journal += [entry.encode() for entry in self.ledger.extend([("n", {"now": self.now})] * count)]

    @rule()
    def it_is_published(self) -> None:
        try:
            self.log.publish()
        except NoQuorum:
            assert self.reachable < 2
            return
        assert self.reachable >= 2
        self.published()

    @rule()
    def somebody_acts(self) -> None:
        try:
            done = self.log.log_before_act("act", {})
        except NoQuorum:
            assert self.reachable < 2
            self.journal.append(next(self.ledger.entries(len(self.journal))).encode())
            return
        self.journal.append(done.entry.encode())
        self.acted.append(done.entry.index)
        self.published()

    @rule(which=st.sampled_from(NAMES))
    def a_witness_is_cut_off_or_comes_back(self, which: str) -> None:
        self.away ^= {which}
        # An answer rather than silence: no test waits for a clock.
        gone = which in self.away
        self.bench.lines[which].disturb = lambda status, body: (403, b"away\n") if gone else (status, body)

    @rule(torn=st.booleans(), lose=st.booleans())
    def it_is_killed_and_started(self, torn: bool, lose: bool) -> None:
        self.ledger.close()
        if torn:
            with (self.folder / "ledger").open("ab") as file:
                file.write(b'{"facts":{"half":')
        if lose:
            shutil.rmtree(self.log.public / "tile", ignore_errors=True)
            self.lost = True  # until it publishes again
        self.open()

    @rule()
    def the_disk_is_full(self) -> None:
        with pytest.MonkeyPatch.context() as broken:

            def full(_file: int) -> None:
                raise OSError(28, "No space left on device")

            broken.setattr(disk.os, "fsync", full)
            with pytest.raises(LedgerFull):
                self.ledger.append("refused", {})
            with pytest.raises(LedgerFull):
                self.log.publish()

    @rule(seconds=st.sampled_from([1, 3600, DAY + 1]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    def code(self) -> str:
        try:
            reader, head = self.client.update(FolderSource(self.log.public))
        except CyberPrivacyError as refusal:
            return refusal.code
        assert list(reader.entries()) == self.journal[: head.checkpoint.size]
        self.known = head.checkpoint.size
        return "believed"

    @rule()
    def somebody_reads(self) -> None:
        code = self.code()
        if code == "log.missing":
            assert self.served is None or self.lost
        elif self.now - self.served_at > DAY:
            assert code == "log.stale"
        else:
            assert code == "believed"
            assert self.known == self.served

    @precondition(lambda self: self.old)
    @rule(which=st.integers(0, 1000))
    def somebody_shows_an_old_head(self, which: int) -> None:
        size, data = self.old[which % len(self.old)]
        path = self.log.public / CHECKPOINT
        now, known = path.read_bytes(), self.known
        path.write_bytes(data)
        code = self.code()
        path.write_bytes(now)
        if known is not None and size < known:
            assert code == "log.rollback"
        else:
            assert code in ("believed", "log.stale", "log.missing")

    @invariant()
    def nothing_acknowledged_is_lost_and_nothing_was_acted_on_unseen(self) -> None:
        assert [entry.encode() for entry in self.ledger.entries()] == self.journal
        assert all(index < (self.served or 0) for index in self.acted)

    def teardown(self) -> None:
        for late in threading.enumerate():
            if late.name.startswith("witness-"):
                late.join()
        self.ledger.close()
        for witness in self.bench.witnesses.values():
            witness.close()
        self.place.cleanup()


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
