"""A directory on disk as the blocks that it would be, and as the bundle that it claims to be.

No symlink is followed, here or on the way: every step goes through the descriptor of the directory above.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cyberprivacy.bundle.limits import DEFAULT, Budget, Limits
from cyberprivacy.bundle.names import Siblings
from cyberprivacy.bundle.profile import V1_2025, Added, Profile, Writer
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.verified import SEAL, VerifiedBundle
from cyberprivacy.cid import RAW, Cid

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755


class _Leaf(NamedTuple):
    """Where on disk the bytes of a raw block are."""

    path: PurePosixPath
    offset: int
    length: int


class TreeBlocks:
    """A block source over a directory: reads it once to learn its CID, and again for what is asked.

    Attributes:
        name: the directory.
        root: CID of the directory as a bundle.
        size: bytes of file content.
        entries: files and directories, the root included.
        blocks: distinct blocks.
        ignored: paths below the directory that were left out.
    """

    def __init__(
        self,
        tree: Path,
        *,
        limits: Limits = DEFAULT,
        ignore: frozenset[str] = frozenset(),
        exact: bool = False,
        profile: Profile = V1_2025,
    ) -> None:
        """Read the directory.

        Args:
            tree: a directory, not a symlink to one.
            limits: what the bundle may hold.
            ignore: names of files and directories to leave out, wherever they are.
            exact: refuse any mode but 0644 for files and 0755 for directories, and any owner but us.
            profile: the way from files to blocks.

        Raises:
            BadBundle: bundle.symlink, bundle.kind, bundle.name, bundle.mode, bundle.budget, bundle.changed.
            OSError: the directory can't be read.
        """
        self.name = str(tree)
        self.ignored: list[PurePosixPath] = []
        self._tree = tree
        self._ignore = ignore
        self._exact = exact
        self._chunk = profile.chunk
        self._budget = Budget(limits)
        self._nodes: dict[bytes, bytes] = {}
        self._leaves: dict[bytes, _Leaf] = {}
        self._here = PurePosixPath()
        self._at = 0
        self._writer = Writer(self._note, profile)
        with _opened(tree, None, os.O_DIRECTORY) as folder:
            self._check(os.fstat(folder), PurePosixPath())
            self.added = self._directory(folder, PurePosixPath(), 0)
        self.size = self._budget.content
        self.entries = self._budget.entries
        self.blocks = len(self._nodes) + len(self._leaves)

    @property
    def root(self) -> Cid:
        """The CID of the directory.

        Raises:
            BadCid: the profile makes CIDs that a release bundle does not use.
        """
        return Cid.from_bytes(self.added.cid)

    def find(self, cid: Cid) -> bytes | None:
        """The block; None if the directory does not have it.

        Raises:
            BadBundle: "bundle.changed": the file is not what it was when its CID was made.
        """
        node = self._nodes.get(bytes(cid))
        if node is not None:
            return node
        leaf = self._leaves.get(bytes(cid))
        if leaf is None:
            return None
        block = self._read_leaf(leaf)
        if not cid.matches(block):
            raise BadBundle("a file changed while it was read", code="bundle.changed", path=str(leaf.path))
        return block

    def _directory(self, folder: int, path: PurePosixPath, depth: int) -> Added:
        self._budget.entry(str(path), depth)
        siblings = Siblings(self._budget.limits.name)
        made: list[tuple[bytes, Added]] = []
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found)
        for name in names:
            if name in self._ignore:
                self.ignored.append(path / name)
                continue
            raw = os.fsencode(name)
            siblings.add(raw)
            made.append((raw, self._entry(folder, path / name, depth + 1)))
        return self._writer.directory(made)

    def _entry(self, folder: int, path: PurePosixPath, depth: int) -> Added:
        kind = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        self._check(kind, path)
        if stat.S_ISDIR(kind.st_mode):
            with _opened(path.name, folder, os.O_DIRECTORY) as below:
                return self._directory(below, path, depth)
        self._budget.entry(str(path), depth)
        self._here, self._at = path, 0
        with _opened(path.name, folder, os.O_NONBLOCK) as file:  # a file that became a FIFO must not block us
            self._check(now := os.fstat(file), path)
            return self._writer.file(self._chunks(file, now.st_size))

    def _chunks(self, file: int, size: int) -> Iterator[bytes]:
        """The file in whole chunks; a buffer of the file's own size makes small files cheap."""
        while chunk := _read_full(file, min(self._chunk, size + 1)):
            if len(chunk) == size + 1 and size + 1 < self._chunk:  # it grew since we looked
                chunk += _read_full(file, self._chunk - len(chunk))
            self._budget.hold(len(chunk))
            yield chunk

    def _note(self, cid: bytes, block: bytes) -> None:
        """Remember how to make a block again."""
        if cid[1] == RAW:
            self._leaves.setdefault(cid, _Leaf(self._here, self._at, len(block)))
            self._at += len(block)
        else:
            self._nodes[cid] = block

    def _read_leaf(self, leaf: _Leaf) -> bytes:
        try:
            with _opened(self._tree, None, os.O_DIRECTORY) as folder:
                return _read_below(folder, leaf.path.parts, leaf)
        except OSError:
            return b""

    def _check(self, kind: os.stat_result, path: PurePosixPath) -> None:
        mode = kind.st_mode
        if stat.S_ISLNK(mode):
            raise BadBundle("a release bundle holds no symlinks", code="bundle.symlink", path=str(path))
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise BadBundle("neither a file nor a directory", code="bundle.kind", path=str(path))
        wanted = DIRECTORY_MODE if stat.S_ISDIR(mode) else FILE_MODE
        if self._exact and (stat.S_IMODE(mode) != wanted or kind.st_uid != os.geteuid()):
            raise BadBundle(
                "somebody else may write here",
                code="bundle.mode",
                path=str(path),
                mode=oct(stat.S_IMODE(mode)),
                owner=kind.st_uid,
            )


def open_verified(cid: Cid, tree: Path, limits: Limits = DEFAULT) -> VerifiedBundle:
    """The bundle that a directory on disk holds, after adding it again: same CID, or a refusal.

    Raises:
        BadBundle: "bundle.tree" if the directory has another CID; else as `TreeBlocks`.
        OSError: the directory can't be read.
    """
    return prove(cid, TreeBlocks(tree, limits=limits, exact=True), tree)


def prove(cid: Cid, found: TreeBlocks, tree: Path) -> VerifiedBundle:
    """The bundle at `tree`, which `found` has just read.

    Raises:
        BadBundle: "bundle.tree".
    """
    if found.root != cid:
        raise BadBundle(
            "the directory on disk is not this bundle",
            code="bundle.tree",
            hint="Remove it and fetch the bundle again.",
            tree=str(tree),
            wanted=str(cid),
            found=str(found.root),
        )
    return VerifiedBundle(cid=cid, tree=tree, size=found.size, entries=found.entries, seal=SEAL)


@contextmanager
def _opened(path: Path | str, folder: int | None, flags: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read_below(folder: int, parts: tuple[str, ...], leaf: _Leaf) -> bytes:
    name, *rest = parts
    if rest:
        with _opened(name, folder, os.O_DIRECTORY) as below:
            return _read_below(below, tuple(rest), leaf)
    with _opened(name, folder, os.O_NONBLOCK) as file:
        return os.pread(file, leaf.length, leaf.offset)


def _read_full(file: int, size: int) -> bytes:
    """Up to `size` bytes; fewer only at the end of the file."""
    parts: list[bytes] = []
    while size and (part := os.read(file, size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
