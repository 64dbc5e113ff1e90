"""Whether a disk has room for what is about to be written, and what to say when it refuses."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.errors import CyberPrivacyError, Misuse

RESERVE: Final = 64 << 20
"""Bytes that stay free, so that the machine's own logs and journals can still be written."""

RESERVE_FILES: Final = 1000

_BLOCK: Final = 4096
_WRONG_PLACE: Final = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP),
}
"""Refusals that stay the same however often one asks."""


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


@contextmanager
def on_disk() -> Iterator[None]:
    """A block in which an `OSError` is about the place that somebody named, or about the disk.

    Raises:
        Misuse: "bundle.place": nothing can be read or written there.
        Unavailable: "bundle.disk": the disk is full or failed.
    """
    try:
        yield
    except OSError as problem:
        raise _fault(problem) from problem


def _fault(problem: OSError) -> CyberPrivacyError:
    facts = {"path": str(problem.filename), "reason": str(problem.strerror)}
    if problem.errno in _WRONG_PLACE:
        hint = "Name a place that exists, and that you may use."
        return Misuse("cannot read or write there", code="bundle.place", hint=hint, **facts)
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "the disk is full" if full else "the disk failed"
    return Unavailable(what, code="bundle.disk", hint="See to the disk, then try again.", **facts)
