"""Tiles: the layout that C2SP tlog-tiles gives, written once, and read by somebody who believes nothing."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.log import Head, LedgerDamaged
from cyberprivacy.ledger.merkle import Tree, leaf_hash, node_hash
from cyberprivacy.ledger.proofs import check_consistency, check_inclusion, consistency_proof, inclusion_proof
from cyberprivacy.ledger.reading import FolderSource, LogReader, Missing
from cyberprivacy.ledger.shelf import Shelf
from cyberprivacy.ledger.tiles import ENTRIES, BadTile, Tile, decode_bundle, encode_bundle, tiles


def entries(size: int, start: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(start, size)]


def head(size: int) -> Head:
    tree = Tree()
    for entry in entries(size):
        tree.add(entry)
    return Head(size, tree.root())


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The specification's own example: 70,000 entries."""
    folder = tmp_path_factory.mktemp("large")
    shelf = Shelf(folder)
    shelf.add(entries(70_000))
    shelf.flush()
    assert shelf.root() == head(70_000).root
    return folder


def test_the_example_of_the_specification(large: Path) -> None:
    """273 full tiles and .p/112 of level 0, one and .p/17 of level 1, .p/1 of level 2."""
    hashes = {f"tile/0/{number:03d}" for number in range(273)}
    hashes |= {"tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"}
    bundles = {path.replace("tile/0", "tile/entries") for path in hashes if path.startswith("tile/0")}
    assert files(large) == hashes | bundles == {tile.path for tile in tiles(70_000)}


def test_a_path_names_one_tile_and_a_tile_has_one_path() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile.parse("tile/entries/x001/x234/067.p/9") == Tile(ENTRIES, 1_234_067, 9)
    for wrong in (
        *("tile/0/1", "tile/0/x000/001", "tile/00/001", "tile/64/000", "tile/0/001.p/0", "tile/0/001.p/256"),
        *("tile/0/001.p/01", "tile/-1/000", "tile/0/../001", "/tile/0/001", "tile/0/001/", "tile/8/0/001", ""),
        *("tile/0/" + "x999/" * 9 + "001", "tile/0/\u0660\u0660\u0661", "tile/0/001\n"),
    ):
        with pytest.raises(Misuse) as refusal:
            Tile.parse(wrong)
        assert refusal.value.code == "log.path"


@given(st.integers(-1, 63), st.integers(0, 1 << 54), st.integers(1, 256))
def test_paths_read_back(level: int, index: int, width: int) -> None:
    assert Tile.parse(Tile(level, index, width).path) == Tile(level, index, width)


@given(st.lists(st.binary(max_size=300), max_size=256), st.integers(0, 1 << 20))
def test_bundles_read_back_and_no_other_length_does(made: list[bytes], at: int) -> None:
    data = encode_bundle(made)
    assert decode_bundle(data, len(made)) == made
    for wrong in (data + b"\0", data[: at % len(data)] if data else b"\0"):
        with pytest.raises(BadTile):
            decode_bundle(wrong, len(made))


@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, 1 << 20))
def test_whatever_way_a_log_grew_its_readers_find_the_same(one: int, other: int, at: int) -> None:
    old, new = sorted((one, other))
    listed = {tile.path for tile in tiles(old)} | {tile.path for tile in tiles(new, old)}
    assert listed >= {tile.path for tile in tiles(new)}
    memory = Memory()
    memory.grow(old)
    memory.grow(new)
    reader = LogReader(memory, head(new))
    assert list(reader.entries()) == entries(new)
    check_consistency(
        old=old,
        new=new,
        old_root=head(old).root,
        new_root=head(new).root,
        proof=consistency_proof(reader.node, old, new),
    )
    if new:
        index = at % new
        proof = inclusion_proof(reader.node, index, new)
        leaf = leaf_hash(entries(new)[index])
        check_inclusion(leaf=leaf, index=index, size=new, proof=proof, root=head(new).root)
    assert list(LogReader(memory, head(old)).entries()) == entries(old)  # older heads stay good


class Memory:
    """A naive log: every file made from all entries, each time. It is `reading.Source`, too."""

    name = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def grow(self, size: int) -> None:
        level, row = 0, [leaf_hash(entry) for entry in entries(size)]
        self._cut(ENTRIES, [encode_bundle([entry]) for entry in entries(size)])
        while row:
            self._cut(level, row)
            full = [row[at : at + 256] for at in range(0, len(row) // 256 * 256, 256)]
            level, row = level + 1, [naive_root(part) for part in full]

    def _cut(self, level: int, row: list[bytes]) -> None:
        for at in range(0, len(row), 256):
            part = row[at : at + 256]
            self.files[Tile(level, at // 256, len(part)).path] = b"".join(part)

    def read(self, path: str, _limit: int) -> bytes | None:
        return self.files.get(path)


def naive_root(row: list[bytes]) -> bytes:
    if len(row) == 1:
        return row[0]
    split = 1 << (len(row) - 1).bit_length() - 1
    return node_hash(naive_root(row[:split]), naive_root(row[split:]))


@pytest.mark.parametrize("steps", [(1, 2, 255, 256, 257), (300, 512), (513,), (0, 256), (700, 701)])
def test_the_writer_makes_what_the_naive_one_makes(steps: tuple[int, ...], tmp_path: Path) -> None:
    shelf, memory, before = Shelf(tmp_path), Memory(), 0
    for size in steps:
        shelf.add(entries(size, before))
        shelf.flush()
        memory.grow(size)
        before = size
    there = {path: (tmp_path / path).read_bytes() for path in files(tmp_path)}
    assert there.items() <= memory.files.items()
    gone = memory.files.keys() - there.keys()  # partial tiles whose full one is there
    assert all(Tile.parse(path).whole.path in there for path in gone)
    again = Shelf(tmp_path)  # after a restart
    stamps = {path: (tmp_path / path).stat().st_mtime_ns for path in there}
    again.add(entries(before))
    again.flush()
    assert stamps == {path: (tmp_path / path).stat().st_mtime_ns for path in files(tmp_path)}


def test_a_tile_that_is_missing_is_made_again_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(entries(300))
    shelf.flush()
    tile = tmp_path / "tile/0/000"
    tile.unlink()
    again = Shelf(tmp_path)
    again.add(entries(300))
    again.flush()
    os.truncate(tile, 8160)
    broken = Shelf(tmp_path)
    broken.add(entries(300))
    with pytest.raises(LedgerDamaged) as refusal:
        broken.flush()
    assert refusal.value.code == "ledger.tile"
    assert tile.stat().st_size == 8160


@pytest.mark.parametrize(
    "path", sorted({tile.path for tile in tiles(66_000, 65_700)} | {"tile/0/000", "tile/1/000"})
)
def test_a_lie_in_any_file_is_found_by_whoever_reads_it(path: str) -> None:
    memory = Memory()
    memory.grow(66_000)
    true, place = head(66_000), Tile.parse(path)
    honest = memory.files[path]

    def read_there() -> None:
        reader = LogReader(memory, true)
        if place.level == ENTRIES:
            reader.bundle(place.index)
        else:
            reader.tile(place.level, place.index)

    read_there()
    for lie in (b"", honest[:-1], honest + b"\0", bytes([honest[0] ^ 1]) + honest[1:], bytes(len(honest))):
        memory.files[path] = lie
        with pytest.raises(BadTile):
            read_there()
    del memory.files[path]
    with pytest.raises(Missing):
        read_there()


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    memory = Memory()
    memory.grow(300)
    memory.grow(512)
    del memory.files["tile/0/001.p/44"]
    del memory.files["tile/entries/001.p/44"]
    reader = LogReader(memory, head(300))
    assert list(reader.entries(290)) == entries(300, 290)
    memory.files["tile/0/001"] += b"\0"
    with pytest.raises(BadTile):
        LogReader(memory, head(300))


def test_a_folder_gives_bounded_files_and_nothing_else(tmp_path: Path) -> None:
    source = FolderSource(tmp_path)
    assert source.read("tile/0/000", 10) is None
    (tmp_path / "large").write_bytes(bytes(11))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("large", "pipe", "folder"):
        with pytest.raises(BadTile):
            source.read(name, 10)
