"""Folders that nobody finds again: private while their maker lives, removed when it is gone.

The kernel drops a dead process's locks, so a folder whose lock can be had belongs to nobody.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from cyberprivacy.errors import TryLater


def prefix(work: Path) -> str:
    """What the names of all scratch folders below `work` start with; differs from folder to folder."""
    return f"cyberprivacy-{sha256(str(work.resolve()).encode()).hexdigest()[:8]}-"


@contextlib.contextmanager
def scratch(work: Path, abandoned: Callable[[str], None] = lambda _: None) -> Iterator[Path]:
    """A fresh private folder below `work`, removed at the end; those of the dead are removed first.

    Args:
        work: parent folder, made when missing.
        abandoned: called with the name of a dead maker's folder before it is removed.

    Raises:
        TryLater: the disk is full or failed.
    """
    try:
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(work, fcntl.LOCK_EX):
            for old in work.glob(f"{prefix(work)}*"):
                # Its maker holds it, or has just removed it by itself.
                gone = contextlib.suppress(BlockingIOError, FileNotFoundError)
                with gone, _locked(old, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    abandoned(old.name)
                    shutil.rmtree(old)
            place = work / f"{prefix(work)}{os.urandom(6).hex()}"
            place.mkdir(mode=0o700)
            hold = _locked(place, fcntl.LOCK_EX)
            hold.__enter__()
    except OSError as problem:
        raise disk_problem(problem) from problem
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        hold.__exit__(None, None, None)


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def on_disk() -> Iterator[None]:
    """A block in which an `OSError` is the disk's.

    Raises:
        TryLater: as `disk_problem` says.
    """
    try:
        yield
    except OSError as problem:
        raise disk_problem(problem) from problem


def disk_problem(problem: OSError) -> TryLater:
    """What to say of a failed read or write: "disk.full" or "disk.failed"."""
    full = problem.errno in {errno.ENOSPC, errno.EDQUOT}
    what = "the disk is full" if full else "the disk failed"
    return TryLater(
        what,
        code="disk.full" if full else "disk.failed",
        hint="Make room; nothing was lost.",
        waits_for="room on the disk",
        problem=str(problem),
    )
