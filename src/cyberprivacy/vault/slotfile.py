"""The key file and its table as bytes on a disk: headers, a lock, and a whole file in the place of another.

Source: docs/spec/udi-1.md, "The key file".
"""

import errno
import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.vault.keyroot import keep_name
from cyberprivacy.vault.keysegment import HEADER, BadKeyStore

SLOT_FILE: Final = b"udi1keys\0\0\0\1"
TABLE: Final = b"udi1segs\0\0\0\1"
"""How the two files begin."""


class NoKey(Untrusted):
    """There is no key for this owner: it was erased, or the database is older than an erasure."""

    code = "keystore.none"
    hint = "What was erased cannot come back. A restored database must be newer than the owner's last erasure."


class KeyStoreBusy(TryLater):
    """The key file cannot be used right now."""

    code = "keystore.disk"
    hint = "See to the disk, then start again."


class NoKeyStore(Misuse):
    """There is no key file here, or there is one already."""

    code = "keystore.place"
    hint = "Name the folder of the vault."


def header(kind: bytes, epoch: int) -> bytes:
    """The header of a file of this epoch."""
    body = (kind + epoch.to_bytes(4, "big")).ljust(HEADER - 4, b"\0")
    return body + zlib.crc32(body).to_bytes(4, "big")


def epoch_of(head: bytes, kind: bytes) -> int:
    """The epoch in a header; raises BadKeyStore."""
    epoch = int.from_bytes(head[len(kind) : len(kind) + 4], "big")
    if head != header(kind, epoch):
        raise BadKeyStore("not a key file", kind=kind[:8].decode())
    return epoch


def table_of(path: Path) -> Path:
    """The table of a key file: which segment is where, under which key."""
    return path.with_name(path.name + ".segments")


def unfinished(path: Path) -> Path:
    """The name of a file that is still being written."""
    return path.with_name(path.name + ".new")


def publish(path: Path, content: bytes) -> None:
    """Put a whole file in the place of the old one, if any: one or the other is there, whatever happens."""
    with os.fdopen(os.open(unfinished(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished(path).replace(path)
    keep_name(path)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """This key file's lock, kept when the block succeeds: two processes would overwrite each other's slots."""
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NoKeyStore("there can be no key file here", path=str(path), reason=error.strerror) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
    except BlockingIOError:
        os.close(lock)
        raise KeyStoreBusy("another process has the key file open", code="keystore.busy", path=str(path)) from None
    except BaseException:
        os.close(lock)
        raise


@contextmanager
def disk() -> Iterator[None]:
    """A block in which an `OSError` is about the disk; raises KeyStoreBusy."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise KeyStoreBusy(
            "no room for the key file" if full else "the disk failed",
            code="keystore.full" if full else "keystore.disk",
            reason=error.strerror,
        ) from error
