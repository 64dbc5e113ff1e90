"""Reading a log from whoever has a copy: nothing is used before it leads to a head that is already believed."""

import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.log import Head
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.proofs import EMPTY_ROOT, fold
from cyberprivacy.ledger.tiles import (
    ENTRIES,
    HASH,
    HEIGHT,
    WIDTH,
    BadTile,
    Tile,
    complete_parts,
    decode_bundle,
    split,
    subtree_root,
    tile_at,
)

CACHE: Final = 1024
"""Tiles kept in memory: 8 MiB."""


class Missing(TryLater):
    """A source does not have a file that its own head promises."""

    code = "log.missing"
    hint = "A mirror may lag behind its head; ask again, or ask another one."


class Source(Protocol):
    """Anything that has files of a log. It is never believed."""

    @property
    def name(self) -> str:
        """What to call it when it lies."""
        ...

    def read(self, path: str, limit: int) -> bytes | None:
        """The file at `path` below the log's own address; None when there is none.

        Raises:
            Untrusted: longer than `limit` bytes.
            TryLater: out of reach.
        """
        ...


class FolderSource:
    """A log in a folder: a mirror, or the node's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The path of the folder."""
        return str(self._folder)

    def read(self, path: str, limit: int) -> bytes | None:
        """As `Source` says."""
        try:
            # Without O_NONBLOCK, opening a pipe that somebody put there would wait for its writer for ever.
            opened = os.open(self._folder / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            raise Missing("a file of the log cannot be read", path=path, reason=problem.strerror) from problem
        try:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise BadTile("not a file", source=self.name, path=path)
            with os.fdopen(opened, "rb", closefd=False) as file:
                data = file.read(limit + 1)
        finally:
            os.close(opened)
        if len(data) > limit:
            raise BadTile("a file of the log is too large", source=self.name, path=path, limit=limit)
        return data


class LogReader:
    """The tree and the entries below one head. Not for several threads."""

    def __init__(self, source: Source, head: Head) -> None:
        """Read the right edge, and check that it leads to the head.

        Args:
            source: where the files are.
            head: size and root, from a checkpoint whose signatures were checked.

        Raises:
            BadTile: "log.tile", or "log.root" when the tiles are those of another tree.
            Missing: a file is not there.
        """
        self._source, self.head = source, head
        self._edge: dict[int, list[bytes]] = {}
        self._cache: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        level = 0
        while count := head.size >> HEIGHT * level:
            if width := count % WIDTH:
                self._edge[level] = self._hashes_in(Tile(level, count // WIDTH, width))
            level += 1
        parts = [part for at in sorted(self._edge, reverse=True) for part in complete_parts(self._edge[at])]
        root = fold(parts) if parts else EMPTY_ROOT
        if root != head.root:
            raise BadTile(
                "the tiles are not those of this head", code="log.root", source=source.name, size=head.size
            )

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree, as `proofs.Node` asks for it.

        Raises:
            BadTile: the tile does not lead to the head.
            Missing: the tile is not there.
            ValueError: the tree has no such subtree.
        """
        if index < 0 or (index + 1) << level > self.head.size:
            raise ValueError(f"a log of {self.head.size} has no complete subtree {index} of level {level}")
        floor, rest = divmod(level, HEIGHT)
        first = index << rest
        hashes = self._hashes(floor, first // WIDTH)
        return subtree_root(hashes[first % WIDTH : first % WIDTH + (1 << rest)])

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries from `start` to before `stop` (default: all), in order, each as it was logged.

        Raises:
            BadTile: an entry is not the one in the tree.
            Missing: a bundle is not there.
        """
        end = self.head.size if stop is None else min(stop, self.head.size)
        while start < end:
            number = start // WIDTH
            bundle = self.bundle(number)[start - number * WIDTH : end - number * WIDTH]
            yield from bundle
            start += len(bundle)

    def bundle(self, number: int) -> list[bytes]:
        """All entries of one bundle, each checked against the tree; errors as `entries`."""
        tile = tile_at(ENTRIES, number, self.head.size)
        data = self._source.read(tile.path, tile.limit)
        width = tile.width
        if data is None and width < WIDTH:
            tile = tile.whole
            data = self._source.read(tile.path, tile.limit)
        if data is None:
            raise Missing("entries are not there", source=self._source.name, path=tile.path)
        entries = decode_bundle(data, tile.width)[:width]
        if [leaf_hash(entry) for entry in entries] != self._hashes(0, number):
            raise BadTile(
                "entries are not those of this log", code="log.bundle", source=self._source.name, path=tile.path
            )
        return entries

    def tile(self, level: int, number: int) -> bytes:
        """A tile's bytes, checked; errors as `node`."""
        return b"".join(self._hashes(level, number))

    def _hashes(self, level: int, number: int) -> list[bytes]:
        """The hashes of a tile, checked up to the head."""
        tile = tile_at(level, number, self.head.size)
        if tile.width < WIDTH:
            return self._edge[level]  # checked when this reader was made
        place = (level, number)
        if place in self._cache:
            self._cache.move_to_end(place)
            return self._cache[place]
        above = self._hashes(level + 1, number // WIDTH)[number % WIDTH]
        hashes = self._hashes_in(tile)
        if subtree_root(hashes) != above:
            raise BadTile("a tile is not of this log", source=self._source.name, path=tile.path)
        self._cache[place] = hashes
        if len(self._cache) > CACHE:
            self._cache.popitem(last=False)
        return hashes

    def _hashes_in(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile, with nothing checked but their number."""
        data = self._source.read(tile.path, tile.limit)
        if data is None and tile.width < WIDTH:
            data = self._source.read(tile.whole.path, tile.whole.limit)
            if data is not None and len(data) == tile.whole.limit:
                data = data[: tile.limit]
        if data is None:
            raise Missing("a tile is not there", source=self._source.name, path=tile.path)
        if len(data) != tile.width * HASH:
            raise BadTile("a tile has another length", source=self._source.name, path=tile.path, length=len(data))
        return split(data)
