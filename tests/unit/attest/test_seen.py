"""Evidence is accepted once, whoever asks, and however they die in between."""

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest import seen as room
from cyberprivacy.attest.policy import MAX_SKEW
from cyberprivacy.attest.seen import BadMemory, FileMemory, FullMemory, ProcessMemory, admit, decode, encode
from cyberprivacy.errors import Misuse, TryLater, Untrusted

NOW = 1_800_000_000
NAMES = [sha256(bytes((number,))).digest() for number in range(8)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9_000), st.integers(0, 3_000)), max_size=40))
def test_no_valid_evidence_is_accepted_twice(visits: list[tuple[int, int, int]]) -> None:
    """Held against a reference that forgets nothing; time only goes on."""
    memory, accepted, now = ProcessMemory(), dict[bytes, int](), NOW
    for number, lifetime, step in visits:
        now += step
        name, until = NAMES[number], now + lifetime
        new = memory.first(name, until=until, now=now)
        remembered = name in accepted and accepted[name] + MAX_SKEW >= now
        assert new is not remembered
        if new:
            accepted[name] = until


@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.integers(0, (1 << 40) - 1), max_size=20))
def test_what_is_written_is_what_is_read(seen: dict[bytes, int]) -> None:
    assert decode(encode(seen)) == seen


@given(st.binary(max_size=200))
def test_bytes_that_are_no_memory_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Untrusted):
        decode(data)


def test_a_full_memory_refuses_instead_of_forgetting() -> None:
    memory = ProcessMemory(capacity=2)
    assert all(memory.first(name, until=NOW + 10, now=NOW) for name in NAMES[:2])
    with pytest.raises(FullMemory):
        memory.first(NAMES[2], until=NOW + 10, now=NOW)
    assert not memory.first(NAMES[0], until=NOW + 10, now=NOW)
    assert memory.first(NAMES[2], until=NOW + 9_000, now=NOW + 11 + MAX_SKEW)


@pytest.mark.parametrize(("name", "until"), [(b"", NOW), (bytes(31), NOW), (bytes(32), -1), (bytes(32), 1 << 40)])
def test_what_has_no_name_is_not_remembered(name: bytes, until: int) -> None:
    with pytest.raises(Misuse):
        admit({}, name, until=until, now=NOW)


def test_a_file_remembers_for_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "seen.json"
    assert FileMemory(file).first(NAMES[0], until=NOW, now=NOW)
    assert not FileMemory(file).first(NAMES[0], until=NOW, now=NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["seen.json", "seen.json.lock"]


ASK = f"""
import sys
from pathlib import Path
from cyberprivacy.attest.seen import FileMemory
first = FileMemory(Path(sys.argv[1])).first(bytes.fromhex(sys.argv[2]), until={NOW}, now={NOW})
print(first, end="")
"""


def _first(path: str, number: int) -> bool:
    return FileMemory(Path(path)).first(NAMES[number], until=NOW, now=NOW)


def test_of_many_that_ask_at_once_exactly_one_is_told_yes(tmp_path: Path) -> None:
    file = str(tmp_path / "seen.json")
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: _first(file, 0), range(16))) == 1
    words = [sys.executable, "-c", ASK, file, NAMES[1].hex()]
    asking = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(each.communicate(timeout=60)[0] for each in asking) == ["False", "False", "True"]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"seen":{"00":1},"v":1}', b'{"seen":{},"v":2}', b"x" * (3 << 20)])
def test_a_damaged_file_accepts_nothing(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "seen.json"
    file.write_bytes(data)
    with pytest.raises(BadMemory):
        FileMemory(file).first(NAMES[0], until=NOW, now=NOW)
    assert file.read_bytes() == data


def test_half_a_write_is_never_the_memory(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves its half beside the file, and has not answered."""
    file = tmp_path / "seen.json"
    FileMemory(file).first(NAMES[0], until=NOW, now=NOW)
    (tmp_path / "seen.json.new").write_bytes(b'{"seen":{')
    assert not FileMemory(file).first(NAMES[0], until=NOW, now=NOW)
    assert FileMemory(file).first(NAMES[1], until=NOW, now=NOW)


def test_a_folder_that_cannot_be_written_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TryLater) as error:
        FileMemory(tmp_path / "none" / "seen.json").first(NAMES[0], until=NOW, now=NOW)
    assert error.value.code == "seen.file"


def test_a_process_that_keeps_the_file_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PATIENCE", 0.05)
    lock = os.open(tmp_path / "seen.json.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(TryLater) as error:
        FileMemory(tmp_path / "seen.json").first(NAMES[0], until=NOW, now=NOW)
    assert error.value.code == "seen.busy"
    os.close(lock)
