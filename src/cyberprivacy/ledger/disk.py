"""Files that are whole or not there, whenever the process or the machine dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cyberprivacy.errors import TryLater

_PART: Final = ".part"


class LedgerFull(TryLater):
    """The disk would not take what belongs to a log; nothing was accepted."""

    code = "ledger.full"
    hint = "Free disk space; the node goes on by itself."


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk answers into our words.

    Raises:
        LedgerFull: the disk refused.
    """
    try:
        yield
    except OSError as problem:
        raise LedgerFull(
            "a file of the log cannot be written", path=str(path), reason=problem.strerror
        ) from problem


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of whatever was at `path`; durable when this returns.

    Raises:
        LedgerFull: the disk refused; what is there is the old file or the new one, whole.
    """
    folder(path.parent)
    part = path.with_name(f".{path.name}{_PART}")
    with writing(path):
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            settle(path.parent)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def forget_unfinished(path: Path) -> None:
    """Take away what a crash left of files below `path` that were being written; for who alone writes there.

    Raises:
        LedgerFull: the disk refused.
    """
    with writing(path):
        for part in path.rglob(f".*{_PART}"):
            part.unlink(missing_ok=True)


def folder(path: Path) -> None:
    """Make a folder and those above it, so that the next crash does not take them away.

    Raises:
        LedgerFull: the disk refused.
    """
    if path.is_dir():
        return
    folder(path.parent)
    with writing(path):
        path.mkdir(exist_ok=True)
        settle(path.parent)


def settle(path: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: the disk refused.
    """
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
