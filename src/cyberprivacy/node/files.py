"""Small files that must be whole or not there: a node may be killed between any two lines."""

import os
from pathlib import Path

from cyberprivacy.build.scratch import disk_problem


def replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` in the place of whatever was at `path`; after a crash it is the old or the new, never a part.

    Raises:
        TryLater: the disk refused; the old file is as it was.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        _write(part, data, mode)
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise disk_problem(problem) from problem


def _write(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)  # all of it: write(2) alone takes less when a disk is nearly full, and says so to nobody
        file.flush()
        os.fsync(file.fileno())
