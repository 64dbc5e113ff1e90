"""Takes images out of the storage of a docker-registry that is not running.

Its own garbage collector keeps what a manifest names, so the manifests that nobody needs go first. Run beside a
registry that takes uploads it would remove layers whose manifest is still to come: hence never that.

Source: distribution.github.io, "Garbage collection"; the layout of its file system driver, version 2.
"""

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from cyberprivacy.errors import TryLater

ENV: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""For docker-registry: REGISTRY_* would change its settings."""
_ROOT: Final = Path("docker/registry/v2")


def dispensable(storage: Path, digests: Collection[str], unused_since: float) -> list[Path]:
    """The entries of manifests that are not among these digests and that came before a time.

    Args:
        storage: root of the file system driver.
        digests: "sha256:…".
        unused_since: seconds since 1970.
    """
    return [
        entry
        for repository in _repositories(storage)
        for entry in (repository / "_manifests/revisions/sha256").glob("*")
        if f"sha256:{entry.name}" not in digests and entry.stat().st_mtime < unused_since
    ]


def clean(storage: Path, config: Path, digests: Collection[str] = (), unused_since: float = 0.0) -> int:
    """Remove the images that are `dispensable`, and uploads that never ended; gives the bytes that are free now.

    Killed anywhere and done again, it comes to the same end; what a manifest that is still there names is never
    touched.

    Raises:
        TryLater: the garbage collector fails ("registry.cleaning").
        OSError: the disk failed.
    """
    if not (storage / _ROOT / "repositories").exists():
        return 0
    before = _size(storage)
    for entry in dispensable(storage, digests, unused_since):
        shutil.rmtree(entry)
    for repository in _repositories(storage):
        shutil.rmtree(repository / "_uploads", ignore_errors=True)
    _collect(config)
    for repository in _repositories(storage):
        _drop_links(storage, repository)
    return max(0, before - _size(storage))


def _repositories(storage: Path) -> Iterator[Path]:
    """Names of repositories have slashes, and no part of one begins with "_"."""
    for folder, names, _ in os.walk(storage / _ROOT / "repositories"):
        if any(name.startswith("_") for name in names):
            yield Path(folder)
        names[:] = [name for name in names if not name.startswith("_")]


def _collect(config: Path) -> None:
    command = ["docker-registry", "garbage-collect", str(config)]
    try:
        done = subprocess.run(command, env=ENV, cwd="/", capture_output=True, text=True, check=False)
    except OSError as problem:
        raise TryLater("docker-registry cannot be run", code="registry.cleaning") from problem
    if done.returncode:
        said = done.stderr.strip()[-400:]
        raise TryLater("the registry cannot be cleaned up", code="registry.cleaning", said=said)


def _drop_links(storage: Path, repository: Path) -> None:
    """A repository links to its layers; a link to nothing is litter."""
    for link in (repository / "_layers/sha256").glob("*"):
        if not (storage / _ROOT / "blobs/sha256" / link.name[:2] / link.name / "data").exists():
            shutil.rmtree(link)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("data"))
