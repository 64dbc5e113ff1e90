"""A file that is only readable under one key: parts of 256 KiB, each sealed for its place in this file.

What is on the disk is worth nothing once the key is gone, so an archive that waits to be fetched can be erased as
surely as a record. Layout: each part is nonce (12) || AES-256-GCM(part); the last one is shorter than
256 KiB, so that none can be left away at the end. Additional data: `udi1|file|<name>|<n>`.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from io import RawIOBase
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.errors import Untrusted

PART: Final = 256 << 10
_OVERHEAD: Final = 28


class BadFile(Untrusted):
    """A sealed file is not what was written."""

    code = "file.seal"
    hint = "Make it anew: the disk or somebody on it has changed it."


class SealedWriter(RawIOBase):
    """Writes a new file, part by part; only `close` makes it whole.

    Attributes:
        size: bytes of what was written so far.
    """

    def __init__(self, path: Path, key: AESGCM, name: str) -> None:
        """Begin a file that is not there yet.

        Raises:
            OSError: it is there, or cannot be.
        """
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._key, self._name, self._held, self._n = key, name, bytearray(), 0
        self.size, self._sha256 = 0, sha256()

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was written so far, 32 bytes."""
        return self._sha256.digest()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Take bytes; a part goes to the disk when it is full."""
        if self.closed:
            raise ValueError("written to after its end")  # its descriptor may be another file's by now
        assert isinstance(data, bytes | bytearray | memoryview)  # noqa: S101  (what zipfile writes)
        self.size += len(data)
        self._sha256.update(data)
        self._held += data
        full = len(self._held) // PART * PART
        for start in range(0, full, PART):
            self._put(bytes(self._held[start : start + PART]))
        del self._held[:full]
        return len(data)

    def close(self) -> None:
        """Write what is left, durably; twice does nothing more. On a full disk: OSError, and still closed."""
        if self.closed:
            return
        super().close()
        try:
            self._put(bytes(self._held))
            os.fsync(self._file)
        finally:
            os.close(self._file)

    def _put(self, part: bytes) -> None:
        nonce = os.urandom(12)
        sealed = nonce + self._key.encrypt(nonce, part, _bound(self._name, self._n))
        while sealed:
            sealed = sealed[os.write(self._file, sealed) :]
        self._n += 1


def parts(path: Path, key: AESGCM, name: str, *, first: int = 0) -> Iterator[bytes]:
    """What was written, from byte `first` on, to the end.

    Raises:
        BadFile: changed, cut, another file, or another key.
    """
    with path.open("rb") as file:
        n = first // PART
        file.seek(n * (PART + _OVERHEAD))
        skip = first % PART
        while True:
            sealed = file.read(PART + _OVERHEAD)
            try:
                part = key.decrypt(sealed[:12], sealed[12:], _bound(name, n))
            except (InvalidTag, ValueError):
                raise BadFile("a part of the file does not open", part=n) from None
            if skip < len(part):
                yield part[skip:]
            if len(part) < PART:
                return
            n, skip = n + 1, 0


def _bound(name: str, n: int) -> bytes:
    return f"udi1|file|{name}|{n}".encode()
