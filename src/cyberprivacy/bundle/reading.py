"""Files and directories read from blocks, held to the limits at every step."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from cyberprivacy.bundle import graph, unixfs
from cyberprivacy.bundle.graph import Find
from cyberprivacy.bundle.limits import DEFAULT, Budget, Limits
from cyberprivacy.bundle.names import Siblings
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.unixfs import Child, Directory, File, Shard
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.errors import Misuse


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory of a bundle.

    Attributes:
        path: relative to the bundle's root; "." for the root itself.
        cid: root of the file or directory.
        size: bytes of content that a file claims; None for a directory.
    """

    path: PurePosixPath
    cid: Cid
    size: int | None


class Reading:
    """One look at the tree below a CID; all listing shares one budget, all content another.

    Bytes are proved against the CID. That the tree is in the canonical form of a bundle is proved only by
    `fetch`, which adds it again.
    """

    __slots__ = ("_content", "_find", "_listing")

    def __init__(self, find: Find, limits: Limits = DEFAULT) -> None:
        self._find = find
        self._listing = Budget(limits)
        self._content = Budget(limits)

    def entries(self, root: Cid) -> Iterator[Entry]:
        """The root and everything below, each directory before what is in it, files by their claimed size.

        Raises:
            BadBundle, BadCid: something that a bundle may not hold.
            Unavailable: "bundle.missing".
        """
        yield from self._below(root, PurePosixPath(), 0)

    def content(self, file: Cid, size: int) -> Iterator[bytes]:
        """The content of a file, exactly `size` bytes in pieces of at most a block.

        Raises:
            BadBundle, BadCid: parts that do not make the file; Unavailable: "bundle.missing".
        """
        yield from self._parts(file, size, 0)

    def at(self, root: Cid, path: PurePosixPath) -> Entry:
        """The file or directory at a path below the root.

        Raises:
            Misuse: "bundle.path": there is no such path.
        """
        cid = root
        value, size = self._open(cid, self._listing)
        for part in path.parts:
            children = dict(self._children(value)) if isinstance(value, Directory | Shard) else {}
            if part not in children:
                raise Misuse("no such path in the bundle", code="bundle.path", path=str(path))
            cid = children[part].cid
            value, size = self._open(cid, self._listing)
        return Entry(path, cid, size)

    def _below(self, cid: Cid, path: PurePosixPath, depth: int) -> Iterator[Entry]:
        value, size = self._open(cid, self._listing)
        yield self._entry(path, cid, size, depth)
        if isinstance(value, Directory | Shard):
            for name, child in self._children(value):
                if child.cid.codec == RAW:  # its directory says how large it is; reading it proves that
                    yield self._entry(path / name, child.cid, child.tsize, depth + 1)
                else:
                    yield from self._below(child.cid, path / name, depth + 1)

    def _entry(self, path: PurePosixPath, cid: Cid, size: int | None, depth: int) -> Entry:
        self._listing.entry(str(path), depth)
        self._listing.hold(size or 0)
        return Entry(path, cid, size)

    def _open(self, cid: Cid, budget: Budget) -> tuple[Directory | Shard | File | bytes, int | None]:
        """What a block is, and its size if that is a file or a part of one."""
        block = graph.take(cid, self._find)
        budget.visit(block)
        if cid.codec == RAW:
            return block, len(block)
        value = unixfs.decode(block)
        return value, value.size if isinstance(value, File) else None

    def _children(self, value: Directory | Shard) -> Iterator[tuple[str, Child]]:
        """The entries of one directory with their checked names."""
        siblings = Siblings(self._listing.limits.name)
        found = value.children if isinstance(value, Directory) else self._unshard(value, 1)
        for child in found:
            yield siblings.add(child.name), child

    def _unshard(self, shard: Shard, level: int) -> Iterator[Child]:
        self._listing.level(level)
        for link in shard.links:
            if len(link.name) > 2:
                yield Child(link.name[2:], link.cid, link.tsize)
                continue
            below, _ = self._open(link.cid, self._listing)
            if not isinstance(below, Shard):
                raise BadBundle("a shard that leads to something else", code="bundle.unixfs")
            yield from self._unshard(below, level + 1)

    def _parts(self, cid: Cid, size: int, level: int) -> Iterator[bytes]:
        self._content.level(level)
        value, found = self._open(cid, self._content)
        if found != size:
            raise BadBundle("a part of a file has another size", code="bundle.unixfs", claimed=size, found=found)
        data = value.data if isinstance(value, File) else value if isinstance(value, bytes) else b""
        if data:
            self._content.hold(len(data))
            yield data
        if isinstance(value, File):
            for part, part_size in value.parts:
                yield from self._parts(part, part_size, level + 1)
