"""A key node in a town: ONE process that keeps a part of the key of each machine's data disk."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from cyberprivacy.errors import TryLater
from cyberprivacy.testing.townmachine import HOST

_LAST: Final = "}\n"
"""How a document ends that is printed in lines."""


class TownKeyNode:
    """The installed program's key node, as a context manager: it runs while the block lasts.

    Args:
        folder: what it keeps; made.
        asked: whose TPMs and which software count, and which chain says so: words for `os key-node`.
    """

    def __init__(self, folder: Path, asked: Sequence[str | Path]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._asked = folder, [str(word) for word in asked]
        self._process: subprocess.Popen[str] | None = None
        self.data = ""
        """How machines in QEMU name it in their configuration."""

    @property
    def log(self) -> Path:
        """What it said: which machine got a part of which disk's key."""
        return self._folder / "key-node.log"

    def given(self) -> int:
        """How often it gave a part away."""
        return self.log.read_text().count("keys.released")

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "cyberprivacy", "os", "key-node", str(self._folder / "keys")]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--listen", "127.0.0.1:0", "--json", *self._asked],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ,
            )
        self.data = str(self._said()["data"]).replace("127.0.0.1", HOST)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _said(self) -> dict[str, Any]:
        """The document that it prints when it has begun to listen."""
        if self._process is None or self._process.stdout is None:
            raise TryLater("the key node was not started", code="town.key-node")
        said = ""
        for line in self._process.stdout:
            said += line
            if line == _LAST:
                return dict(json.loads(said))
        raise TryLater("the key node has ended", code="town.key-node", log=str(self.log))
