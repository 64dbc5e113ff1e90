"""LUKS2 with integrity: each block of 4096 bytes is encrypted, and carries a code that proves what was written.

AES-256-XTS with a random vector for each write, HMAC-SHA-256 over sector number, vector and ciphertext. A journal
makes block and code one write. A block that the host changed is an error when it is read; an older state of a
block, put back together with its code, is not noticed: that needs a tree over all blocks (docs/threat-model.md).

Source: cryptsetup(8), "Authenticated disk encryption"; Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst
and dm-integrity.rst.
"""

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy.errors import TryLater, Untrusted

NAME: Final = "data"
MAPPED: Final = Path("/dev/mapper") / NAME
HEADER: Final = Path("/run/luks-header")
"""In memory."""
CRYPTSETUP: Final = "/usr/sbin/cryptsetup"
MKFS: Final = "/usr/sbin/mke2fs"

_ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C", "DM_DISABLE_UDEV": "1"}
_WRONG_KEY: Final = 2
"""Source: cryptsetup(8), "Return codes"."""
_FORMAT: Final = (
    *("luksFormat", "--type", "luks2", "--batch-mode", "--cipher", "aes-xts-random", "--key-size", "512"),
    *("--integrity", "hmac-sha256", "--sector-size", "4096"),
    *("--luks2-metadata-size", "16k", "--luks2-keyslots-size", "512k"),
    # The key has 256 random bits: there is nothing to guess, and so nothing to make slow.
    *("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--hash", "sha256"),
)
_FILES: Final = (
    "-q",
    "-t",
    "ext4",
    "-e",
    "panic",
    "-m",
    "0",
    "-L",
    "privacy-data",
    "-E",
    "nodiscard,lazy_itable_init=0",
)
_NO_SET_ID: Final = 2
_NO_DEVICES: Final = 4


class Vessel(Protocol):
    """What keeps data on a partition, encrypted and authenticated."""

    def make(self, partition: Path, key: bytes) -> bytes:
        """Begin anew, with a file system; gives the header without which nothing opens.

        Raises:
            TryLater: a tool or the disk failed.
        """
        ...

    def open(self, partition: Path, key: bytes, header: bytes, place: Path) -> None:
        """Open it, and mount it.

        Raises:
            Untrusted: not with this key.
            TryLater: a tool or the disk failed.
        """
        ...


class Luks:
    """The kernel's device mapper, by cryptsetup. Keys reach it through a pipe."""

    def make(self, partition: Path, key: bytes) -> bytes:
        """See `Vessel`. Every block is written once, as a block that never was has no code."""
        HEADER.unlink(missing_ok=True)
        _run(CRYPTSETUP, *_FORMAT, "--header", str(HEADER), "--key-file", "-", str(partition), key=key)
        self._map(partition, key)
        _run(MKFS, *_FILES, str(MAPPED))
        _run(CRYPTSETUP, "close", NAME)
        header = HEADER.read_bytes()
        HEADER.unlink()
        return header

    def open(self, partition: Path, key: bytes, header: bytes, place: Path) -> None:
        """See `Vessel`. The header lies in memory: nobody exchanges it after it was checked."""
        HEADER.write_bytes(header)
        self._map(partition, key)
        HEADER.unlink()
        _mount(MAPPED, place)

    @staticmethod
    def _map(partition: Path, key: bytes) -> None:
        words = ("open", "--type", "luks2", "--header", str(HEADER), "--key-file", "-", str(partition), NAME)
        _run(CRYPTSETUP, *words, key=key)


def _run(program: str, *words: str, key: bytes = b"") -> None:
    done = subprocess.run([program, *words], input=key, env=_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode == _WRONG_KEY and program == CRYPTSETUP:
        raise Untrusted("the data disk does not open with its key", code="os.data-locked")
    if done.returncode:
        said = done.stderr.decode("ascii", "replace")[-300:]
        tool = f"{Path(program).name} {words[0]}"
        raise TryLater("a tool of the data disk failed", code="os.data-tool", tool=tool, said=said)


def _mount(device: Path, place: Path) -> None:
    """Without devices and programs that change their user; see `Mount::LAYERS` of the first process."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ctypes.c_ulong(_NO_SET_ID | _NO_DEVICES)
    if libc.mount(bytes(device), bytes(place), b"ext4", flags, None):
        reason = os.strerror(ctypes.get_errno())
        raise TryLater("the data disk cannot be mounted", code="os.data-tool", reason=reason)
