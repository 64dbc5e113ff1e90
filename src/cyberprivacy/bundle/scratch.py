"""Private directories for work in progress, which the next start clears away if their owner was killed.

The owner holds a lock on the directory for as long as it lives; the kernel lets go of it when the process ends,
however it ends.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = ".unfinished-"
_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new directory in `parent` that only this user can enter; gone when the block ends.

    Raises:
        OSError: `parent` is not a directory that we can write to.
    """
    with _alone(parent):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = os.open(folder, _FLAGS)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the scratch directories of processes that are no more.

    Raises:
        OSError: `parent` is not a directory that we can read.
    """
    with _alone(parent):
        for folder in parent.glob(PREFIX + "*"):
            with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(folder, ignore_errors=True)


def _alone(parent: Path) -> AbstractContextManager[None]:
    """Nobody sweeps between the making of a scratch directory and its lock."""
    return _locked(parent.resolve(), fcntl.LOCK_EX)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    lock = os.open(folder, _FLAGS)
    try:
        fcntl.flock(lock, kind)
        yield
    finally:
        os.close(lock)
