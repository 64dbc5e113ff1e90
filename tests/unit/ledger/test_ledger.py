"""The ledger keeps what it accepted and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.ledger.log import FileLedger, LedgerDamaged, LedgerFull, LedgerTaken
from cyberprivacy.ledger.merkle import Tree


def naive_root(entries: list[bytes]) -> bytes:
    """The recursion of RFC 6962 section 2.1, as the judge."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()


@given(st.lists(st.binary(max_size=20), max_size=70))
def test_the_head_is_the_root_that_rfc_6962_defines(entries: list[bytes]) -> None:
    tree = Tree()
    for entry in entries:
        tree.add(entry)
    assert (tree.size, tree.root()) == (len(entries), naive_root(entries))


def open_ledger(folder: Path) -> FileLedger:
    return FileLedger(folder / "log", clock=lambda: 1_800_000_000.9)


def test_what_was_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    first = open_ledger(tmp_path)
    first.append("release.fetched", {"bundle": "b1"})
    first.append("release.built", {"images": {"web": "sha256:00"}})
    first.close()
    again = open_ledger(tmp_path)
    assert list(again.entries()) == list(first.entries())
    assert again.head() == first.head()
    assert again.append("x", {}).index == 2


def test_entries_are_read_from_any_place_and_those_that_come_meanwhile_later(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    assert list(ledger.lines()) == list(ledger.lines(7)) == []
    ledger.extend([("n", {"n": number, "text": "ä" * number}) for number in range(5)])
    for start in range(7):
        assert [entry.index for entry in ledger.entries(start)] == list(range(start, 5))
        assert list(ledger.lines(start)) == [entry.encode() for entry in ledger.entries(start)]
    some = ledger.entries(3)
    assert next(some).index == 3
    ledger.append("later", {})
    assert [entry.index for entry in some] == [4]
    largest = ledger.append("large", {"text": "x" * 65_400})
    assert list(ledger.entries(6)) == [largest]
    assert ledger.extend([]) == []


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_cut_short_by_a_crash_was_never_accepted(tmp_path: Path, cut: int) -> None:
    ledger = open_ledger(tmp_path)
    ledger.append("kept", {})
    head = ledger.head()
    ledger.append("lost", {"some": "facts, long enough to be cut in many places"})
    ledger.close()
    os.truncate(tmp_path / "log", (tmp_path / "log").stat().st_size - cut)
    again = open_ledger(tmp_path)
    assert [entry.kind for entry in again.entries()] == ["kept"]
    assert again.head() == head


@pytest.mark.parametrize("at", [0, 10, 40, 60])
def test_a_changed_byte_is_refused(tmp_path: Path, at: int) -> None:
    ledger = open_ledger(tmp_path)
    ledger.append("first", {"n": 1})
    ledger.append("second", {})
    ledger.close()
    data = bytearray((tmp_path / "log").read_bytes())
    data[at] ^= 0x80
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(LedgerDamaged) as refusal:
        open_ledger(tmp_path)
    assert refusal.value.code == "ledger.damaged"


def test_two_entries_swapped_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.append("first", {})
    ledger.append("second", {})
    ledger.close()
    lines = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    (tmp_path / "log").write_bytes(lines[1] + lines[0])
    with pytest.raises(LedgerDamaged):
        open_ledger(tmp_path)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of two pages."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.engines
def test_a_full_disk_accepts_nothing_and_loses_nothing(tiny_disk: Path) -> None:
    ledger = open_ledger(tiny_disk)
    ledger.append("kept", {})
    (tiny_disk / "ballast").write_bytes(bytes(4096))
    with pytest.raises(LedgerFull) as refusal:
        ledger.append("refused", {"large": "x" * 6000})
    assert refusal.value.exit_code == 3
    (tiny_disk / "ballast").unlink()
    ledger.append("after", {})
    ledger.close()
    again = open_ledger(tiny_disk)
    assert [entry.kind for entry in again.entries()] == ["kept", "after"]
    again.close()


WRITER = """
import sys, time
from pathlib import Path
from cyberprivacy.ledger.log import FileLedger
ledger = FileLedger(Path(sys.argv[1]), clock=time.time)
ledger.append("kept", {})
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the ledger open until it is killed."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield process
        process.kill()


def test_a_ledger_has_one_writer_and_a_second_changes_nothing(
    writer: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert writer.poll() is None
    with (tmp_path / "log").open("ab") as half:
        half.write(b'{"facts":{}')  # what the other is just writing looks torn to anybody else
    before = (tmp_path / "log").read_bytes()  # who only reads is not kept out
    with pytest.raises(LedgerTaken) as refusal:
        open_ledger(tmp_path)
    assert (refusal.value.code, refusal.value.exit_code) == ("ledger.taken", 3)
    assert (tmp_path / "log").read_bytes() == before


def test_a_writer_that_was_killed_holds_nothing(writer: subprocess.Popen[bytes], tmp_path: Path) -> None:
    writer.kill()
    writer.wait()
    assert [entry.kind for entry in open_ledger(tmp_path).entries()] == ["kept"]


def test_a_ledger_that_is_refused_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"nonsense\n")
    for _ in range(2):
        with pytest.raises(LedgerDamaged):
            open_ledger(tmp_path)
