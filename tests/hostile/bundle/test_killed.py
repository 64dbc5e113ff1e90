"""A fetch that is killed at any line leaves a store that still works and nothing half."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.cid import Cid
from cyberprivacy.testing.blocks import MemoryBlocks

CHILD = """
import io, os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks

source, work, graphs, fatal = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "graphs", int(sys.argv[4])
blocks = TreeBlocks(source)
lines = 0

class Whole:
    name = "whole"
    find = staticmethod(blocks.find)
    @contextmanager
    def car(self, cid):
        yield io.BytesIO(b"".join(car.write(cid, graph.blocks(cid, blocks.find))))

def step(frame, event, arg):
    global lines
    if "cyberprivacy/bundle" not in frame.f_code.co_filename:
        return None
    lines += event == "line"
    if fatal and lines == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return step

sys.settrace(step)
fetch(blocks.root, [Whole() if graphs else blocks], FolderStore(work / "store"), work / "tree")
sys.settrace(None)
print(lines)
"""
POINTS = 16


def run(source: Path, work: Path, way: str, fatal: int) -> subprocess.CompletedProcess[str]:
    work.mkdir()
    return subprocess.run(
        [sys.executable, "-c", CHILD, source, work, way, str(fatal)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "a").mkdir()
    (folder / "a" / "b").write_bytes(bytes(range(256)) * 5000)
    (folder / "a" / "again").write_bytes(bytes(range(256)) * 5000)
    (folder / "c").write_text("c")
    (folder / "d").mkdir()
    return folder


@pytest.fixture(scope="module", params=["graphs", "blocks"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def length(source: Path, way: str, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Lines that a fetch runs when nobody kills it."""
    done = run(source, tmp_path_factory.mktemp("whole") / "work", way, 0)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("point", range(POINTS))
def test_the_next_fetch_completes_it(point: int, source: Path, way: str, length: int, tmp_path: Path) -> None:
    fatal = length * point // POINTS + (length // POINTS) * (point % 7) // 7 + 1
    work = tmp_path / "work"
    killed = run(source, work, way, fatal)
    assert killed.returncode == -9, killed.stderr
    tree = work / "tree"
    blocks = TreeBlocks(source)
    if tree.exists():
        open_verified(blocks.root, tree)  # it is there whole or not at all
    store = FolderStore(work / "store")
    fetch(blocks.root, [blocks], store, tree)
    assert open_verified(blocks.root, tree).size == blocks.size
    assert {path.name for path in work.iterdir()} == {"store", "tree"}
    assert {path.name for path in (work / "store").iterdir()} == {"blocks", "incoming"}
    assert list((work / "store" / "incoming").iterdir()) == []
    assert dict(graph.blocks(blocks.root, store.find)) == dict(graph.blocks(blocks.root, blocks.find))


def test_what_came_in_before_is_not_asked_for_again(source: Path, tmp_path: Path) -> None:
    blocks = TreeBlocks(source)
    whole = dict(graph.blocks(blocks.root, blocks.find))
    store = FolderStore(tmp_path / "store")
    incoming = store.incoming(blocks.root)
    first = list(whole)[:2]
    for cid in first:
        incoming.put(cid, whole[cid])
    asked = MemoryBlocks(whole.items())
    fetch(blocks.root, [asked], store, tmp_path / "tree")
    assert not set(asked.asked) & set(first)
    assert set(asked.asked) == set(whole) - set(first)


def test_a_block_that_a_crash_cut_off_is_asked_for_again(source: Path, tmp_path: Path) -> None:
    blocks = TreeBlocks(source)
    store = FolderStore(tmp_path / "store")
    incoming = store.incoming(blocks.root)
    incoming.put(blocks.root, b"cut off")
    fetch(blocks.root, [blocks], store, tmp_path / "tree")
    assert Cid.of(blocks.root.codec, store.find(blocks.root) or b"") == blocks.root


def test_a_disk_that_fills_up_half_way_leaves_nothing_half_and_works_again_when_it_has_room(
    source: Path, tmp_path: Path
) -> None:
    """A real small disk, and no forewarning: the check of free space is fooled by a file that appears later."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", small], check=False).returncode:
        pytest.skip("needs root to mount a small disk")
    try:
        blocks = TreeBlocks(source)
        store = FolderStore(small / "store")
        ballast = small / "ballast"

        class Fills(MemoryBlocks):
            def find(self, cid: Cid) -> bytes | None:
                if not ballast.exists():
                    free = os.statvfs(small).f_bavail * 4096
                    ballast.write_bytes(bytes(free - 4096))
                return blocks.find(cid)

        with pytest.raises(Unavailable) as refusal:
            fetch(blocks.root, [Fills()], store, small / "tree")
        assert refusal.value.code == "bundle.disk"
        assert {path.name for path in small.iterdir()} == {"store", "ballast"}
        ballast.unlink()
        assert fetch(blocks.root, [blocks], store, small / "tree").size == blocks.size
    finally:
        subprocess.run(["umount", small], check=True)
