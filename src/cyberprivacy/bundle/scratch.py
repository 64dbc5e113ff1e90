"""Work in progress: private directories that the next start clears away if their owner was killed, folders in use.

Whoever works holds a lock on a directory for as long as it lives; the kernel lets go of it when the process ends,
however it ends.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = ".cyberprivacy-unfinished-"
_OURS: Final = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}\Z")  # as mkdtemp ends names
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
    """Remove the scratch directories of processes that are no more, and nothing else.

    Raises:
        OSError: `parent` is not a directory that we can read.
    """
    with _alone(parent):
        for folder in parent.iterdir():
            if not _OURS.match(folder.name):
                continue
            with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(folder, ignore_errors=True)


def in_use(folder: Path) -> AbstractContextManager[None]:
    """Nobody cleans this folder up while the block lasts; many may use it at once. Waits for a cleaner.

    Not for a folder that is the parent of scratch directories.

    Raises:
        OSError: not a directory that we can read.
    """
    return _locked(folder, fcntl.LOCK_SH)


@contextmanager
def if_unused(folder: Path) -> Iterator[bool]:
    """Whether nobody uses this folder; if so, nobody begins to while the block lasts.

    Raises:
        OSError: not a directory that we can read.
    """
    lock = os.open(folder, _FLAGS)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused = True
        except BlockingIOError:
            unused = False
        yield unused
    finally:
        os.close(lock)


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
