"""Private directories for work in progress, which the next start clears away if their owner was killed.

The owner holds a lock on the directory for as long as it lives; the kernel lets go of it when the process ends,
however it ends.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = ".unfinished-"


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new directory in `parent` that only this user can enter; gone when the block ends.

    Raises:
        OSError: `parent` is not a directory that we can write to.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the scratch directories of processes that are no more.

    A directory that was made this instant and isn't locked yet may be removed too; its owner then fails with an
    OSError and nothing is lost.
    """
    for folder in parent.glob(PREFIX + "*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
