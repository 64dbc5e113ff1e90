from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cyberprivacy.bundle.scratch import PREFIX, if_unused, in_use, scratch, sweep
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import RAW, Cid

BLOCK = b"block"
CID = Cid.of(RAW, BLOCK)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_block_comes_back_and_others_are_not_there(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert store.find(CID) is None
    store.add([(CID, BLOCK), (Cid.of(RAW, b""), b"")])
    assert store.find(CID) == BLOCK
    assert FolderStore(tmp_path).find(Cid.of(RAW, b"")) == b""
    assert {path.name for path in files(tmp_path)} == {str(CID), str(Cid.of(RAW, b""))}


@pytest.mark.parametrize("damage", [b"", b"bloc", b"blocK", b"block and more", bytes(5 << 20)], ids=len)
def test_a_damaged_file_is_as_good_as_none_and_is_mended(damage: bytes, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.add([(CID, BLOCK)])
    files(tmp_path)[0].write_bytes(damage)
    assert store.find(CID) is None
    store.add([(CID, BLOCK)])
    assert store.find(CID) == BLOCK


def test_what_comes_in_is_seen_by_its_own_bundle_only_until_it_is_accepted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    root = Cid.of(0x70, b"root")
    incoming = store.incoming(root)
    incoming.put(CID, BLOCK)
    assert (incoming.find(CID), store.find(CID)) == (BLOCK, None)
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == [str(root)]
    incoming.accept()
    assert store.find(CID) == BLOCK
    assert list((tmp_path / "incoming").iterdir()) == []


def test_what_is_refused_leaves_nothing_and_takes_nothing_of_others_along(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.add([(CID, BLOCK)])
    before = files(tmp_path)
    incoming = store.incoming(Cid.of(0x70, b"root"))
    incoming.put(Cid.of(RAW, b"bad"), b"bad")
    assert incoming.find(CID) == BLOCK
    incoming.refuse()
    assert files(tmp_path) == before


def test_many_threads_may_add_and_read_the_same_blocks(tmp_path: Path) -> None:
    blocks = [(Cid.of(RAW, bytes((number,)) * 1000), bytes((number,)) * 1000) for number in range(50)]

    def work(number: int) -> list[bytes | None]:
        store = FolderStore(tmp_path)
        store.add(blocks[number:] + blocks[:number])
        return [store.find(cid) for cid, _ in blocks]

    with ThreadPoolExecutor(8) as pool:
        assert all(found == [block for _, block in blocks] for found in pool.map(work, range(16)))
    assert {path.name for path in tmp_path.iterdir()} == {"blocks", "incoming"}


def test_two_who_accept_the_same_bundle_do_not_disturb_each_other(tmp_path: Path) -> None:
    root = Cid.of(0x70, b"root")
    first, second = (FolderStore(tmp_path).incoming(root) for _ in range(2))
    first.put(CID, BLOCK)
    second.put(CID, BLOCK)
    first.accept()
    second.accept()
    assert FolderStore(tmp_path).find(CID) == BLOCK


def test_a_scratch_directory_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "x").touch()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    abandoned = tmp_path / f"{PREFIX}abandon3"
    abandoned.mkdir()
    (abandoned / "half").touch()
    (tmp_path / "other").mkdir()
    with scratch(tmp_path) as used:
        sweep(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {used.name, "other"}


@pytest.mark.parametrize(
    "name", [".unfinished-thesis", f"{PREFIX}letter-to-you", f"{PREFIX}12", f"{PREFIX}ABCDEFGH"]
)
def test_what_somebody_else_has_not_finished_is_left_alone(name: str, tmp_path: Path) -> None:
    theirs = tmp_path / name
    theirs.mkdir()
    sweep(tmp_path)
    assert theirs.is_dir()


def test_a_folder_that_is_in_use_is_not_cleaned_up(tmp_path: Path) -> None:
    with in_use(tmp_path), in_use(tmp_path), if_unused(tmp_path) as unused:
        assert not unused
    with if_unused(tmp_path) as unused:
        assert unused


def test_a_symlink_with_the_name_of_a_scratch_directory_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").touch()
    (tmp_path / f"{PREFIX}a_link_8").symlink_to(mine)
    sweep(tmp_path)
    assert (mine / "file").exists()


@pytest.fixture
def descriptors() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_no_descriptor_is_left_open(tmp_path: Path, descriptors: None) -> None:
    store = FolderStore(tmp_path)
    for number in range(20):
        store.add([(Cid.of(RAW, bytes((number,))), bytes((number,)))])
