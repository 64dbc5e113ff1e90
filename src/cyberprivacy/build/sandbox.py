"""Runs commands that we do not trust: no host files, no network, no privileges, bounded in every direction.

What goes in is a `View`; what comes out is one file of bounded size, through a pipe. Nothing of the host is
writable inside, so there is nothing to clean up but an empty mount point and a control group; the file
system of the sandbox lives in memory and dies with its last process. See `inside` for how it is made.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from cyberprivacy.build import cgroup
from cyberprivacy.build.scratch import on_disk, scratch
from cyberprivacy.errors import Misuse, TryLater, Untrusted

OWNER: Final = 500_000  # host uid and gid of root inside; 65536 of them
CHILD: Final = Path(__file__).with_name("inside.py")
LOG: Final = 64 << 10  # bytes of messages that are kept, the last ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one build may use.

    Attributes:
        memory: bytes, the sandbox's own files (a tmpfs) included.
        disk: bytes of files that the sandbox may hold; they count as memory.
        pids: processes and threads.
        cpus: cores.
        seconds: wall-clock time.
        result: bytes of the result.
    """

    memory: int = 6 << 30
    disk: int = 4 << 30
    pids: int = 1024
    cpus: float = 2.0
    seconds: float = 1800.0
    result: int = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The files that exist inside, by absolute path inside.

    Attributes:
        binds: host paths that are seen read-only.
        copies: host directories that are copied in, with modes 0644/0755 and all times `epoch`.
        texts: small files.
        links: symbolic links.
        folders: empty directories that may be written to; /tmp is one in any case.
        epoch: seconds since 1970.
    """

    binds: Mapping[str, Path] = field(default_factory=dict)
    copies: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    epoch: int = 0


class BuildFailed(Untrusted):
    """The recipe failed, or wanted what no build may have."""

    code = "build.failed"
    hint = "Run `cyberprivacy build` on the bundle to see the same failure at home."


class Sandbox:
    """Where builds run, one folder for all of them.

    Needs root: only root may map the user ids of another namespace.

    Args:
        work: private folder for mount points and drafts; no two nodes share one.
        limits: for each run.
    """

    def __init__(self, work: Path, limits: Limits | None = None) -> None:
        self._work, self._limits = work, limits or Limits()

    def run(
        self,
        commands: Sequence[Sequence[str]],
        view: View,
        *,
        env: Mapping[str, str],
        result: str | None = None,
        into: Path | None = None,
    ) -> str:
        """Run the commands one after the other, and bring out one file.

        Args:
            commands: argument lists; the first word is an absolute path inside.
            view: what exists inside.
            env: the whole environment.
            result: path inside of the file to bring out, if any.
            into: where it goes on the host; exists only when everything went well.

        Returns:
            The last messages of the commands.

        Raises:
            BuildFailed: a command failed ("build.failed"), ran out of time ("build.timeout"), memory
                ("build.memory") or room for its result ("build.size").
            TryLater: the sandbox could not be set up ("build.sandbox"), or the host's disk is full.
            Misuse: not root.
        """
        if os.geteuid():
            raise Misuse("builds need root, to give up more than a user can", code="build.root")
        with scratch(self._work, cgroup.sweep) as place, cgroup.confine(place.name, self._allowance()) as group:
            spec = self._spec(place / "root", commands, view, env, result)
            with on_disk():
                (place / "root").mkdir()
                file = (place / "result").open("xb", buffering=0)  # so that closing it cannot fail
            with file:
                code, log = self._converse(spec, group, file)
                self._judge(code, log, group)
                with on_disk():
                    os.fsync(file.fileno())
            if result and into:
                with on_disk():
                    (place / "result").replace(into)
            return log

    def _allowance(self) -> cgroup.Allowance:
        return cgroup.Allowance(self._limits.memory, self._limits.pids, self._limits.cpus)

    def _spec(
        self,
        root: Path,
        commands: Sequence[Sequence[str]],
        view: View,
        env: Mapping[str, str],
        result: str | None,
    ) -> bytes:
        limits = self._limits
        spec = {
            "root": str(root),
            "owner": OWNER,
            "disk": limits.disk,
            "epoch": view.epoch,
            "binds": {inside: str(path) for inside, path in view.binds.items()},
            "copies": {inside: str(path) for inside, path in view.copies.items()},
            "files": dict(view.texts),
            "links": dict(view.links),
            "folders": list(view.folders),
            "commands": [list(command) for command in commands],
            "env": dict(env),
            "result": result,
            "rlimits": {"core": 0, "nproc": limits.pids, "fsize": limits.disk, "nofile": 65536, "memlock": 65536},
        }
        return json.dumps(spec).encode()

    def _converse(self, spec: bytes, group: cgroup.Group, result: IO[bytes]) -> tuple[int | None, str]:
        """Start the helper, feed it, drain it; gives its exit code (None: out of time) and messages."""
        deadline = time.monotonic() + self._limits.seconds
        helper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            close_fds=True,
            start_new_session=True,  # away from our terminal: a build could type into it
        )
        try:
            group.add(helper.pid)  # it waits for its orders, so nothing runs outside the group
            assert helper.stdin  # noqa: S101 - a pipe was asked for
            with contextlib.suppress(BrokenPipeError):
                helper.stdin.write(spec)
            with contextlib.suppress(BrokenPipeError):
                helper.stdin.close()
            log = self._drain(helper, result, deadline)
            if log is None:
                return None, ""
            return helper.wait(max(0.1, deadline - time.monotonic())), log
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            helper.kill()  # pid 1 of the namespace asked to die with it, and takes the rest along
            helper.wait()
            for stream in (helper.stdin, helper.stdout, helper.stderr):
                if stream:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()

    def _drain(self, helper: subprocess.Popen[bytes], result: IO[bytes], deadline: float) -> str | None:
        """Read both streams to their ends; None when time ran out first."""
        log, size = bytearray(), 0
        with selectors.DefaultSelector() as waiting:
            for stream in (helper.stdout, helper.stderr):
                assert stream  # noqa: S101 - a pipe was asked for
                waiting.register(stream, selectors.EVENT_READ)
            while waiting.get_map():
                ready = waiting.select(deadline - time.monotonic())
                if not ready:
                    return None
                for key, _ in ready:
                    part = os.read(key.fd, 1 << 16)
                    if not part:
                        waiting.unregister(key.fileobj)
                    elif key.fileobj is helper.stderr:
                        log += part
                        del log[:-LOG]
                    elif (size := size + len(part)) > self._limits.result:
                        raise BuildFailed("the result is too large", code="build.size", limit=self._limits.result)
                    else:
                        with on_disk():
                            _write(result.fileno(), part)
        return log.decode("utf-8", "replace")

    def _judge(self, code: int | None, log: str, group: cgroup.Group) -> None:
        tail = log.strip()[-2000:]
        if code is None:
            limit = self._limits.seconds
            raise BuildFailed("the build ran out of time", code="build.timeout", seconds=limit)
        if code and group.out_of_memory():
            raise BuildFailed(
                "the build ran out of memory", code="build.memory", limit=self._limits.memory, log=tail
            )
        if code in {11, 12}:  # inside.COMMAND_FAILED, inside.NO_RESULT
            raise BuildFailed("a step of the recipe failed", log=tail)
        if code:
            raise TryLater("the sandbox could not be set up", code="build.sandbox", exit=code, log=tail)


def _write(file: int, part: bytes) -> None:
    """The whole of it; one write(2) may take less."""
    while part:
        part = part[os.write(file, part) :]
