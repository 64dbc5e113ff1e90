"""The root file system: Debian's libraries and Python, the service's wheels, and our own package. Nothing else.

No shell, no package manager, no login, no init system, no setuid program: what is not in this list is not there.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import cyberprivacy
from cyberprivacy.build import base
from cyberprivacy.build.base import Entry, write_layer
from cyberprivacy.privacy_os.sources import wheel_files

PACKAGES: Final = "usr/lib/python3/dist-packages"
SERVICE: Final = "usr/lib/privacy-os/service"
_COMMAND: Final = "/usr/bin/python3.11\n-I\n-m\ncyberprivacy.privacy_os.service\n"
_LEFT_OUT: Final = frozenset({"testing", "cli", "__pycache__"})
"""Rooms of our package that a machine has no use for: what people type, and what tests pretend."""


def make_root(debs: Mapping[str, bytes], wheels: Mapping[str, Path], release: bytes) -> bytes:
    """All files of the root as a ustar.

    Args:
        debs: packages by name, as bytes.
        wheels: by file name.
        release: the text of os-release.
    """
    files = base.entries(debs)
    for _, wheel in sorted(wheels.items()):
        files |= {f"{PACKAGES}/{name}": Entry(0o644, data=data) for name, data in wheel_files(wheel).items()}
    files |= {f"{PACKAGES}/cyberprivacy/{name}": Entry(0o644, data=data) for name, data in _ours()}
    files["usr/lib/os-release"] = Entry(0o644, data=release)
    files[SERVICE] = Entry(0o644, data=_COMMAND.encode())
    for path in list(files):
        for parent in list(Path(path).parents)[:-1]:
            files.setdefault(str(parent), Entry(0o755))
    return write_layer({**files, **base.compiled(files), **base.compiled(files, library=PACKAGES)})


def _ours() -> Iterator[tuple[str, bytes]]:
    folder = Path(cyberprivacy.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        if not _LEFT_OUT & set(name.parts):
            yield name.as_posix(), path.read_bytes()
