"""A real OCI image for the tests, made from the machine's own Python: no network, no builder, two seconds."""

import gzip
import io
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from cyberprivacy.testing.ociimages import app_layer, write_image

__all__ = ["app_layer", "python_layer", "write_image"]
PYTHON = Path("/usr/bin/python3.11")
STDLIB = Path("/usr/lib/python3.11")
LEFT_OUT = {"test", "lib2to3", "idlelib", "pydoc_data", "ensurepip", "tkinter", "__pycache__", "distutils"}


def _libraries() -> Iterator[Path]:
    for binary in [PYTHON, *(STDLIB / "lib-dynload").glob("*.so")]:
        listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
        yield from (Path(path) for path in re.findall(r"(/\S+) \(0x", listed))


def python_layer() -> bytes:
    """A gzipped tar with the interpreter, its standard library and the libraries that both need."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path in sorted(set(_libraries())):
            tar.add(path.resolve(), str(path))
        tar.add(PYTHON, "usr/bin/python3")
        tar.add(STDLIB, "usr/lib/python3.11", filter=_keep)
        for folder in ("tmp", "data", "etc", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def _keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(entry.name).parts
    if LEFT_OUT & set(parts) or any(part.startswith("config-3.11") for part in parts) or entry.issym():
        return None
    return entry
