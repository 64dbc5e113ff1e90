"""kill -9 at any step, a disk that is full at any step: nothing acknowledged is lost, nothing false is served."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.ledger import disk
from cyberprivacy.ledger.client import LightClient
from cyberprivacy.ledger.log import FileLedger, LedgerFull
from cyberprivacy.ledger.publisher import CHECKPOINT, Publisher
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.testing.disk import SmallDisk
from cyberprivacy.testing.mortal import count_down, killed_before
from cyberprivacy.testing.witnesses import LOG

NOW = 1_800_000_000


def opened(folder: Path) -> tuple[FileLedger, Publisher]:
    ledger = FileLedger(folder / "ledger.jsonl", clock=lambda: NOW)
    return ledger, Publisher(ledger, folder / "log", signers=[LOG], clock=lambda: NOW)


def work_and_die(folder: Path, steps: int) -> tuple[bool, int]:
    """Append and publish twice in a process that is killed before its step number `steps`.

    Returns whether it was killed, and how many entries it had been told are durable.
    """
    told, tell = os.pipe()

    def work() -> None:
        ledger, public = opened(folder)
        for number in (3, 300):
            ledger.extend([("n", {"n": at}) for at in range(number)])
            os.write(tell, b"x" * number)
            public.publish()

    killed = killed_before(steps, work)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        return killed, len(pipe.read())


def test_killed_before_any_step_it_goes_on_from_what_it_acknowledged(tmp_path: Path) -> None:
    steps, ends = 0, 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)
        killed, acknowledged = work_and_die(folder, steps)
        if not killed:
            break
        ends += 1
        judge_remains(folder, acknowledged)
    assert ends > 50  # there are that many steps, and each was the last one once


def judge_remains(folder: Path, acknowledged: int) -> None:
    """What a stranger sees at once, and what the next start makes of it."""
    public, place = FolderSource(folder / "log" / "public"), folder / "reader"
    ledger, log = opened(folder)
    client = LightClient(log.trust, place, clock=lambda: NOW)
    entries = [entry.encode() for entry in ledger.entries()]
    assert len(entries) >= acknowledged
    if public.read(CHECKPOINT, 1 << 20) is not None:
        reader, head = client.update(public)
        assert list(reader.entries()) == entries[: head.checkpoint.size]
    ledger.append("n", {})  # so that parts of tiles have another size now, and another name
    log.publish()
    reader, _ = client.update(public)  # grew from what was seen before
    assert list(reader.entries())[:-1] == entries
    ledger.close()
    assert not list((folder / "log").rglob(".*.part"))


def full() -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_at_any_step_stops_it_and_loses_nothing(tmp_path: Path) -> None:
    steps, refusals = 0, 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)
        folder.mkdir()
        undo, acknowledged = count_down(steps, full), 0
        ledger: FileLedger | None = None
        try:
            ledger, log = opened(folder)
            for number in (3, 300):
                ledger.extend([("n", {})] * number)
                acknowledged += number
                log.publish()
            done = True
        except LedgerFull:
            done, refusals = False, refusals + 1
        finally:
            undo()
        if ledger is None:
            ledger, log = opened(folder)
        assert ledger.head().size == acknowledged
        log.publish()  # the same process goes on when there is room again
        reader, head = LightClient(log.trust, folder / "reader", clock=lambda: NOW).update(
            FolderSource(log.public)
        )
        assert list(reader.entries()) == [entry.encode() for entry in ledger.entries()]
        assert head.checkpoint.size == acknowledged
        ledger.close()
        if done:
            break
    assert refusals > 30


WORKER = """
import sys, time
from pathlib import Path
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.testing.witnesses import LOG
folder = Path(sys.argv[1])
ledger = FileLedger(folder / "ledger.jsonl", clock=time.time)
log = Publisher(ledger, folder / "log", signers=[LOG], clock=time.time)
while True:
    print(ledger.extend([("n", {"n": at}) for at in range(70)])[-1].index, flush=True)
    log.publish()
"""


def test_killed_in_earnest_again_and_again(tmp_path: Path) -> None:
    for acknowledgements in (1, 4, 9):
        command = [sys.executable, "-c", WORKER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline()) for _ in range(acknowledgements)]
            process.kill()
        judge_remains(tmp_path, told[-1] + 1)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / "disk", 1 << 20) as made:
        yield made


@pytest.mark.engines
def test_a_real_disk_that_fills_up_in_the_middle(small: SmallDisk, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    ledger, log = opened(folder)
    ledger.extend([("kept", {"n": number}) for number in range(500)])
    log.publish()
    small.fill()
    with pytest.raises(LedgerFull):
        ledger.append("refused", {"large": "x" * 9_000})
    with pytest.raises(LedgerFull):
        disk.replace(folder / "log" / "public" / "more", bytes(9_000))
    client = LightClient(log.trust, tmp_path / "reader", clock=lambda: NOW)
    client.update(FolderSource(log.public))
    small.empty()
    ledger.append("after", {})
    log.publish()
    reader, _ = client.update(FolderSource(log.public))
    assert list(reader.entries()) == [entry.encode() for entry in ledger.entries()]
    assert [entry.kind for entry in ledger.entries(500)] == ["after"]
    ledger.close()
