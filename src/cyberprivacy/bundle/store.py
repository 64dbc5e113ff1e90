"""Blocks in a folder, each in a file named by its CID: a node's store, a mirror, an air-gapped disk.

Layout: `blocks/x/<CID>` holds the blocks of accepted bundles; `incoming/<root CID>/<CID>` those of a bundle
that is not complete and accepted yet. A block is believed only after its hash was checked, on every read: a file
that a crash has cut off is the same as no file, so blocks need no fsync of their own.
"""

import shutil
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from cyberprivacy.bundle.limits import DEFAULT
from cyberprivacy.bundle.scratch import if_unused, in_use, scratch, sweep
from cyberprivacy.bundle.space import on_disk
from cyberprivacy.cid import BadCid, Cid


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

    def in_use(self) -> AbstractContextManager[None]:
        """For whoever adds, or counts on what he has seen here: nothing is dropped while the block lasts."""
        return in_use(self._blocks)

    def if_unused(self) -> AbstractContextManager[bool]:
        """Whether nobody is inside `in_use`; if so, nobody gets in while the block lasts."""
        return if_unused(self._blocks)

    def drop(self, kept: Collection[Cid], roots: Collection[Cid], *, unused_since: float) -> int:
        """Remove what nobody needs; only inside `if_unused`.

        Args:
            kept: blocks that stay.
            roots: bundles whose begun fetch can still go on.
            unused_since: seconds since 1970; what came later stays, whatever it is.

        Returns:
            Bytes of what was removed.
        """
        freed = 0
        for folder in self._incoming.iterdir():
            root = _cid(folder)
            if root is not None and root not in roots and folder.stat().st_mtime < unused_since:
                freed += sum(path.stat().st_size for path in folder.iterdir())
                shutil.rmtree(folder)
        for path in self._blocks.glob("?/*"):
            cid, seen = _cid(path), path.stat()
            if cid is not None and cid not in kept and seen.st_mtime < unused_since:
                path.unlink()
                freed += seen.st_size
        return freed


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


def _cid(path: Path) -> Cid | None:
    """What a file or folder is called after; None for what is not ours."""
    try:
        return Cid.parse(path.name)
    except BadCid:
        return None


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
