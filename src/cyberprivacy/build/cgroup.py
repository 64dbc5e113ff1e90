"""A control group for one build, on cgroup v1 or v2, below the group that we are in ourselves.

What the machine does not offer is left out: resource limits (setrlimit) and the time limit still hold.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.errors import TryLater

ROOT: Final = Path("/sys/fs/cgroup")
PERIOD: Final = 100_000  # microseconds, the kernel's own default
PATIENCE: Final = 10.0  # seconds until killed processes must be gone
_CONTROLLERS: Final = ("memory", "pids", "cpu")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a group may use: bytes of memory (tmpfs included), processes, cores."""

    memory: int
    pids: int
    cpus: float


class Group:
    """One group over all hierarchies; made, filled, killed and removed by `confine`."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders

    def add(self, pid: int) -> None:
        """Put a process in, before it starts anything."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def members(self) -> set[int]:
        """Processes that are still in it."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        return found

    def out_of_memory(self) -> bool:
        """Whether the kernel killed something for its memory."""
        for folder in self.folders:
            for name in ("memory.oom_control", "memory.events"):
                with contextlib.suppress(OSError):
                    if re.search(r"^oom_kill [1-9]", (folder / name).read_text(), re.MULTILINE):
                        return True
        return False

    def end(self) -> None:
        """Kill what is left, and remove the group.

        Raises:
            TryLater: processes cannot be killed (they hang in the kernel).
        """
        deadline = time.monotonic() + PATIENCE
        while members := self.members():
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TryLater("a build's processes cannot be killed", code="build.stuck", pids=sorted(members))
            time.sleep(0.01)
        for folder in self.folders:
            _remove(folder, deadline)


def _remove(folder: Path, deadline: float) -> None:
    """A group of the dead stays busy for a moment until the kernel has reaped them."""
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as problem:
            if time.monotonic() > deadline:
                raise TryLater("a build's control group stays busy", code="build.stuck") from problem
            time.sleep(0.01)
        else:
            return


@contextlib.contextmanager
def confine(name: str, allowance: Allowance) -> Iterator[Group]:
    """A fresh group called `name`; whatever is in it is dead when this ends."""
    folders: list[Path] = []
    try:
        for parent in _parents():
            folder = parent / name
            try:
                folder.mkdir()
            except OSError:
                continue  # read-only or not ours to divide
            folders.append(folder)
            _limit(folder, allowance)
        yield Group(tuple(folders))
    finally:
        Group(tuple(folders)).end()


def sweep(prefix: str) -> None:
    """End groups that a killed node left behind; their names start with `prefix`."""
    for parent in _parents():
        for folder in parent.glob(f"{prefix}*"):
            Group((folder,)).end()


def _parents() -> Iterator[Path]:
    """Where a group can be made, once per hierarchy that limits something."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for _, controllers, path in lines:
        if not controllers:  # v2: a group with processes of its own may not divide, so stand beside it
            own = ROOT / path.lstrip("/")
            parent = own if own == ROOT else own.parent
            try:
                offered = (parent / "cgroup.controllers").read_text().split()
            except OSError:
                continue  # v1 machines mount v2 elsewhere, without controllers
            with contextlib.suppress(OSError):  # in most places this is done already
                wanted = " ".join(f"+{one}" for one in _CONTROLLERS if one in offered)
                (parent / "cgroup.subtree_control").write_text(wanted)
            yield parent
        elif set(controllers.split(",")) & set(_CONTROLLERS):
            parent = ROOT / controllers / path.lstrip("/")
            if parent.is_dir():
                yield parent


def _limit(folder: Path, allowance: Allowance) -> None:
    """Write what this hierarchy understands. Source: kernel docs, cgroup-v1/memory.rst, cgroup-v2.rst."""
    quota = int(allowance.cpus * PERIOD)
    for file, value in (
        ("memory.limit_in_bytes", str(allowance.memory)),
        ("memory.memsw.limit_in_bytes", str(allowance.memory)),
        ("memory.max", str(allowance.memory)),
        ("memory.swap.max", "0"),
        ("pids.max", str(allowance.pids)),
        ("cpu.cfs_quota_us", str(quota)),
        ("cpu.max", f"{quota} {PERIOD}"),
    ):
        if (folder / file).exists():
            (folder / file).write_text(value)
