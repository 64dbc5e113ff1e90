"""Files that are whole or not there, whenever the process or the machine dies."""

import os
from pathlib import Path
from typing import Final

from cyberprivacy.errors import TryLater

_PART: Final = ".part"


class LedgerFull(TryLater):
    """The disk would not take what belongs to a log; nothing was accepted."""

    code = "ledger.full"
    hint = "Free disk space; the node goes on by itself."


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of whatever was at `path`; durable when this returns.

    Raises:
        LedgerFull: the disk refused; what was there before is still there.
    """
    part = path.with_name(f".{path.name}{_PART}")
    try:
        folder(path.parent)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        settle(path.parent)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise LedgerFull(
            "a file of the log cannot be written", path=str(path), reason=problem.strerror
        ) from problem


def folder(path: Path) -> None:
    """Make a folder and those above it, so that the next crash does not take them away."""
    if not path.is_dir():
        folder(path.parent)
        path.mkdir(exist_ok=True)
        settle(path.parent)


def settle(path: Path) -> None:
    """Make the names in a folder durable."""
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
