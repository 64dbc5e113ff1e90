"""From a directory to a bundle: its CID, a CAR to carry, blocks in a store to serve."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.scratch import scratch, sweep
from cyberprivacy.bundle.space import on_disk, require_space
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import Cid
from cyberprivacy.errors import Misuse

IGNORED: Final = frozenset(
    (
        ".git",
        ".hg",
        ".svn",
        ".DS_Store",
        "__pycache__",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    )
)
"""Names that `pack` leaves out wherever they are: histories and caches that tools leave among sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What packing a directory gave.

    Attributes:
        cid: root of the bundle.
        size: bytes of file content.
        entries: files and directories, the root included.
        blocks: distinct blocks.
        ignored: paths that were left out; each stands for everything below it.
    """

    cid: Cid
    size: int
    entries: int
    blocks: int
    ignored: tuple[PurePosixPath, ...]


def pack(
    directory: Path,
    *,
    store: FolderStore | None = None,
    car_file: Path | None = None,
    ignore: frozenset[str] = IGNORED,
    limits: Limits = DEFAULT,
) -> Packed:
    """Learn a directory's CID; write its blocks where they are wanted, each checked once more on the way.

    The CAR appears whole or not at all; nothing is written if the directory is refused.

    Raises:
        Misuse: "bundle.directory": not a directory; "bundle.place": something can't be read or written there.
        BadBundle: as `TreeBlocks`; "bundle.changed" if a file changes meanwhile.
        Unavailable: bundle.disk, bundle.inodes.
    """
    if not directory.is_dir():
        raise Misuse("not a directory", code="bundle.directory", path=str(directory))
    with on_disk():
        found = TreeBlocks(directory.resolve(), limits=limits, ignore=ignore)
        if store is not None:
            require_space(store.folder, found.size, found.blocks)
            with store.in_use():
                store.add(graph.blocks(found.root, found.find, limits))
    if car_file is not None:
        write_car(found, car_file, limits)
    return Packed(
        cid=found.root,
        size=found.size,
        entries=found.entries,
        blocks=found.blocks,
        ignored=tuple(found.ignored),
    )


def write_car(found: TreeBlocks, car_file: Path, limits: Limits = DEFAULT) -> None:
    """Write a CAR beside its place, then move it there.

    Raises:
        BadBundle: "bundle.changed".
        Misuse: "bundle.place".
        Unavailable: "bundle.disk".
    """
    folder = car_file.absolute().parent
    with on_disk():
        if car_file.is_dir():
            raise Misuse("a CAR is a file, this is a directory", code="bundle.place", path=str(car_file))
        sweep(folder)
        require_space(folder, found.size, 1)
    with on_disk(), scratch(folder) as private:
        made = private / "car"
        with made.open("wb") as file:
            file.writelines(car.write(found.root, graph.blocks(found.root, found.find, limits)))
        made.rename(car_file)
