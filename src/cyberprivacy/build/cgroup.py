"""A control group for one build, on cgroup v1 or v2, below the group that we are in ourselves.

A build whose memory or processes the machine cannot limit does not start. A share of the processor is only
fair play: where that is not offered, the time limit still holds.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.errors import TryLater

ROOT: Final = Path("/sys/fs/cgroup")
PERIOD: Final = 100_000  # microseconds, the kernel's own default
PATIENCE: Final = 10.0  # seconds until killed processes must be gone
_CONTROLLERS: Final = ("memory", "pids", "cpu")
_NEEDED: Final = (
    ("memory", {"memory.limit_in_bytes", "memory.max"}),
    ("pids", {"pids.max"}),
)
"""What must be limited, and the files of either version by which it is."""


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
        """Put a process in, before it starts anything.

        Raises:
            TryLater: "build.sandbox".
        """
        for folder in self.folders:
            _write(folder / "cgroup.procs", str(pid))

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
def confine(name: str, allowance: Allowance, parents: Iterable[Path] | None = None) -> Iterator[Group]:
    """A fresh group called `name`; whatever is in it is dead when this ends.

    Args:
        name: of the group.
        allowance: its limits.
        parents: a folder in each hierarchy where it is made; None looks for them.

    Raises:
        TryLater: memory or processes cannot be limited ("build.sandbox"), or what was in it cannot be ended.
    """
    folders: list[Path] = []
    limited: set[str] = set()
    problem = "no control group offers it"
    try:
        for parent in _parents() if parents is None else parents:
            folder = parent / name
            try:
                folder.mkdir()
            except OSError as refusal:
                problem = str(refusal)  # read-only or not ours to divide; another hierarchy may be
                continue
            folders.append(folder)
            limited |= _limit(folder, allowance)
        if missing := [what for what, files in _NEEDED if not files & limited]:
            raise _unconfined(problem, missing=missing)
        yield Group(tuple(folders))
    finally:
        Group(tuple(folders)).end()


def _unconfined(problem: str, **facts: object) -> TryLater:
    return TryLater(
        "a build cannot be confined on this machine",
        code="build.sandbox",
        hint="Builds need control groups (v1 or v2) that this process may divide, with memory and pids.",
        problem=problem,
        **facts,
    )


def sweep(prefix: str) -> None:
    """End groups that a killed node left behind; their names start with `prefix`."""
    for parent in _parents():
        for folder in parent.glob(f"{prefix}*"):
            Group((folder,)).end()


def _parents(membership: str | None = None, root: Path = ROOT) -> Iterator[Path]:
    """Where a group can be made, once per hierarchy that limits something. Source: cgroups(7), /proc/pid/cgroup.

    Args:
        membership: which groups we are in; None asks the kernel.
        root: where hierarchies are mounted.
    """
    if membership is None:
        try:
            membership = Path("/proc/self/cgroup").read_text()
        except OSError as problem:
            raise _unconfined(str(problem)) from problem
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:  # v2: a group with processes of its own may not divide, so stand beside it
            own = root / path.lstrip("/")
            parent = own if own == root else own.parent
            try:
                offered = (parent / "cgroup.controllers").read_text().split()
            except OSError:
                continue  # v1 machines mount v2 elsewhere, without controllers
            for one in _CONTROLLERS:
                if one in offered:
                    with contextlib.suppress(OSError):  # in most places this is done already
                        (parent / "cgroup.subtree_control").write_text(f"+{one}")
            yield parent
        elif set(controllers.split(",")) & set(_CONTROLLERS):
            hierarchy = root / controllers
            parent = hierarchy / path.lstrip("/")
            if hierarchy.is_dir():  # in a container, what is mounted there is our own group already
                yield parent if parent.is_dir() else hierarchy


def _limit(folder: Path, allowance: Allowance) -> set[str]:
    """Write what this hierarchy understands; gives the names of the files.

    Source: kernel docs, cgroup-v1/memory.rst, cgroup-v2.rst.
    """
    quota = int(allowance.cpus * PERIOD)
    written: set[str] = set()
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
            _write(folder / file, value)
            written.add(file)
    return written


def _write(file: Path, value: str) -> None:
    try:
        file.write_text(value)
    except OSError as problem:
        raise _unconfined(str(problem)) from problem
