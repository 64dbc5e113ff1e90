"""A small disk that can be filled to the last byte, and emptied again."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from cyberprivacy.testing import remains


class SmallDisk:
    """A file system of its own, in memory, below one folder; needs root."""

    def __init__(self, folder: Path, size: int) -> None:
        """Mount `size` bytes at `folder`, which is made when missing."""
        self._folder, self._filler = folder, folder / "filler"
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={size},mode=0711"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)

    def fill(self, *, leave: int = 0) -> None:
        """Leave no room at all, or so many bytes."""
        with self._filler.open("ab", buffering=0) as filler:
            while (free := os.statvfs(self._folder).f_bavail - leave // 4096) > 0:
                with suppress(OSError):  # somebody else may take some of it meanwhile
                    os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), free * 4096)

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the disk away, with whatever is mounted on it."""
        for point in reversed(remains.mounts(self._folder)):
            subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
