"""A copy of a log: every file that a head needs, each checked before it is kept, and the head last of all."""

from collections.abc import Callable
from pathlib import Path

from cyberprivacy.ledger.disk import replace
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.publisher import CHECKPOINT
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.tiles import ENTRIES, BadTile, Tile, decode_bundle, encode_bundle, split, tiles


def mirror(
    reader: LogReader,
    note: Note,
    folder: Path,
    *,
    since: int = 0,
    told: Callable[[Tile], None] = lambda _: None,
) -> int:
    """Copy what is not there yet. Stopped at any point, it goes on from there.

    Args:
        reader: the log at the head of `note`.
        note: the signed checkpoint, with all lines that came with it, for readers who trust others than we do.
        folder: where to; of this log alone.
        since: size of a head that the copy has had whole: what was whole then is not looked at again.
        told: called for each file that is written.

    Returns:
        How many files were written.

    Raises:
        BadTile, Missing: the source lies, or lacks a file; the copy's head is the one that it had.
        LedgerFull: the disk refused; the same.
    """
    here, written = FolderSource(folder), 0
    for tile in tiles(reader.head.size, since):
        data = _wanted(reader, tile, here)
        if data is not None:
            replace(folder / tile.path, data)
            written += 1
            told(tile)
    replace(folder / CHECKPOINT, note.encode())
    return written


def _wanted(reader: LogReader, tile: Tile, here: FolderSource) -> bytes | None:
    """The checked bytes of a file; None if the copy has them. Entries are only asked for when it has not."""
    try:
        there = here.read(tile.path, tile.limit)
    except BadTile:
        there = None  # of no use, and written anew
    if tile.level != ENTRIES:
        data = reader.tile(tile.level, tile.index)
        return None if there == data else data
    if there is not None and _holds(there, tile, split(reader.tile(0, tile.index))):
        return None
    return encode_bundle(reader.bundle(tile.index))


def _holds(data: bytes, tile: Tile, hashes: list[bytes]) -> bool:
    try:
        entries = decode_bundle(data, tile.width)
    except BadTile:
        return False
    return [leaf_hash(entry) for entry in entries] == hashes
