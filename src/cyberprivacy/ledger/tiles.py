"""How a log is cut into files that never change: tiles of hashes, and bundles of entries. Pure.

A tile is 256 hashes of one level, a bundle 256 entries; the last ones of a log are partial and say so in their
names. Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.ledger.merkle import node_hash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
HASH: Final = 32
ENTRIES: Final = -1
"""The level of a bundle of entries."""

MAX_ENTRY: Final = 65_535
"""Bytes in one entry: what its length in a bundle can say."""

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class BadTile(Untrusted):
    """A file of a log is not what belongs there."""

    code = "log.tile"
    hint = "Ask another mirror; what was read is not used."


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of a log.

    Attributes:
        level: 0 for hashes of entries, n for hashes of full tiles of level n - 1; `ENTRIES` for a bundle.
        index: its place in its level, from 0.
        width: hashes or entries in it, 1 to 256.
    """

    level: int
    index: int
    width: int = WIDTH

    @property
    def whole(self) -> Self:
        """The full tile that a partial one becomes."""
        return type(self)(self.level, self.index)

    @property
    def path(self) -> str:
        """Where it lies below a log's own address."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        index = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{index}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def limit(self) -> int:
        """Bytes that it can have at most."""
        return self.width * (2 + MAX_ENTRY if self.level == ENTRIES else HASH)

    @classmethod
    def parse(cls, path: str) -> Self:
        """The tile of a path; each has one spelling.

        Raises:
            Misuse: "log.path".
        """
        found = _PATH.fullmatch(path)
        if found is not None:
            level = ENTRIES if found[1] == "entries" else int(found[1])
            made = cls(level, int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH))
            if made.path == path and level < 64:
                return made
        raise Misuse("no such file in a log", code="log.path", path=path[:100])


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Every tile and bundle of a log of `size` entries that one of `since` did not have; bundles first."""
    for level in range(ENTRIES, 64):
        shift = HEIGHT * max(level, 0)
        count, before = size >> shift, since >> shift
        if not count:
            return
        for index in range(before // WIDTH, -(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            if index * WIDTH + width > before:
                yield Tile(level, index, width)


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile or bundle at this place in a log of `size` entries; partial if it is the last one.

    Raises:
        ValueError: the log has none there.
    """
    count = (size >> HEIGHT * max(level, 0)) - index * WIDTH
    if count <= 0 or index < 0:
        raise ValueError(f"a log of {size} has no tile {index} of level {level}")
    return Tile(level, index, min(count, WIDTH))


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The hash over a complete subtree: a power of two of hashes of one level."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


def complete_parts(hashes: Sequence[bytes]) -> list[bytes]:
    """The complete subtrees of falling size that stand side by side on these hashes, fewer than 256."""
    parts: list[bytes] = []
    start = 0
    for bit in reversed(range(HEIGHT)):
        if len(hashes) & 1 << bit:
            parts.append(subtree_root(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return parts


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle: each entry after its length in two bytes, big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle.

    Args:
        data: the whole file.
        width: how many entries it has.

    Raises:
        BadTile: cut short, or with something left.
    """
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise BadTile("a bundle of entries is cut short", code="log.bundle", entries=len(entries), width=width)
        entries.append(data[start:at])
    if at != len(data):
        raise BadTile("a bundle has more than its entries", code="log.bundle", width=width)
    return entries
