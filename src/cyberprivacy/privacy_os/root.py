"""The root file system: Debian's libraries and Python, engines, wheels, our own package. Nothing else.

No shell, no package manager, no login, no init system, no setuid program: what is not in these lists is not there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cyberprivacy
from cyberprivacy.build import base
from cyberprivacy.build.base import Entry, write_layer
from cyberprivacy.build.bytecode import INTERPRETER
from cyberprivacy.privacy_os.engines import engine_files
from cyberprivacy.privacy_os.preparing import NODE_CONFIG
from cyberprivacy.privacy_os.sources import wheel_files

PACKAGES: Final = "usr/lib/python3/dist-packages"
COMMANDS: Final = "usr/lib/privacy-os"
"""Folder of the commands that the first process starts, a word a line."""
_STARTED: Final = {
    "unlock": ("cyberprivacy.privacy_os.unlocking",),
    "prepare": ("cyberprivacy.privacy_os.preparing",),
    "door": ("cyberprivacy.privacy_os.service",),
    "node": ("cyberprivacy", "node", "start", "--config", str(NODE_CONFIG)),
}
_LOADER: Final = {
    "lib64": "usr/lib64",
    "usr/lib64/ld-linux-x86-64.so.2": "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
}
LEFT_OUT: Final = frozenset({"testing", "vault", "__pycache__"})
"""Rooms of our package that a machine has no use for: what tests pretend, and what applications bring along."""
_NEEDED: Final = frozenset({".py", ".json"})
_UNREAD: Final = re.compile(r"(?:.*/)?(?:tests?/|SelfTest/|test_[^/]*\Z|[^/]*\.(?:c|cpp|h|pxd|pxi|pyi|pyx|rs)\Z)")
"""What wheels bring that no running program reads: sources of compiled modules, types for checkers, own tests."""


Strip = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Takes shared libraries by path, and gives them without what only a debugger reads."""


def make_root(debs: Mapping[str, bytes], wheels: Mapping[str, Path], release: bytes, strip: Strip) -> bytes:
    """All files of the root as a ustar.

    Args:
        debs: packages by name, as bytes.
        wheels: by file name.
        release: the text of os-release.
        strip: for the wheels' libraries; Debian's have nothing to take away.
    """
    files = node_files(debs, wheels, strip)
    files["usr/lib/os-release"] = Entry(0o644, data=release)
    for name, words in _STARTED.items():
        command = "".join(f"{word}\n" for word in (f"/{INTERPRETER}", "-I", "-m", *words))
        files[f"{COMMANDS}/{name}"] = Entry(0o644, data=command.encode())
    return as_layer(files)


def node_files(debs: Mapping[str, bytes], wheels: Mapping[str, Path], strip: Strip) -> dict[str, Entry]:
    """What a node needs, by path: Python, engines, wheels, our package. See `make_root`."""
    files = {**_as_debian(base.entries(debs)), **engine_files(debs)}
    imported: dict[str, bytes] = {}
    for _, wheel in sorted(wheels.items()):
        imported |= {f"{PACKAGES}/{name}": data for name, data in wheel_files(wheel).items() if is_read(name)}
    imported |= strip({path: data for path, data in imported.items() if path.endswith(".so")})
    files |= {path: Entry(0o644, data=data) for path, data in imported.items()}
    named = f"Metadata-Version: 2.1\nName: cyberprivacy\nVersion: {version('cyberprivacy')}\n"
    files[f"{PACKAGES}/cyberprivacy.dist-info/METADATA"] = Entry(0o644, data=named.encode())
    return files | {f"{PACKAGES}/cyberprivacy/{name}": Entry(0o644, data=data) for name, data in _ours()}


def is_read(name: str) -> bool:
    """Whether a running program may read this file of a wheel."""
    return _UNREAD.match(name) is None


def as_layer(files: Mapping[str, Entry]) -> bytes:
    """Files with the folders that they lie in and their .pyc files, as a ustar."""
    whole = dict(files)
    for path in files:
        for parent in list(Path(path).parents)[:-1]:
            whole.setdefault(str(parent), Entry(0o755))
    with ThreadPoolExecutor() as several:  # each compiles in a process of its own, one file after the other
        made = [several.submit(base.compiled, whole, library=each) for each in (PACKAGES, base.STDLIB)]
        return write_layer({**whole, **made[0].result(), **made[1].result()})


def _as_debian(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """A base image's files with the loader where Debian has it: a build sees /usr, and links into it."""
    kept = {path: entry for path, entry in files.items() if path.partition("/")[0] != "lib64"}
    return {**kept, **{path: Entry(0o777, target=target) for path, target in _LOADER.items()}}


def _ours() -> Iterator[tuple[str, bytes]]:
    folder = Path(cyberprivacy.__file__).parent
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.suffix in _NEEDED and not LEFT_OUT & set(name.parts):
            yield name.as_posix(), path.read_bytes()
