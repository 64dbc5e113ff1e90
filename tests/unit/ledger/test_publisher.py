"""What is served is what the journal says; what a quorum has not seen is not acted on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.log import Entry, FileLedger, LedgerDamaged
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.proofs import ProofRefused
from cyberprivacy.ledger.publisher import CHECKPOINT, REFRESH, Publisher
from cyberprivacy.ledger.quorum import NoQuorum, Quorum
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.trust import BadHead, judge
from cyberprivacy.ledger.witnessed import WitnessedEntry, witnessed
from cyberprivacy.testing.witnesses import LOG, ORIGIN, Bench, PaperLog

NOW = 1_800_000_000
NAMES = ("anna.example", "bert.example", "carl.example")


class Place:
    """A node's ledger, its public log, and three witnesses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.bench = Bench(folder / "witnesses", NAMES, clock=self.clock)
        self.open(self.bench.quorum(2))

    def clock(self) -> float:
        return self.now

    def open(self, quorum: Quorum | None) -> None:
        self.ledger = FileLedger(self.folder / "ledger.jsonl", clock=self.clock)
        self.publisher = Publisher(
            self.ledger, self.folder / "log", signers=[LOG], clock=self.clock, quorum=quorum
        )

    def restart(self, quorum: Quorum | None = None) -> None:
        self.ledger.close()
        self.open(quorum or self.bench.quorum(2))

    def served(self) -> bytes:
        return (self.publisher.public / CHECKPOINT).read_bytes()

    def read(self) -> list[bytes]:
        """Everything, as a stranger reads it."""
        head = judge(self.served(), self.publisher.trust, now=self.now)
        return list(LogReader(FolderSource(self.publisher.public), head.checkpoint.head).entries())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def test_what_is_served_is_the_journal_and_a_quorum_has_seen_it(place: Place) -> None:
    entries: list[Entry] = []
    for number in (0, 1, 300, 0, 211):
        entries += place.ledger.extend([("n", {"n": at}) for at in range(number)])
        seen = place.publisher.publish()
        assert len(seen.witnesses) >= 2
        assert place.read() == [entry.encode() for entry in entries]
    place.restart()
    place.publisher.publish()
    assert place.read() == [entry.encode() for entry in entries]


def test_an_entry_is_witnessed_before_anybody_acts_on_it(place: Place) -> None:
    place.ledger.extend([("before", {})] * 5)
    done = place.publisher.log_before_act("admin.parameter", {"name": "limit", "value": 3})
    assert (done.entry.index, done.entry.kind) == (5, "admin.parameter")
    assert len(done.witnesses) == 2
    again = witnessed(done.entry, done.proof, done.note, place.publisher.trust, now=NOW)
    assert again == done
    assert done.entry.encode() in place.read()


def test_a_witnessed_entry_cannot_be_made_from_less(place: Place) -> None:
    done = place.publisher.log_before_act("real", {})
    trust = place.publisher.trust
    other = Entry(done.entry.index, done.entry.time, "other", {})
    with pytest.raises(ProofRefused):
        witnessed(other, done.proof, done.note, trust, now=NOW)
    alone = Note(Note.parse(done.note).text, Note.parse(done.note).signatures[:2]).encode()
    with pytest.raises(BadHead) as refusal:
        witnessed(done.entry, done.proof, alone, trust, now=NOW)
    assert refusal.value.code == "log.quorum"
    with pytest.raises(Misuse) as forged:
        WitnessedEntry(entry=other, proof=(), note=b"", witnesses=NAMES, quorum=2, seal=object())
    assert forged.value.code == "seal.forged"


def test_a_log_that_asks_nobody_says_so_in_each_entry(place: Place) -> None:
    place.ledger.close()
    place.open(None)
    done = place.publisher.log_before_act("alone", {})
    assert (done.quorum, done.witnesses) == (0, ())
    assert done.entry.encode() in place.read()


Disturb = Callable[[int, bytes], tuple[int, bytes]]
REFUSALS: dict[str, tuple[Disturb, str]] = {
    "says no": (lambda _status, _body: (403, b"not you\n"), "403 not you"),
    "signs nothing": (lambda _status, _body: (200, b""), "no cosignature"),
    "signs garbage": (lambda _status, _body: (200, b"\xff\n"), "not a line"),
    "signs another head": (lambda status, body: (status, body[:-12] + b"AAAAAAAAAAA=\n"), ""),
    "knows more than we": (lambda _status, _body: (409, b"99999\n"), "rolled back"),
    "knows no number": (lambda _status, _body: (409, b"many\n"), "does not say"),
    "turns in circles": (lambda _status, _body: (409, b"0\n"), "does not say"),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_witness_that_refuses_is_named_and_the_others_are_enough(place: Place, how: str) -> None:
    disturb, why = REFUSALS[how]
    place.ledger.append("n", {})
    place.bench.lines["bert.example"].disturb = disturb
    assert len(place.publisher.publish().witnesses) == 2
    place.ledger.append("n", {})
    place.bench.lines["carl.example"].disturb = disturb
    before = place.served()
    with pytest.raises(NoQuorum) as refusal:
        place.publisher.publish()
    assert (refusal.value.facts["cosigned"], refusal.value.exit_code) == (1, 3)
    assert "bert.example" in str(refusal.value.facts["refused"])
    assert why in str(refusal.value.facts["refused"])
    assert place.served() == before


def test_when_the_quorum_is_out_of_reach_nothing_is_acted_on_and_nothing_is_lost(place: Place) -> None:
    first = place.publisher.log_before_act("first", {})
    for name in NAMES[1:]:
        place.bench.lines[name].cut = True
    place.restart(place.bench.quorum(2, deadline=0.5))
    before = place.served()
    with pytest.raises(NoQuorum) as refusal:
        place.publisher.log_before_act("second", {})
    assert (refusal.value.code, refusal.value.exit_code) == ("ledger.quorum", 3)
    assert place.served() == before
    for name in NAMES:
        place.bench.lines[name].cut = False
    third = place.publisher.log_before_act("third", {})
    assert [entry.kind for entry in place.ledger.entries()] == ["first", "second", "third"]
    assert (first.entry.index, third.entry.index) == (0, 2)


def test_a_witness_with_a_wrong_clock_does_not_count(place: Place) -> None:
    place.ledger.append("n", {})
    slow = Bench(place.folder / "slow", NAMES, clock=lambda: NOW + 9_999)
    place.restart(Quorum({**place.bench.lines, NAMES[0]: slow.lines[NAMES[0]]}, place.bench.keys, needed=3))
    with pytest.raises(NoQuorum) as refusal:
        place.publisher.publish()
    assert "clock" in str(refusal.value.facts["refused"])


def test_a_journal_that_was_rolled_back_is_never_signed_again(place: Place) -> None:
    place.ledger.extend([("n", {})] * 4)
    backup = (place.folder / "ledger.jsonl").read_bytes()
    place.ledger.extend([("n", {})] * 4)
    place.publisher.publish()
    place.ledger.close()
    (place.folder / "ledger.jsonl").write_bytes(backup)
    place.open(place.bench.quorum(2))
    with pytest.raises(LedgerDamaged) as refusal:
        place.publisher.publish()
    assert refusal.value.code in ("ledger.rolled-back", "ledger.tile")
    place.ledger.extend([("other", {})] * 9)
    with pytest.raises(LedgerDamaged):
        place.publisher.publish()
    place.restart()
    with pytest.raises(LedgerDamaged):
        place.publisher.publish()


def test_a_log_that_lost_its_own_memory_is_told_by_its_witnesses(place: Place) -> None:
    place.ledger.extend([("n", {})] * 4)
    place.publisher.publish()
    for path in ("ledger.jsonl", "log/signed-head"):
        (place.folder / path).unlink()
    for path in sorted((place.folder / "log").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    place.restart()
    place.ledger.extend([("other", {})] * 2)
    with pytest.raises(NoQuorum) as shorter:
        place.publisher.publish()
    assert "rolled back" in str(shorter.value.facts["refused"])
    place.ledger.extend([("other", {})] * 9)
    with pytest.raises(NoQuorum) as longer:
        place.publisher.publish()
    assert "422" in str(longer.value.facts["refused"])


def test_it_is_due_when_something_is_new_or_the_head_grows_old(place: Place) -> None:
    assert place.publisher.due()
    place.publisher.publish()
    assert not place.publisher.due()
    place.ledger.append("n", {})
    assert place.publisher.due()
    place.publisher.publish()
    place.now += REFRESH
    assert place.publisher.due()
    old = place.served()
    place.publisher.publish()
    assert place.served() != old


def test_a_log_has_its_keys_and_a_quorum_its_witnesses(place: Place) -> None:
    for signers in ([], [Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes(32))]):
        with pytest.raises(Misuse):
            Publisher(place.ledger, place.folder / "x", signers=signers, clock=place.clock)
    for needed in (0, 4):
        with pytest.raises(Misuse) as refusal:
            place.bench.quorum(needed)
        assert refusal.value.code == "ledger.witnesses"


def test_the_paper_log_of_these_tests_is_a_log() -> None:
    assert PaperLog().head(5).root != PaperLog(fork=4).head(5).root
    assert PaperLog().head(4).root == PaperLog(fork=4).head(4).root
