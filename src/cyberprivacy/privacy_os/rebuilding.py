"""What sources of the Privacy OS measure, by their own builder: for whoever is to vote on them.

The builder is theirs, as another version makes other bytes. What the image measures is computed here, from the
file: a builder that names another number deceives nobody.
"""

import os
import subprocess
from pathlib import Path
from shutil import which
from typing import Final

from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.privacy_os.image import PROGRAM
from cyberprivacy.privacy_os.release import Measured

MAX_PROGRAM: Final = 512 << 20
_LATER: Final = 3
_TOLD: Final = frozenset({"HOME", "LANG", "PATH", "TERM", "SSL_CERT_FILE"})
"""What the builder is told of whoever calls it; also all that begins with UV_ or PIP_, and names of proxies."""


def rebuild(tree: Path, work: Path, cache: Path) -> Measured:
    """Have sources make their image, and measure it; minutes. What the builder says goes to stderr.

    Args:
        tree: verified sources; their builder runs as whoever calls this.
        work: a folder for what is made: `os` in it has the image afterwards.
        cache: where packages and tools are kept by hash.

    Returns:
        What it measures.

    Raises:
        Untrusted: the sources make no image ("os.rebuild").
        TryLater: the network or the disk failed.
        Misuse: there is no `uv`, which fetches what their lock names.
    """
    uv = which("uv")
    if uv is None:
        hint = "Install uv: the sources' own lock says with which libraries they are built."
        raise Misuse("there is no uv", code="os.uv", hint=hint)
    made = work / "os"
    command = (
        *(uv, "run", "--locked", "--no-dev", "--project", str(tree), "cyberprivacy", "os", "build"),
        *("--sources", str(tree / "os"), "--cache", str(cache), "--to", str(made)),
    )
    done = subprocess.run(command, env=_environment(work), stdout=subprocess.DEVNULL, check=False)
    if done.returncode == _LATER:
        raise TryLater("the builder of the sources says: later", code="os.rebuild")
    try:
        with (made / PROGRAM).open("rb") as file:
            program = file.read(MAX_PROGRAM + 1)
    except FileNotFoundError:
        program = b""
    if done.returncode or not program:
        raise Untrusted("the sources make no image", code="os.rebuild", exit_code=done.returncode)
    return Measured.of(program)


def _environment(work: Path) -> dict[str, str]:
    told = {
        name: value
        for name, value in os.environ.items()
        if name in _TOLD or name.startswith(("UV_", "PIP_")) or name.lower().endswith("_proxy")
    }
    return {**told, "UV_PROJECT_ENVIRONMENT": str(work / "environment")}
