"""Files that outlast the power. It imports little: each process of a starting machine needs it."""

import os
from pathlib import Path
from typing import Final

MAX_SEALED: Final = 4096
"""Bytes of what hardware has encrypted for itself, at most."""


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; when this returns, it outlasts the power."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # or the new name would be forgotten with the power
    finally:
        os.close(folder)
