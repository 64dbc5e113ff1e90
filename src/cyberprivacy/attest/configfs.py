"""The files of configfs-tsm: one folder for one question, values in one piece, sizes that say nothing.

Source: Linux, Documentation/filesystems/configfs.rst.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_OURS: Final = re.compile(r"cyberprivacy-([0-9]{1,10})-[0-9a-f]{16}")
_MAX_TEXT: Final = 256


@contextmanager
def entry(folder: Path) -> Iterator[Path]:
    """A folder for one question; it is removed whatever happens."""
    _sweep(folder)
    made = folder / f"cyberprivacy-{os.getpid()}-{secrets.token_hex(8)}"
    made.mkdir()
    try:
        yield made
    finally:
        with suppress(OSError):  # the answer counts; somebody else may have removed it, too
            made.rmdir()


def _sweep(folder: Path) -> None:
    """Remove what processes left behind that were killed: the kernel keeps an answer in its memory for each."""
    for left in folder.iterdir():
        ours = _OURS.fullmatch(left.name)
        if ours and not Path("/proc", ours[1]).exists():
            with suppress(OSError):
                left.rmdir()


def read(path: Path, limit: int) -> bytes:
    """A file to its end, in as many parts as the kernel likes; its size says nothing there.

    Raises:
        OSError: as the kernel; EFBIG for more than `limit` bytes.
    """
    found = bytearray()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while part := os.read(descriptor, limit + 1 - len(found)):
            found += part
            if len(found) > limit:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(descriptor)
    return bytes(found)


def write(path: Path, data: bytes) -> None:
    """Write at once: the kernel takes a value as one piece."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.EIO, "a value was cut off", str(path))
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(descriptor)


def text(path: Path) -> str:
    """A short value, without the end of its line."""
    return read(path, _MAX_TEXT).decode("ascii", "replace").strip()


def number(path: Path) -> int:
    """A short value that is a number, 0 or more."""
    said = text(path)
    if not said.isdecimal() or len(said) > 20:
        raise OSError(errno.EIO, "not a number", str(path))
    return int(said)
