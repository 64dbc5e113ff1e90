"""What a node has on its machine beside its files in order: processes, mounts, and work that nobody finished.

After a crash a node must come to the same end as without one, and that includes what it leaves lying about.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Final

from cyberprivacy.build.scratch import prefix

FOREIGN: Final = ("containers", "volumes", "bundles")
"""Folders of a node's data below which others choose the names of files: an engine, users, an author."""
UNFINISHED: Final = (".part", ".new", ".draft", ".tmp")
"""How names end while a file is being written."""


def processes(*folders: Path) -> Counter[str]:
    """How many processes of each program have one of these folders in their command line."""
    found: Counter[str] = Counter()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended while we looked
            continue
        if any(os.fsencode(folder) in word for folder in folders for word in words):
            found[Path(os.fsdecode(words[0])).name] += 1
    return found


def mounts(*folders: Path) -> list[str]:
    """Mount points of this machine below these folders."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted(point for point in points if any(Path(point).is_relative_to(folder) for folder in folders))


def groups(sandboxes: Path) -> list[Path]:
    """Control groups of builds in this folder, whoever is in them."""
    return sorted(Path("/sys/fs/cgroup").rglob(f"{prefix(sandboxes)}*"))


def unfinished(data: Path) -> list[str]:
    """Files and folders below a node's data directory that only exist while something is being done."""
    found: list[str] = []
    for folder, folders, files in os.walk(data):
        here = Path(folder)
        found += [str((here / name).relative_to(data)) for name in (*folders, *files) if _in_work(here, name)]
        if here.parent == data and here.name in FOREIGN:
            folders.clear()
    return sorted(found)


def _in_work(folder: Path, name: str) -> bool:
    if name == ".lock" and folder.name == "tpm":
        return False  # of swtpm, for as long as there is a TPM
    return (
        name.startswith((".", "cyberprivacy-"))
        or name.endswith(UNFINISHED)
        or folder.name in ("_uploads", "incoming")
    )
