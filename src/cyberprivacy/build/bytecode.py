"""Compiles an image's Python library ahead of time, with the image's own interpreter.

Applications run on a read-only root, so what is not compiled here would be compiled at every start. The
interpreter comes from packages that were checked by hash, and it sees nothing but its own files; what it
writes depends on those alone (fixed hash seed, no times: PEP 552 unchecked hashes).
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse

LOADER: Final = "ld-linux-x86-64.so.2"
INTERPRETER: Final = "usr/bin/python3.11"


def compile_library(files: Mapping[str, bytes], *, library: str, shared: str) -> dict[str, bytes]:
    """The .pyc files of a standard library.

    Args:
        files: the image's files by path: interpreter, shared libraries, the library to compile.
        library: folder of the Python library, such as "usr/lib/python3.11".
        shared: folder of the shared libraries.

    Raises:
        Misuse: this machine cannot run the image's interpreter ("base.host").
    """
    with tempfile.TemporaryDirectory(prefix="cyberprivacy-base-") as folder:
        root = Path(folder)
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
            (root / path).chmod(0o755)
        command: list[str | Path] = [
            root / shared / LOADER,
            "--library-path",
            root / shared,
            root / INTERPRETER,
            "-S",
            "-s",
            "-m",
        ]
        command += [
            "compileall",
            "-q",
            "-s",
            root,
            "-p",
            "/",
            "--invalidation-mode",
            "unchecked-hash",
            root / library,
        ]
        env = {"PYTHONHOME": str(root / "usr"), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [str(word) for word in command], env=env, capture_output=True, text=True, check=False, cwd=root
            )
        except OSError as problem:
            raise _not_here(str(problem)) from problem
        if done.returncode:
            raise _not_here(done.stdout[-400:] + done.stderr[-400:])
        found = sorted((root / library).rglob("*.pyc"))
        return {os.fspath(path.relative_to(root)): path.read_bytes() for path in found}


def _not_here(said: str) -> Misuse:
    return Misuse(
        "this machine cannot run the base image's Python",
        code="base.host",
        hint="Base images are made on Linux on x86-64; take one from a registry instead.",
        said=said,
    )
