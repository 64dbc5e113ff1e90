"""What a node tells of its machine's chassis, with a real software TPM: once, in a log that people can read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cyberprivacy.attest import tpmcounter
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmchassis import COUNTER, RECORD, Told
from cyberprivacy.attest.tpmcommands import OWNER, Tpm
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.chassis import FORGOTTEN, OPENED, WATCHED, chassis_duty, record_chassis

pytestmark = pytest.mark.engines

ONE, TWO = bytes([1]) * 32, bytes([2]) * 32
UNDEFINE = 0x122
"""TPM2_NV_UndefineSpace, which whoever starts other software on the machine can send."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SoftwareTpm]:
    made = SoftwareTpm(tmp_path / "chip")
    yield made
    made.close()


@pytest.fixture
def tpm(engine: SoftwareTpm) -> Tpm:
    return Tpm(engine)


def log(path: Path) -> FileLedger:
    return FileLedger(path, clock=lambda: 1_800_000_000)


def start(path: Path, tpm: Tpm, node: bytes = ONE, *, public: bool = True) -> list[tuple[str, dict[str, object]]]:
    """One start of a node; what its log then says. `public`: its entries were published, so that the TPM is told."""
    ledger = log(path)
    telling = record_chassis(ledger, tpm, node)
    if public and telling.told is not None:
        telling.told.write(tpm)
    said = [(entry.kind, dict(entry.facts)) for entry in ledger.entries()]
    ledger.close()
    return said


def opens(tpm: Tpm) -> None:
    """What the first process does in the end."""
    tpmcounter.count(tpm, COUNTER)


def test_the_first_start_says_that_it_watches_and_the_next_ones_nothing(tmp_path: Path, tpm: Tpm) -> None:
    (kind, facts), *more = start(tmp_path / "log", tpm)
    assert (kind, facts["openings"], more) == (WATCHED, 0, [])
    assert len(start(tmp_path / "log", tpm)) == 1


def test_an_opening_is_told_once(tmp_path: Path, tpm: Tpm) -> None:
    ((_, facts),) = start(tmp_path / "log", tpm)
    before = facts["counter"]
    assert isinstance(before, int)
    opens(tpm)
    told = {"counter": before + 1, "before": before, "openings": 1, "toldBy": f"0x{ONE.hex()}"}
    assert start(tmp_path / "log", tpm)[1:] == [(OPENED, told)]
    assert len(start(tmp_path / "log", tpm)) == 2


def test_a_log_that_began_after_it_tells_it_and_names_who_told_before(tmp_path: Path, tpm: Tpm) -> None:
    """The log before is gone with its key."""
    start(tmp_path / "gone", tpm, ONE)
    opens(tpm)
    ((kind, facts),) = start(tmp_path / "new", tpm, TWO)
    assert (kind, facts["openings"], facts["toldBy"]) == (OPENED, 1, f"0x{ONE.hex()}")
    ((kind, facts),) = start(tmp_path / "newer", tpm, TWO)
    assert (kind, facts["openings"]) == (WATCHED, 1)


def test_what_was_not_public_is_told_again(tmp_path: Path, tpm: Tpm) -> None:
    start(tmp_path / "gone", tpm)
    opens(tpm)
    for name in ("unseen", "seen"):
        assert [kind for kind, _ in start(tmp_path / name, tpm, public=name == "seen")] == [OPENED]
    assert [kind for kind, _ in start(tmp_path / "after", tpm)] == [WATCHED]


def test_who_takes_the_counter_away_cannot_bring_it_back_to_where_it_was(tmp_path: Path, tpm: Tpm) -> None:
    start(tmp_path / "log", tpm)
    opens(tpm)
    tpm.command(UNDEFINE, (OWNER, COUNTER), b"")
    assert start(tmp_path / "log", tpm)[1][0] == OPENED


def test_who_takes_away_what_was_told_is_seen_in_a_log_that_was_kept(tmp_path: Path, tpm: Tpm) -> None:
    ((_, facts),) = start(tmp_path / "log", tpm)
    tpm.command(UNDEFINE, (OWNER, RECORD), b"")
    assert start(tmp_path / "log", tpm)[1:] == [(FORGOTTEN, facts)]
    assert len(start(tmp_path / "log", tpm)) == 2


def test_the_tpm_is_told_when_the_entry_is_public_and_not_before(
    tmp_path: Path, engine: SoftwareTpm, tpm: Tpm
) -> None:
    ledger, stop, closed = log(tmp_path / "log"), threading.Event(), threading.Semaphore(0)
    sizes, seen = iter([0, 0, 1]), []

    @contextmanager
    def opened() -> Iterator[SoftwareTpm]:
        yield engine
        closed.release()

    def public() -> int:
        seen.append(Told.read(tpm))
        return next(sizes)

    thread = threading.Thread(target=chassis_duty(ledger, ONE, public, opened=opened, pause=0.01), args=(stop,))
    thread.start()
    assert closed.acquire(timeout=10)  # it has compared
    assert closed.acquire(timeout=10)  # it has told
    stop.set()
    thread.join(10)
    ledger.close()
    told = Told.read(tpm)
    assert seen == [None] * 3
    assert told is not None
    assert (told.node, told.openings) == (ONE, 0)
