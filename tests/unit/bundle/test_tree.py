import os
import socket
from pathlib import Path

import pytest

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.limits import Limits
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.blocks import MemoryBlocks


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / ".dockerignore").write_text("*\n")
    (folder / "app").mkdir()
    (folder / "app" / "empty").mkdir()
    (folder / "app" / "big").write_bytes(bytes(range(256)) * 9000)
    return folder


def extracted(source: Path, into: Path) -> VerifiedBundle:
    blocks = TreeBlocks(source)
    return extract(blocks.root, blocks.find, into)


def test_a_directory_comes_back_with_plain_modes_and_nothing_else(source: Path, tmp_path: Path) -> None:
    (source / "Dockerfile").chmod(0o4777)
    (source / "app").chmod(0o700)
    os.utime(source / "Dockerfile", (0, 0))
    bundle = extracted(source, tmp_path / "tree")
    modes = {str(path.relative_to(bundle.tree)): oct(path.lstat().st_mode) for path in bundle.tree.rglob("*")}
    assert modes == {
        "Dockerfile": "0o100644",
        ".dockerignore": "0o100644",
        "app": "0o40755",
        "app/empty": "0o40755",
        "app/big": "0o100644",
    }
    assert oct(bundle.tree.stat().st_mode) == "0o40755"
    assert (bundle.entries, bundle.size) == (6, 9000 * 256 + 9)
    assert (bundle.tree / "app" / "big").read_bytes() == (source / "app" / "big").read_bytes()


def test_a_narrow_umask_changes_nothing(source: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        bundle = extracted(source, tmp_path / "tree")
    finally:
        os.umask(before)
    assert (bundle.tree / "app").stat().st_mode & 0o777 == 0o755


def changed_content(tree: Path) -> None:
    (tree / "Dockerfile").write_text("FROM y\n")


def added_file(tree: Path) -> None:
    (tree / "app" / "more").touch(0o644)


def removed_file(tree: Path) -> None:
    (tree / "Dockerfile").unlink()


def writable_file(tree: Path) -> None:
    (tree / "Dockerfile").chmod(0o666)


def executable_file(tree: Path) -> None:
    (tree / "Dockerfile").chmod(0o755)


def writable_folder(tree: Path) -> None:
    (tree / "app").chmod(0o777)


def foreign_owner(tree: Path) -> None:
    os.chown(tree / "Dockerfile", 65534, 65534)


def symlink(tree: Path) -> None:
    target = tree.parent / "elsewhere"
    (tree / "Dockerfile").rename(target)
    (tree / "Dockerfile").symlink_to(target)


def symlinked_folder(tree: Path) -> None:
    (tree / "app").rename(tree.parent / "elsewhere")
    (tree / "app").symlink_to(tree.parent / "elsewhere")


def fifo(tree: Path) -> None:
    os.mkfifo(tree / "pipe")


def unix_socket(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "s"))


@pytest.mark.parametrize(
    ("code", "tamper"),
    [
        ("bundle.tree", changed_content),
        ("bundle.tree", added_file),
        ("bundle.tree", removed_file),
        ("bundle.mode", writable_file),
        ("bundle.mode", executable_file),
        ("bundle.mode", writable_folder),
        ("bundle.mode", foreign_owner),
        ("bundle.symlink", symlink),
        ("bundle.symlink", symlinked_folder),
        ("bundle.kind", fifo),
        ("bundle.kind", unix_socket),
    ],
)
def test_a_tree_that_somebody_touched_is_no_longer_the_bundle(
    code: str, tamper, source: Path, tmp_path: Path
) -> None:
    if tamper is foreign_owner and os.geteuid() != 0:
        pytest.skip("needs root")
    bundle = extracted(source, tmp_path / "tree")
    assert open_verified(bundle.cid, bundle.tree) == bundle
    tamper(bundle.tree)
    with pytest.raises(BadBundle) as refusal:
        open_verified(bundle.cid, bundle.tree)
    assert refusal.value.code == code


def test_nobody_can_make_a_verified_bundle_without_the_checks(tmp_path: Path) -> None:
    root = MemoryBlocks().directory()
    with pytest.raises(Misuse) as refusal:
        VerifiedBundle(cid=root, tree=tmp_path, size=0, entries=1, seal=object())
    assert refusal.value.code == "seal.forged"


def test_nothing_is_written_over_something_that_exists(source: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "mine").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        extracted(source, tmp_path / "tree")
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["mine"]
    assert {path.name for path in tmp_path.iterdir()} == {"source", "tree"}


def test_a_disk_without_room_is_seen_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    """A link bomb within a large limit: 2^60 bytes of content fit on no disk."""
    held = MemoryBlocks()
    part, size = held.raw(bytes(1 << 20)), 1 << 20
    for _ in range(4):
        part, size = held.file(*((part, size),) * 1024), size * 1024
    root = held.directory((b"bomb", part, size))
    with pytest.raises(Unavailable) as refusal:
        extract(root, held.find, tmp_path / "tree", Limits(content=1 << 61))
    assert refusal.value.code == "bundle.disk"
    assert {path.name for path in tmp_path.iterdir()} == {"source"}


def test_packing_lists_everything_that_it_leaves_out(source: Path) -> None:
    clean = pack(source)
    assert clean.ignored == ()
    (source / ".git").mkdir()
    (source / ".git" / "HEAD").touch()
    (source / "app" / "__pycache__").mkdir()
    packed = pack(source)
    assert packed.cid == clean.cid
    assert [str(path) for path in packed.ignored] == [".git", "app/__pycache__"]
    assert pack(source, ignore=frozenset()).cid != clean.cid


def test_packing_fills_a_store_and_a_car_that_both_give_the_bundle(source: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    packed = pack(source, store=store, car_file=tmp_path / "x.car")
    assert extract(packed.cid, store.find, tmp_path / "tree").size == packed.size
    with (tmp_path / "x.car").open("rb") as file:
        assert len(dict(car.read(file, packed.cid))) == packed.blocks
    again = pack(source, store=store, car_file=tmp_path / "y.car")
    assert again == packed
    assert (tmp_path / "x.car").read_bytes() == (tmp_path / "y.car").read_bytes()


@pytest.mark.parametrize(
    ("code", "tamper"),
    [("bundle.symlink", symlink), ("bundle.kind", fifo), ("bundle.kind", unix_socket)],
)
def test_packing_refuses_what_a_node_would_refuse_and_writes_nothing(
    code: str, tamper, source: Path, tmp_path: Path
) -> None:
    tamper(source)
    store = FolderStore(tmp_path / "store")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadBundle) as refusal:
        pack(source, store=store, car_file=tmp_path / "x.car")
    assert refusal.value.code == code
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["a:b", "con", "e\u0301", "x.", "\u200b", "a\nb"])
def test_packing_refuses_a_bad_name(name: str, source: Path) -> None:
    (source / name).touch()
    with pytest.raises(BadBundle) as refusal:
        pack(source)
    assert refusal.value.code == "bundle.name"


def test_packing_refuses_names_that_collide(source: Path) -> None:
    (source / "dockerfile").touch()
    with pytest.raises(BadBundle) as refusal:
        pack(source)
    assert refusal.value.code == "bundle.name"


@pytest.mark.parametrize(
    "limits", [Limits(content=100), Limits(entries=3), Limits(depth=1), Limits(path=5), Limits(name=5)], ids=str
)
def test_packing_holds_to_the_limits(limits: Limits, source: Path) -> None:
    with pytest.raises(BadBundle) as refusal:
        pack(source, limits=limits)
    assert refusal.value.code in ("bundle.budget", "bundle.name")


def test_a_file_that_changes_while_it_is_packed_is_noticed(source: Path, tmp_path: Path) -> None:
    found = TreeBlocks(source)
    (source / "Dockerfile").write_text("FROM y\n")
    with pytest.raises(BadBundle) as refusal:
        list(graph.blocks(found.root, found.find))
    assert refusal.value.code == "bundle.changed"


def test_packing_a_file_or_nothing_is_misuse(source: Path) -> None:
    for path in (source / "Dockerfile", source / "nothing"):
        with pytest.raises(Misuse) as refusal:
            pack(path)
        assert refusal.value.code == "bundle.directory"
