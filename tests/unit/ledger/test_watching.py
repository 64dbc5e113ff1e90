"""What a watcher says of a log that is not as it should be; and nothing else, and nothing twice."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.findings import Findings
from cyberprivacy.ledger.fork import ForkEvidence, NoFork
from cyberprivacy.ledger.log import FileLedger, Head
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.reading import FolderSource, Missing
from cyberprivacy.ledger.shelf import Shelf
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.trust import SKEW, Trust
from cyberprivacy.ledger.watching import SPOT, LogWatch, Watched
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.mortal import killed_before
from cyberprivacy.testing.witnesses import LOG, ORIGIN, PaperLog

NOW = 1_800_000_000
SILENCE = 8
AGE = 600
DATED = Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes([102]) * 32)
"""The second key of the log: it says when it signed."""
TRUST = Trust.of(ORIGIN, [LOG.verifier, DATED.verifier], max_age=AGE)


class Shown:
    """A log as somebody shows it; a `reading.Source`. Every lie is one line."""

    name = "shown"

    def __init__(self, folder: Path, *, fork: int | None = None) -> None:
        self._log, self._folder = PaperLog(fork=fork), folder
        self._shelf = Shelf(folder)
        self.checkpoint: bytes | None = None
        self.change: Callable[[str, bytes | None], bytes | None] = lambda _, data: data

    def grow(self, size: int, *, time: int = NOW, signers: tuple[Signer, ...] = (LOG, DATED)) -> "Shown":
        """Add entries, and show a head over all of them."""
        self._shelf.add(self._log.entry(at) for at in range(self._shelf.size, size))
        self._shelf.flush()
        return self.sign(Head(size, self._shelf.root()), time=time, signers=signers)

    def sign(self, head: Head, *, time: int = NOW, signers: tuple[Signer, ...] = (LOG, DATED)) -> "Shown":
        """Show this head, whatever lies below it."""
        point = Checkpoint(ORIGIN, head.size, head.root)
        self.checkpoint = Note(point.text, tuple(each.sign(point, time=time) for each in signers)).encode()
        return self

    def read(self, path: str, limit: int) -> bytes | None:
        if path == "checkpoint":
            return self.checkpoint
        return self.change(path, FolderSource(self._folder).read(path, limit))


class Place:
    """A watcher with everything that it keeps; `watch()` opens it anew, as after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, StandingClock(NOW)
        self.shown = Shown(folder / "shown")
        self.ledger = FileLedger(folder / "ledger", clock=self.clock)
        self.open()

    def open(self) -> None:
        self.findings = Findings(self.ledger, self.folder / "watch", calm=SILENCE, clock=self.clock)
        watched = Watched(TRUST, self.shown, (), SILENCE)
        self.watch = LogWatch(watched, self.folder / "mirror", self.findings, clock=self.clock)

    def look(self, times: int = 1) -> list[str]:
        """Look, two seconds after the last look; the codes that stand then."""
        for _ in range(times):
            self.clock.sleep(2)
            self.watch.look()
        return [each.code for each in self.findings.of(ORIGIN)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.shown.grow(300)
    assert made.look(2) == []
    yield made
    made.ledger.close()


def older(place: Place) -> None:
    place.shown.sign(PaperLog().head(200).head)


def stale(place: Place) -> None:
    place.shown.grow(310)
    place.clock.now += AGE


def undated(place: Place) -> None:
    place.shown.grow(310, signers=(LOG,))


def ahead(place: Place) -> None:
    """Its clock is so far ahead that what it says of time is not believed: then nobody says when."""
    place.shown.grow(310, time=NOW + SKEW + 100)


def changed_tile(place: Place) -> None:
    place.shown.grow(310)
    place.shown.change = lambda path, data: (
        bytes([data[0] ^ 1]) + data[1:] if data and path.startswith("tile/0/") else data
    )


def changed_root(place: Place) -> None:
    place.shown.grow(310)
    place.shown.sign(Head(310, bytes(32)))


def wrong_size(place: Place) -> None:
    """The head says more entries than there are; the tiles have the wrong widths for it."""
    place.shown.grow(310)
    place.shown.sign(Head(311, PaperLog().head(310).root))


def cut_tile(place: Place) -> None:
    place.shown.grow(310)
    place.shown.change = lambda path, data: data[:-7] if data and path.startswith("tile/0/") else data


def unknown_key(place: Place) -> None:
    place.shown.grow(310, signers=(Signer.of(ORIGIN, Kind.LOG, bytes([77]) * 32),))


def another_log(place: Place) -> None:
    point = Checkpoint("log.example/two", 300, PaperLog().head(300).root)
    place.shown.checkpoint = Note(point.text, (LOG.sign(point, time=NOW),)).encode()


def no_note(place: Place) -> None:
    place.shown.checkpoint = b"<html>\xff"


LIES: dict[str, tuple[Callable[[Place], None], str]] = {
    "rolled back": (older, "log.rollback"),
    "stale checkpoint": (stale, "log.stale"),
    "undated": (undated, "log.undated"),
    "clock skew": (ahead, "log.undated"),
    "changed tile": (changed_tile, "log.root"),
    "truncated tile": (cut_tile, "log.tile"),
    "changed root": (changed_root, "log.root"),
    "unknown key": (unknown_key, "log.unknown-key"),
    "another log": (another_log, "log.origin"),
    "no note": (no_note, "note.form"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_wrong_is_testified_once_and_ends_when_all_has_been_well(place: Place, lie: str) -> None:
    tell, code = LIES[lie]
    tell(place)
    assert place.look(2) == [code]
    place.open()  # a restart forgets nothing, and repeats nothing
    assert place.look() == [code]
    (found,) = place.findings.of(ORIGIN)
    document = json.loads((place.findings.folder / found.evidence).read_bytes())
    assert (document["about"], document["code"], document["source"]) == (ORIGIN, code, "shown")
    assert document["known"].split("\n")[:2] == [ORIGIN, "300"]  # what was signed before, to hold against it
    assert not place.findings.guilty(ORIGIN)
    with pytest.raises(NoFork) as testimony:
        ForkEvidence.parse((place.findings.folder / found.evidence).read_bytes())
    assert (testimony.value.code, testimony.value.facts["said"]) == ("log.testimony", code)
    place.shown.change = lambda _, data: data
    place.shown.grow(320, time=int(place.clock()))
    assert place.look(5) == []
    kinds = [entry.kind for entry in place.ledger.entries()]
    assert (kinds.count("watch.found"), kinds.count("watch.ended")) == (1, 1)


def test_a_head_of_a_wrong_size_leads_nowhere_and_is_not_remembered(place: Place) -> None:
    """Nobody can tell a file that is missing from one that was never there: long enough, and it is silence."""
    wrong_size(place)
    assert set(place.look(6)) <= {"log.silent", "log.root", "log.tile"}
    assert place.findings.of(ORIGIN)
    newest = place.watch.newest()
    assert newest is not None
    assert newest.checkpoint.size == 300


def test_an_old_bundle_that_was_changed_since_is_noticed(place: Place) -> None:
    place.shown.change = lambda path, data: (
        data.replace(b'{"n":7}', b'{"n":8}') if data and "entries" in path else data
    )
    assert "log.bundle" in place.look(SPOT + 1)


def test_silence_is_testified_only_after_four_looks_whatever_the_clock_does(place: Place) -> None:
    def nobody(_path: str, _limit: int) -> bytes | None:
        raise Missing("no answer", code="log.unreachable")

    place.shown.read = nobody  # type: ignore[method-assign]
    place.clock.now += 10_000
    assert place.look(3) == []
    assert place.look() == ["log.silent"]


def test_killed_before_any_step_a_watcher_comes_to_the_same_finding_once(tmp_path: Path) -> None:
    """Honest looks, then a forked past: kill -9 before each step in turn; the next start finds what there is."""
    steps, ends = 0, 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)

        def work(folder: Path = folder) -> None:
            place = Place(folder)
            place.shown.grow(40)
            place.look()
            place.shown = Shown(folder / "other", fork=20).grow(50)
            place.open()
            place.look()

        if not killed_before(steps, work):
            break
        ends += 1
        judge_remains(folder)
    assert ends > 25  # there are that many steps, and each was the last one once


def judge_remains(folder: Path) -> None:
    """After the death: what was found is true, and whoever has seen the first past finds the second."""
    place = Place(folder)
    if place.watch.newest() is None:  # it had seen nothing: there is nothing to hold against a log
        place.shown.grow(40)
        place.look()
    place.shown = Shown(folder / "again", fork=20).grow(50)
    place.open()
    assert place.look(2) == ["log.fork"]
    for path in (folder / "watch").glob("fork-*.json"):
        ForkEvidence.parse(path.read_bytes()).check(TRUST)
    assert [entry.kind for entry in place.ledger.entries()] == ["watch.found"]
    place.ledger.close()
