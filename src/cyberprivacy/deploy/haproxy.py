"""HAProxy's admin socket: what its servers do now, and telling them what to do next."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import TryLater

_MAINTENANCE: Final = 0x01 | 0x02 | 0x20 | 0x40  # by command, inherited, unresolved, by name
_DRAIN: Final = 0x08 | 0x10
_UP: Final = 2
_PATIENCE: Final = 5.0
"""Seconds for one command."""


class FrontSilent(TryLater):
    """The front does not answer on its admin socket, or does not do what it was told."""

    code = "front.silent"
    hint = "The node starts it again by itself; if it stays, look whether haproxy is installed."


@dataclass(frozen=True, slots=True)
class Slot:
    """A server of the application's backend.

    Attributes:
        name: "s1" and up.
        endpoint: where it leads; meaningless in maintenance.
        mode: "ready", "drain" or "maint".
        up: whether its connection check passes.
    """

    name: str
    endpoint: Endpoint
    mode: str
    up: bool


class AdminSocket:
    """One HAProxy process."""

    def __init__(self, path: Path) -> None:
        self._path, self.folder = path, path.parent

    def ask(self, command: str) -> str:
        """Give one command; returns the answer.

        Raises:
            FrontSilent: nobody answers.
        """
        try:
            return self._ask(command)
        except OSError as failure:
            raise FrontSilent("no answer on the admin socket", reason=type(failure).__name__) from None

    def _ask(self, command: str) -> str:
        deadline = time.monotonic() + _PATIENCE
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE)
            line.connect(str(self._path))
            line.sendall(command.encode() + b"\n")
            answer = b""
            while part := line.recv(65536):
                answer += part
                line.settimeout(max(0.001, deadline - time.monotonic()))
        return answer.decode(errors="replace").strip()

    def tell(self, command: str, *, expect: str = "") -> None:
        """Give a command whose answer must contain `expect`; "" = must be empty.

        Raises:
            FrontSilent: another answer.
        """
        answer = self.ask(command)
        if (expect not in answer) if expect else answer:
            raise FrontSilent("refused", command=command.partition("<<")[0], answer=answer[:200])

    def pid(self) -> int:
        """The process that listens now; 0 when there is none.

        Raises:
            FrontSilent: there is one, and it does not say. It must be neither forgotten nor doubled.
        """
        try:
            answer = self._ask("show info")
        except (FileNotFoundError, ConnectionRefusedError):
            return 0
        except OSError as failure:
            raise FrontSilent("the front hangs", reason=type(failure).__name__) from None
        pid = next((int(line[5:]) for line in answer.splitlines() if line.startswith("Pid: ")), 0)
        if not pid:
            raise FrontSilent("no process says who it is", answer=answer[:200])
        return pid

    def slots(self, backend: str) -> list[Slot]:
        """Every server of a backend, as it is now."""
        lines = self.ask(f"show servers state {backend}").splitlines()
        if len(lines) < 2:
            raise FrontSilent("no such backend", backend=backend)
        columns = lines[1].removeprefix("# ").split()
        return [_slot(dict(zip(columns, line.split(), strict=False))) for line in lines[2:]]

    def busy(self, backend: str) -> dict[str, int]:
        """Requests in flight, by server."""
        lines = self.ask("show stat").removeprefix("# ").splitlines()
        columns = lines[0].split(",")
        rows = (dict(zip(columns, line.split(","), strict=False)) for line in lines[1:])
        return {row["svname"]: int(row["scur"] or 0) for row in rows if row["pxname"] == backend}


def farewell(fronts: Sequence[AdminSocket], seconds: float) -> None:
    """Tell users for some seconds that their connections end, then take no more and wait as long for the rest.

    A front that hangs or has died meanwhile keeps nobody: its users are lost in any case.
    """
    for front in fronts:
        with suppress(FrontSilent):
            front.tell(f"add map {front.folder / 'reason.map'} leaving yes")
    time.sleep(seconds if fronts else 0)
    ending = [pid for front in fronts if (pid := _last_pid(front))]
    for pid in ending:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)  # it ends when nothing is in flight
    with suppress(FrontSilent):
        until(lambda: not any(alive(pid) for pid in ending), seconds, "requests in flight")


def _last_pid(front: AdminSocket) -> int:
    try:
        return front.pid()
    except FrontSilent:
        return 0


def _slot(row: dict[str, str]) -> Slot:
    admin = int(row["srv_admin_state"])
    mode = "maint" if admin & _MAINTENANCE else "drain" if admin & _DRAIN else "ready"
    return Slot(
        row["srv_name"],
        Endpoint(IPv4Address(row["srv_addr"]), int(row["srv_port"])),
        mode,
        int(row["srv_op_state"]) == _UP,
    )


def launch(folder: Path, identity: bytes, admin: AdminSocket, old: int) -> "subprocess.Popen[bytes]":
    """Start HAProxy; returns when it is the one that answers on the admin socket.

    Args:
        folder: with `haproxy.cfg`, `servers.cfg` and the admin socket.
        identity: PEM; it goes from memory to memory.
        admin: that socket.
        old: process that hands its listening sockets over and ends when its users are done; 0 = none.

    Raises:
        FrontSilent: it does not start; then it is gone.
    """
    takeover = ["-x", str(folder / "admin.sock"), "-sf", str(old)] if old else []
    memory = os.memfd_create("identity")
    with os.fdopen(memory, "wb") as file, tempfile.TemporaryFile() as complaints:
        file.write(identity)
        file.flush()
        # No core file may hold the key; `-db` stays in the foreground, so that its exit is seen.
        files = ["-f", str(folder / "haproxy.cfg"), "-f", str(folder / "servers.cfg")]
        process = subprocess.Popen(
            ["prlimit", "--core=0:0", "--", "haproxy", "-db", *files, *takeover],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env={"PATH": os.environ.get("PATH", "") + ":/usr/sbin", "IDENTITY": f"/proc/self/fd/{memory}"},
            pass_fds=(memory,),
            start_new_session=True,  # it outlives the node
        )
        try:
            until(lambda: process.poll() is not None or _listens(admin, process.pid), 10.0, "no start")
            if process.poll() is not None:
                raise FrontSilent("haproxy does not start", folder=str(folder), status=process.returncode)
        except FrontSilent as failure:
            complaints.seek(0)
            failure.facts["reason"] = complaints.read(2000).decode(errors="replace")
            process.kill()
            process.wait()
            raise
    return process


def _listens(admin: AdminSocket, pid: int) -> bool:
    try:
        return admin.pid() == pid
    except FrontSilent:  # one hands over to the other at this moment
        return False


def alive(pid: int) -> bool:
    """Whether this process is still there, and more than a name that nobody has collected."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Return when it is done.

    Raises:
        FrontSilent: it takes longer than this.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise FrontSilent(what, seconds=seconds)
        time.sleep(0.02)
