"""A disk that does not grow for ever: bundles that nobody needs go, and nothing of a kept one ever does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.keeping import keep
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.bundle.scratch import PREFIX
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.cid import Cid

SHARED = bytes(range(256)) * 6000  # more than one block


def old(*folders: Path) -> None:
    """As if nothing here had been touched for a year."""
    then = time.time() - 365 * 86_400
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (then, then))


def everything(store: FolderStore, root: Cid) -> dict[Cid, bytes]:
    return dict(graph.blocks(root, store.find))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


class Disk:
    """A node's folders with a few releases on them."""

    def __init__(self, folder: Path) -> None:
        self.sources, self.trees = folder / "sources", folder / "bundles"
        self.sources.mkdir()
        self.trees.mkdir()
        self.store = FolderStore(folder / "store")

    def source(self, name: str) -> TreeBlocks:
        folder = self.sources / name
        (folder / "app").mkdir(parents=True, exist_ok=True)
        (folder / "app" / "shared").write_bytes(SHARED)
        (folder / "app" / "own").write_text(name * 1000)
        return TreeBlocks(folder)

    def fetch(self, name: str) -> Cid:
        blocks = self.source(name)
        fetch(blocks.root, [blocks], self.store, self.trees / str(blocks.root))
        return blocks.root

    def keep(self, *roots: Cid, unused_since: float | None = None) -> int:
        since = time.time() - 86_400 if unused_since is None else unused_since
        return keep(self.store, self.trees, roots, unused_since=since)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_what_is_not_kept_goes_and_what_it_shares_with_a_kept_bundle_stays(disk: Disk) -> None:
    first, second = disk.fetch("first"), disk.fetch("second")
    before = everything(disk.store, second)
    old(disk.store.folder, disk.trees)
    freed = disk.keep(second)
    assert freed > len(SHARED)  # the tree
    assert files(disk.store.folder) == {str(cid) for cid in before}
    assert everything(disk.store, second) == before
    assert [path.name for path in disk.trees.iterdir()] == [str(second)]
    assert open_verified(second, disk.trees / str(second))
    assert disk.store.find(first) is None
    assert disk.keep(second) == 0


def test_what_was_fetched_lately_stays_although_nobody_named_it(disk: Disk) -> None:
    """Another application of this node may be on its way with it; its older blocks stay with it."""
    disk.fetch("first")
    old(disk.store.folder, disk.trees)
    second = disk.fetch("second")
    before = everything(disk.store, second)
    disk.keep()
    assert everything(disk.store, second) == before
    assert [path.name for path in disk.trees.iterdir()] == [str(second)]


def test_a_bundle_that_was_verified_again_counts_as_fetched(disk: Disk) -> None:
    first = disk.fetch("first")
    old(disk.store.folder, disk.trees)
    disk.fetch("first")
    assert disk.keep() == 0
    assert everything(disk.store, first)


def test_nothing_goes_while_another_bundle_is_on_its_way(disk: Disk) -> None:
    disk.fetch("first")
    old(disk.store.folder, disk.trees)
    blocks, seen = disk.source("second"), list[int]()

    class Watching:
        name = "watching"

        def find(self, cid: Cid) -> bytes | None:
            seen.append(disk.keep(unused_since=time.time() + 60))
            return blocks.find(cid)

    fetch(blocks.root, [Watching()], disk.store, disk.trees / str(blocks.root))
    assert set(seen) == {0}
    assert len(list(disk.trees.iterdir())) == 2
    assert everything(disk.store, blocks.root)


def test_a_fetch_that_was_given_up_leaves_nothing_and_one_that_may_go_on_loses_nothing(disk: Disk) -> None:
    roots = [disk.source(name).root for name in ("wanted", "given up", "begun just now")]
    for root, name in zip(roots, ("wanted", "given up", "begun just now"), strict=True):
        disk.store.incoming(root).put(root, disk.source(name).find(root) or b"")
    old(*((disk.store.folder / "incoming" / str(root)) for root in roots[:2]))
    assert disk.keep(roots[0]) > 0
    left = {path.name for path in (disk.store.folder / "incoming").iterdir()}
    assert left == {str(roots[0]), str(roots[2])}


def node_of(store: FolderStore, root: Cid) -> Path:
    """The file of a block that says what belongs to a bundle, below its root."""
    nodes = [cid for cid in everything(store, root) if cid.codec == 0x70 and cid != root]
    return next(store.folder.rglob(str(nodes[-1])))


def test_a_kept_bundle_that_lost_a_block_is_mended_from_its_tree(disk: Disk) -> None:
    first = disk.fetch("first")
    before = everything(disk.store, first)
    node_of(disk.store, first).write_bytes(b"damaged")
    old(disk.store.folder, disk.trees)
    disk.keep(first)
    assert everything(disk.store, first) == before


@pytest.mark.parametrize("lost", ["its tree", "the truth of its tree"])
def test_no_block_goes_while_nobody_can_say_what_belongs_to_a_kept_bundle(lost: str, disk: Disk) -> None:
    first, _ = disk.fetch("first"), disk.fetch("second")
    node_of(disk.store, first).unlink()
    tree = disk.trees / str(first)
    if lost == "its tree":
        tree.rename(disk.sources / "elsewhere")
    else:
        (tree / "app" / "own").write_text("changed")
    old(disk.store.folder, disk.trees)
    before = files(disk.store.folder)
    with pytest.raises((Unavailable, BadBundle)):
        disk.keep(first)
    assert files(disk.store.folder) == before


def test_a_wanted_bundle_that_is_not_here_yet_is_no_hindrance(disk: Disk) -> None:
    disk.fetch("first")
    old(disk.store.folder, disk.trees)
    assert disk.keep(disk.source("not here").root) > 0
    assert files(disk.store.folder) == set()


def test_what_is_not_ours_is_left_alone(disk: Disk) -> None:
    (disk.trees / "thesis").mkdir()
    (disk.store.folder / "blocks" / "x").mkdir(exist_ok=True)
    (disk.store.folder / "blocks" / "x" / "note").touch()
    (disk.store.folder / "incoming" / "letter").mkdir()
    old(disk.store.folder, disk.trees)
    disk.keep()
    assert (disk.trees / "thesis").is_dir()
    assert (disk.store.folder / "blocks" / "x" / "note").exists()
    assert (disk.store.folder / "incoming" / "letter").is_dir()


CHILD = """
import os, signal, sys, time
from pathlib import Path
from cyberprivacy.bundle.keeping import keep
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import Cid

folder, root, fatal = Path(sys.argv[1]), Cid.parse(sys.argv[2]), int(sys.argv[3])
lines = 0

def step(frame, event, arg):
    global lines
    if "cyberprivacy/bundle" not in frame.f_code.co_filename and "shutil" not in frame.f_code.co_filename:
        return None
    lines += event == "line"
    if fatal and lines == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return step

store = FolderStore(folder / "store")
sys.settrace(step)
keep(store, folder / "bundles", [root], unused_since=time.time() - 86400)
sys.settrace(None)
print(lines)
"""
POINTS = 8


def run(folder: Path, kept: Cid, fatal: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, folder, str(kept), str(fatal)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def aged(folder: Path) -> tuple[Disk, Cid]:
    disk = Disk(folder)
    kept, _ = disk.fetch("kept"), disk.fetch("gone")
    old(disk.store.folder, disk.trees)
    return disk, kept


@pytest.fixture(scope="module")
def length(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Lines that a clean-up runs when nobody kills it."""
    folder = tmp_path_factory.mktemp("whole")
    done = run(folder, aged(folder)[1])
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_anywhere_it_comes_to_the_same_end(point: int, length: int, tmp_path: Path) -> None:
    disk, kept = aged(tmp_path)
    before = everything(disk.store, kept)
    assert run(tmp_path, kept, length * (2 * point + 1) // (2 * POINTS)).returncode == -9
    assert everything(disk.store, kept) == before
    assert open_verified(kept, disk.trees / str(kept))
    again = run(tmp_path, kept)
    assert again.returncode == 0, again.stderr
    assert files(disk.store.folder) == {str(cid) for cid in before}
    assert [path.name for path in disk.trees.iterdir()] == [str(kept)]
    assert not list(tmp_path.rglob(f"{PREFIX}*"))
