"""Whether a disk has room for what is about to be written."""

import os
from pathlib import Path
from typing import Final

from cyberprivacy.bundle.refusals import Unavailable

RESERVE: Final = 64 << 20
"""Bytes that stay free, so that the machine's own logs and journals can still be written."""

RESERVE_FILES: Final = 1000

_BLOCK: Final = 4096


def require_space(folder: Path, size: int, files: int) -> None:
    """Refuse before anything is written if `size` bytes in `files` files would not fit below `folder`.

    Raises:
        Unavailable: bundle.disk or bundle.inodes.
    """
    found = os.statvfs(folder)
    needed = size + files * _BLOCK + RESERVE
    free = found.f_bavail * found.f_frsize
    if free < needed:
        raise Unavailable(
            "too little room on the disk",
            code="bundle.disk",
            hint="Free some space, then try again.",
            folder=str(folder),
            needed=needed,
            free=free,
        )
    if found.f_files and found.f_favail < files + RESERVE_FILES:  # 0: the file system does not count them
        raise Unavailable(
            "too few inodes on the disk",
            code="bundle.inodes",
            hint="Remove some files, then try again.",
            folder=str(folder),
            needed=files + RESERVE_FILES,
            free=found.f_favail,
        )
