"""A log as a folder of tiles: what is served to everybody, made from the journal and from nothing else.

A file is written once and never again. Whatever a crash left out is made anew at the next start, because the
journal has it; a file that differs from what the journal says is refused, never repaired in silence.
"""

import shutil
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cyberprivacy.ledger.disk import replace
from cyberprivacy.ledger.log import LedgerDamaged
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.proofs import EMPTY_ROOT, fold
from cyberprivacy.ledger.tiles import ENTRIES, WIDTH, Tile, complete_parts, encode_bundle, subtree_root

_WAITING: Final = 64
"""Full tiles that wait in memory before they are written on the way."""


class Shelf:
    """The writer of one folder of tiles. Not for several threads.

    Attributes:
        size: entries that it was given.
    """

    def __init__(self, folder: Path) -> None:
        """An empty log at `folder`; give it all entries from the first one on, files that exist are compared."""
        self._folder = folder
        self.size = 0
        self._entries: list[bytes] = []  # of the last, partial bundle
        self._edge: list[list[bytes]] = []  # by level: the hashes of the last, partial tile
        self._full: list[int] = []  # by level: full tiles so far
        self._waiting: deque[tuple[Tile, bytes]] = deque()

    def add(self, entries: Iterable[bytes]) -> None:
        """Take more entries.

        Raises:
            LedgerFull: the disk refused; `size` says how many were taken, the rest can be given again later.
            LedgerDamaged: a file is not what the journal says.
        """
        for entry in entries:
            if len(self._waiting) >= _WAITING:
                self._write_full()
            self._entries.append(entry)
            if len(self._entries) == WIDTH:
                self._waiting.append((Tile(ENTRIES, self.size // WIDTH), encode_bundle(self._entries)))
                self._entries = []
            self.size += 1
            self._push(0, leaf_hash(entry))

    def flush(self) -> None:
        """Write everything that a head of the present size needs; durable when this returns.

        Raises:
            LedgerFull: the disk refused; ask again later.
            LedgerDamaged: a file is not what the journal says.
        """
        self._write_full()
        if self._entries:
            self._keep(Tile(ENTRIES, self.size // WIDTH, len(self._entries)), encode_bundle(self._entries))
        for level, hashes in enumerate(self._edge):
            if hashes:
                self._keep(Tile(level, self._full[level], len(hashes)), b"".join(hashes))

    def root(self) -> bytes:
        """The 32-byte head over the entries so far."""
        parts = [part for hashes in reversed(self._edge) for part in complete_parts(hashes)]
        return fold(parts) if parts else EMPTY_ROOT

    def _push(self, level: int, node: bytes) -> None:
        if level == len(self._edge):
            self._edge.append([])
            self._full.append(0)
        hashes = self._edge[level]
        hashes.append(node)
        if len(hashes) == WIDTH:
            self._waiting.append((Tile(level, self._full[level]), b"".join(hashes)))
            self._edge[level] = []
            self._full[level] += 1
            self._push(level + 1, subtree_root(hashes))

    def _write_full(self) -> None:
        while self._waiting:
            tile, data = self._waiting[0]
            path = self._keep(tile, data)
            # A partial tile may go when the full one is there: readers of older heads take its beginning.
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
            self._waiting.popleft()

    def _keep(self, tile: Tile, data: bytes) -> Path:
        path = self._folder / tile.path
        try:
            there = path.read_bytes()
        except FileNotFoundError:
            replace(path, data)
            return path
        if there != data:
            raise LedgerDamaged(
                "a tile is not what the journal says",
                code="ledger.tile",
                hint="Find out who changed it; removed, it is made again from the journal.",
                path=str(path),
            )
        return path
