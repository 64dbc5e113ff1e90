"""HAProxy's admin socket: what its servers do now, and telling them what to do next."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import TryLater

_MAINTENANCE: Final = 0x01 | 0x02 | 0x20 | 0x40  # by command, inherited, unresolved, by name
_DRAIN: Final = 0x08 | 0x10
_UP: Final = 2


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
        self._path = path

    def ask(self, command: str) -> str:
        """Give one command; returns the answer.

        Raises:
            FrontSilent: nobody answers.
        """
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(5)
                line.connect(str(self._path))
                line.sendall(command.encode() + b"\n")
                answer = b""
                while part := line.recv(65536):
                    answer += part
        except OSError as failure:
            raise FrontSilent("no answer on the admin socket", reason=type(failure).__name__) from None
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
        """The process that listens now; 0 when nobody does."""
        try:
            answer = self.ask("show info")
        except FrontSilent:
            return 0
        return next((int(line[5:]) for line in answer.splitlines() if line.startswith("Pid: ")), 0)

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


def _slot(row: dict[str, str]) -> Slot:
    admin = int(row["srv_admin_state"])
    mode = "maint" if admin & _MAINTENANCE else "drain" if admin & _DRAIN else "ready"
    return Slot(
        row["srv_name"],
        Endpoint(IPv4Address(row["srv_addr"]), int(row["srv_port"])),
        mode,
        int(row["srv_op_state"]) == _UP,
    )
