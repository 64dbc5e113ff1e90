"""Copies on disk survive everything, or are as good as none."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberprivacy.attest.collateral.cache import (
    ABANDONED,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_PENANCE,
    Cache,
    CacheUnusable,
    Copy,
)
from cyberprivacy.errors import TryLater
from cyberprivacy.testing.clock import StandingClock

URL = "https://vendor.example/table"
COPY = Copy(b"\x00\xff body", b"chain", 1_800_000_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def the_file(folder: Path) -> Path:
    (found,) = folder.glob("*.copy")
    return found


def test_a_copy_is_what_was_kept(folder: Path) -> None:
    cache = Cache(folder)
    assert cache.read(URL) is None
    cache.write(URL, Copy(b"old", b"", 1))
    cache.write(URL, COPY)
    assert cache.read(URL) == Cache(folder).read(URL) == COPY
    assert cache.read(URL + "?") is None
    assert the_file(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@given(st.integers(0, 1 << 16), st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_damaged_copy_is_none(folder: Path, place: int, bit: int) -> None:
    cache = Cache(folder)
    cache.write(URL, COPY)
    data = bytearray(the_file(folder).read_bytes())
    data[place % len(data)] ^= 1 << bit
    the_file(folder).write_bytes(data)
    assert cache.read(URL) is None


@pytest.mark.parametrize("data", [b"", b"\n", b"0" * (MAX_FILE + 1), b"\xff" * 100])
def test_nonsense_is_no_copy(folder: Path, data: bytes) -> None:
    cache = Cache(folder)
    cache.write(URL, COPY)
    the_file(folder).write_bytes(data)
    assert cache.read(URL) is None


def test_a_copy_of_something_else_is_none(folder: Path) -> None:
    cache = Cache(folder)
    cache.write(URL, COPY)
    data = the_file(folder).read_bytes()
    cache.write(URL + "2", COPY)
    for file in folder.glob("*.copy"):
        file.write_bytes(data)
    assert cache.read(URL + "2") is None


WRITER = """
import sys
from pathlib import Path
from cyberprivacy.attest.collateral.cache import Cache, Copy
cache, number = Cache(Path(sys.argv[1])), 0
while True:
    number += 1
    cache.write(sys.argv[2], Copy(bytes([number % 256]) * 100_000, b"", number))
    if number == 3:
        print("going", flush=True)
"""


def test_a_writer_that_is_killed_leaves_an_old_copy_or_a_new_one(folder: Path) -> None:
    for delay in (0.0, 0.003, 0.007, 0.02):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), URL], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"going\n"
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        copy = Cache(folder).read(URL)
        assert copy is not None
        assert copy.body == bytes([copy.at % 256]) * 100_000


def test_what_a_killed_writer_left_unfinished_is_removed_in_time(folder: Path) -> None:
    cache = Cache(folder)
    cache.write(URL, COPY)
    for name, age in ((".new-old", ABANDONED + 60), (".new-young", 0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    cache.write(URL, COPY)
    assert sorted(path.name for path in folder.glob(".new-*")) == [".new-young"]


def test_there_are_never_too_many_copies(folder: Path) -> None:
    cache = Cache(folder)
    cache.write(URL, COPY)
    os.utime(the_file(folder), (1, 1))
    for number in range(MAX_ENTRIES - 1):
        (folder / f"{number:064}.copy").write_bytes(b"")
    cache.write(URL + "new", COPY)
    assert len(list(folder.glob("*.copy"))) == MAX_ENTRIES
    assert cache.read(URL) is None
    assert cache.read(URL + "new") == COPY


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file" / "cache")
    assert cache.read(URL) is None
    with pytest.raises(CacheUnusable) as refusal:
        cache.write(URL, COPY)
    assert refusal.value.code == "collateral.cache"
    with pytest.raises(CacheUnusable), cache.queue("host", patience=1):
        pass


def test_one_at_a_time_asks_a_host_and_others_are_told(folder: Path) -> None:
    cache = Cache(folder)
    with cache.queue("host", patience=1), cache.queue("another", patience=0):
        with pytest.raises(TryLater) as refusal, Cache(folder).queue("host", patience=0.1):
            pass
        assert refusal.value.code == "collateral.queue"
    with cache.queue("host", patience=0):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from cyberprivacy.attest.collateral.cache import Cache
with Cache(Path(sys.argv[1])).queue("host", patience=1) as queue:
    queue.leave_alone(50)
    print("holding", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_gives_up_its_place_and_what_it_learnt_stays(folder: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"holding\n"
    threading.Timer(0.2, holder.kill).start()
    with Cache(folder).queue("host", patience=20) as queue:
        assert 40 < queue.until - time.time() < 52
    holder.wait()
    holder.stdout.close()


@pytest.mark.parametrize("text", [b"", b"x", b"99999999999999999999", b"-1", b"\xff" * 30])
def test_a_damaged_memory_of_a_busy_host_never_locks_it_out(folder: Path, text: bytes) -> None:
    clock = StandingClock(1000.0)
    cache = Cache(folder, clock=clock)
    with cache.queue("host", patience=1):
        (file,) = folder.glob("*.queue")
    file.write_bytes(text)
    with cache.queue("host", patience=1) as queue:
        assert queue.until <= 1000 + MAX_PENANCE
