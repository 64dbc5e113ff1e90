"""Blocks in a folder, each in a file named by its CID: a node's store, a mirror, an air-gapped disk.

Layout: `blocks/x/<CID>` holds the blocks of accepted bundles; `incoming/<root CID>/<CID>` those of a bundle
that is not complete and accepted yet. A block is believed only after its hash was checked, on every read: a file
that a crash has cut off is the same as no file, so blocks need no fsync of their own.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cyberprivacy.bundle.limits import DEFAULT
from cyberprivacy.bundle.scratch import scratch, sweep
from cyberprivacy.bundle.space import on_disk
from cyberprivacy.cid import Cid


class FolderStore:
    """A block source, and a place to keep blocks. Threads and processes may share the folder.

    Attributes:
        folder: where it is.
        name: how logs call it.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is missing, and clear away what a killed process left in it.

        Raises:
            Misuse: "bundle.place": it can't be there.
            Unavailable: "bundle.disk".
        """
        self.folder = folder
        self.name = str(folder)
        self._blocks = folder / "blocks"
        self._incoming = folder / "incoming"
        with on_disk():
            for part in (self._blocks, self._incoming):
                part.mkdir(parents=True, exist_ok=True)
            sweep(folder)

    def find(self, cid: Cid) -> bytes | None:
        """The block, its hash checked just now; None if it isn't here whole."""
        return _read(_path(self._blocks, cid), cid)

    def add(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        """Keep blocks whose hashes were checked; each appears whole or not at all."""
        with scratch(self.folder) as folder:
            for cid, block in blocks:
                if self.find(cid) is None:
                    made = folder / "block"
                    made.write_bytes(block)
                    _move(made, _path(self._blocks, cid))

    def incoming(self, root: Cid) -> "Incoming":
        """The place for the blocks of one bundle until it is accepted, with what an earlier try left."""
        return Incoming(self.folder, self._blocks, self._incoming / str(root))

    def waiting(self) -> Iterator[Cid]:
        """Roots of bundles that were begun, and neither accepted nor refused."""
        for folder in sorted(self._incoming.iterdir()):
            yield Cid.parse(folder.name)

    def forget(self, root: Cid) -> None:
        """Drop what was begun for this root; accepted bundles stay."""
        shutil.rmtree(self._incoming / str(root), ignore_errors=True)


class Incoming:
    """The blocks of one bundle on their way in, and the accepted ones.

    Attributes:
        disk: a folder on the disk that they go to.
    """

    def __init__(self, disk: Path, blocks: Path, folder: Path) -> None:
        self.disk = disk
        self._blocks = blocks
        self._folder = folder

    def find(self, cid: Cid) -> bytes | None:
        """The block, accepted or incoming, its hash checked just now; None if it isn't here whole."""
        block = _read(self._folder / str(cid), cid)
        return _read(_path(self._blocks, cid), cid) if block is None else block

    def seems_to_have(self, cid: Cid, size: int) -> bool:
        """Whether a file of this size is here for the block; `find` may still say that it is damaged."""
        for path in (self._folder / str(cid), _path(self._blocks, cid)):
            with suppress(FileNotFoundError):
                return path.stat().st_size == size
        return False

    def put(self, cid: Cid, block: bytes) -> None:
        """Keep a block whose hash was checked.

        It is written in place: one that a crash cuts off fails its hash and is asked for again.
        """
        self._folder.mkdir(exist_ok=True)
        (self._folder / str(cid)).write_bytes(block)

    def accept(self) -> None:
        """Move every block among the accepted ones."""
        if self._folder.is_dir():
            for path in list(self._folder.iterdir()):
                with suppress(FileNotFoundError):  # another process accepts the same bundle just now
                    _move(path, _path(self._blocks, Cid.parse(path.name)))
        self.refuse()

    def refuse(self) -> None:
        """Leave nothing of what came in."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _path(blocks: Path, cid: Cid) -> Path:
    """In one of 32 folders: few enough to make quickly, enough that none grows large."""
    text = str(cid)
    return blocks / text[-2] / text


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    path.rename(target)


def _read(path: Path, cid: Cid) -> bytes | None:
    try:
        with path.open("rb", buffering=0) as file:
            block = file.read(DEFAULT.block + 1)
    except FileNotFoundError:
        return None
    return block if cid.matches(block) else None
