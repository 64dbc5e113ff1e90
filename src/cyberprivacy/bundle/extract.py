"""From blocks to a directory on disk: all of it, exactly it, or nothing.

The tree is written in a private directory, every name opened below the descriptor of its directory, never
through a symlink, never over something that exists; flushed; added again, which must give the same root; and
moved to its place in one step.
"""

import ctypes
import os
from pathlib import Path, PurePosixPath
from typing import Final

from cyberprivacy.bundle.graph import Find
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.profile import V1_2025
from cyberprivacy.bundle.reading import Entry, Reading
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.scratch import scratch
from cyberprivacy.bundle.space import require_space
from cyberprivacy.bundle.tree import DIRECTORY_MODE, FILE_MODE, TreeBlocks
from cyberprivacy.bundle.verified import SEAL, VerifiedBundle
from cyberprivacy.cid import Cid

_ONE_FLUSH_ABOVE: Final = 256
"""Entries above which the whole file system is flushed once: cheaper than thousands of fsyncs."""


def extract(root: Cid, find: Find, into: Path, limits: Limits = DEFAULT) -> VerifiedBundle:
    """Write the bundle to the new directory `into`.

    Args:
        root: CID of a directory.
        find: gives blocks whose hashes were checked.
        into: must not exist; its parent must.
        limits: what the bundle may hold.

    Raises:
        BadBundle, BadCid: the bundle is refused; "bundle.canonical": the tree has another CID than its blocks.
        Unavailable: bundle.missing, bundle.disk, bundle.inodes.
        FileExistsError: `into` exists.
        OSError: the disk failed.
    """
    plan = list(Reading(find, limits).entries(root))
    if plan[0].size is not None:
        raise BadBundle("a bundle is a directory, this is a file", code="bundle.kind", cid=str(root))
    require_space(into.parent, sum(entry.size or 0 for entry in plan), len(plan))
    with scratch(into.parent) as folder:
        made = folder / "tree"
        _write(plan, Reading(find, limits), made)
        size, entries = _prove(root, made, limits)
        made.rename(into)
        _flush(into.parent)
    return VerifiedBundle(cid=root, tree=into, size=size, entries=entries, seal=SEAL)


def _prove(root: Cid, made: Path, limits: Limits) -> tuple[int, int]:
    """Add the tree again; its bytes of content and its entries."""
    again = TreeBlocks(made, limits=limits, exact=True)
    if again.root != root:
        raise BadBundle(
            "the bundle has a second form: its files make another CID",
            code="bundle.canonical",
            cid=str(root),
            again=str(again.root),
            profile=V1_2025.name,
        )
    return again.size, again.entries


def _write(plan: list[Entry], reading: Reading, made: Path) -> None:
    """Make the directories and files of the plan, parents first."""
    one_flush = len(plan) > _ONE_FLUSH_ABOVE
    open_folders: list[tuple[PurePosixPath, int]] = []
    try:
        for entry in plan:
            while open_folders and open_folders[-1][0] != entry.path.parent:
                _close(open_folders.pop()[1], flush=not one_flush)
            above = open_folders[-1][1] if open_folders else None
            if entry.size is None:
                open_folders.append((entry.path, _new_folder(entry.path.name if above else made, above)))
            elif above is not None:
                _new_file(entry, reading, above, flush=not one_flush)
        if one_flush:
            _flush_all(open_folders[0][1])
    finally:
        while open_folders:
            _close(open_folders.pop()[1], flush=not one_flush)


def _new_folder(name: str | Path, above: int | None) -> int:
    os.mkdir(name, DIRECTORY_MODE, dir_fd=above)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(name, flags, dir_fd=above)
    os.fchmod(folder, DIRECTORY_MODE)  # mkdir's mode passes through the umask
    return folder


def _new_file(entry: Entry, reading: Reading, above: int, *, flush: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(entry.path.name, flags, FILE_MODE, dir_fd=above), "wb", buffering=0) as file:
        os.fchmod(file.fileno(), FILE_MODE)
        for part in reading.content(entry.cid, entry.size or 0):
            _write_all(file.fileno(), part)
        if flush:
            os.fsync(file.fileno())


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _close(folder: int, *, flush: bool) -> None:
    try:
        if flush:
            os.fsync(folder)
    finally:
        os.close(folder)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _close(descriptor, flush=True)


def _flush_all(folder: int) -> None:
    """Flush the file system that holds the folder (Linux syncfs), or all of them where that call is missing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()
    elif libc.syncfs(folder) != 0:
        raise OSError(ctypes.get_errno(), "cannot flush the file system")
