"""A node as a container image, for clusters.

The files are those of the Privacy OS's root, and what a container has instead of a machine: a software TPM, and a
shell for the lines of a Job. The same sources give the same digest everywhere. It proves nothing by itself: a
cluster's machines are trusted by whoever trusts their operator.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cyberprivacy.build.base import LIBRARIES, Entry, store_image
from cyberprivacy.build.bytecode import INTERPRETER
from cyberprivacy.build.debian import Package, unpack
from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import Layout
from cyberprivacy.build.scratch import on_disk
from cyberprivacy.privacy_os.engines import CONTAINER
from cyberprivacy.privacy_os.root import as_layer, node_files

REPOSITORY: Final = "cyberprivacy/node"
COMMAND: Final = "usr/bin/cyberprivacy"
_RUN: Final[Mapping[str, object]] = {
    "Env": [
        "PATH=/usr/sbin:/usr/bin",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
    ],
    "Entrypoint": [f"/{COMMAND}"],
    "WorkingDir": "/",
}
_STARTS: Final = f"#!/{INTERPRETER} -I\nfrom cyberprivacy.cli import main\n\nmain()\n"
_PROGRAMS: Final = {"bin/dash": "usr/bin/dash", "usr/bin/swtpm": "usr/bin/swtpm"}
"""Of the packages of `CONTAINER`: where each has a program, and where it lies in the image."""
_BESIDE: Final = f"{LIBRARIES}/swtpm/"
_LINKS: Final = {"bin": "usr/bin", "sbin": "usr/sbin", "usr/bin/sh": "dash"}


def make_container(packages: Mapping[Package, bytes], wheels: Mapping[str, Path], layout: Layout) -> Digest:
    """Store the image in a layout, under the name `cyberprivacy/node`.

    Args:
        packages: Debian's; see `gather_container`.
        wheels: by file name.
        layout: made when missing; other images in it stay.

    Raises:
        TryLater: the disk is full, or fails.
    """
    debs = {package.name: data for package, data in packages.items()}
    files = node_files(debs, wheels, lambda libraries: libraries) | _beside(debs)
    layer = as_layer(files)
    with on_disk():
        digest = store_image(layout, layer, _RUN, packages, by="os container")
        layout.name(REPOSITORY, digest)
    return digest


def _beside(debs: Mapping[str, bytes]) -> dict[str, Entry]:
    found = {path: Entry(0o777, target=target) for path, target in _LINKS.items()}
    found[COMMAND] = Entry(0o755, data=_STARTS.encode())
    for name in CONTAINER:
        with unpack(debs[name]) as tree:
            for member in tree:
                path = member.name.removeprefix("./")
                to = _PROGRAMS.get(path) or (path if path.startswith(_BESIDE) else None)
                file = tree.extractfile(member) if to and member.isreg() else None
                if to and member.issym():
                    found[to] = Entry(0o777, target=member.linkname)
                elif to and file is not None:
                    found[to] = Entry(0o755 if member.mode & 0o100 else 0o644, data=file.read())
    return found
