"""A network of its own on this machine: namespaces, a bridge between them, and cables that can be cut.

The bridge lies in a namespace of its own, so no rule of this machine's firewall meets what the others say to one
another. Nothing has a name that could stay behind: namespaces live as long as a process in them, cables as long as
both of their ends, and the kernel ends each process when the thread that started it does, so that even `kill -9`
leaves nothing.
"""

import secrets
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, Self

from cyberprivacy.errors import Misuse, TryLater

_RANGE: Final = IPv4Network("198.18.0.0/15")
"""For networks that nobody else has. Source: RFC 2544 appendix C.2.2."""
_PATIENCE: Final = 10.0


class NoWires(TryLater):
    """A network cannot be made on this machine."""

    code = "wires.failed"
    hint = "Run it as root, where iproute2 and util-linux are installed."


def inside(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a process in a network namespace of its own. It does not outlive the thread that calls this.

    Raises:
        NoWires: no right to, or a tool is missing.
    """
    try:
        made = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--net", "--", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise NoWires("a tool is missing", tool="setpriv") from error
    ours, end = Path("/proc/self/ns/net").readlink(), time.monotonic() + _PATIENCE
    while made.poll() is None and time.monotonic() < end:
        with suppress(OSError):  # it has just ended
            if Path(f"/proc/{made.pid}/ns/net").readlink() != ours:
                return made
        time.sleep(0.005)
    end_of(made)
    raise NoWires("a process gets no network namespace", command=command[0])


def end_of(process: "subprocess.Popen[bytes]") -> None:
    """End a process of ours, whatever it does, and let go of its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


class Wires:
    """One bridge, this machine at its end, and whoever is plugged in.

    Attributes:
        network: a /24; the cluster with number n has address n in it, this machine the last one.
    """

    def __init__(self) -> None:
        """Make the bridge.

        Raises:
            NoWires: no right to, or a tool is missing.
        """
        self.network = _free()
        self._link = f"cpw{secrets.token_hex(3)}"
        self._bridge = inside(["cat"])
        try:
            self._within("ip", "link", "add", "br0", "type", "bridge")
            self._within("ip", "link", "set", "dev", "br0", "up")
            pid = str(self._bridge.pid)
            _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "host0", "netns", pid)
            self._within("ip", "link", "set", "dev", "host0", "master", "br0", "up")
            _run("ip", "address", "add", f"{self.network[254]}/24", "dev", self._link)
            _run("ip", "link", "set", "dev", self._link, "up")
        except BaseException:
            self.close()
            raise

    def address(self, number: int) -> IPv4Address:
        """Of the cluster with this number, 1 to 253."""
        return self.network[number]

    def plug(self, number: int, pid: int) -> None:
        """A cable to the namespace that this process is in; the one that was there goes.

        Raises:
            NoWires: the process is gone.
        """
        self.unplug(number)
        near = ("netns", str(self._bridge.pid))
        # Whoever has an address next has its hardware address, too: the neighbours remember which is whose.
        far = ("address", f"02:00:c6:12:00:{number:02x}", "netns", str(pid))
        _run("ip", "link", "add", f"c{number}", *near, "type", "veth", "peer", "name", "eth0", *far)
        self._within("ip", "link", "set", "dev", f"c{number}", "master", "br0", "up")
        there = ("nsenter", f"--target={pid}", "--net", "--")
        _run(*there, "ip", "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        _run(*there, "ip", "link", "set", "dev", "eth0", "up")

    def unplug(self, number: int) -> None:
        """Take a cable away; one that is not there is away already."""
        _call("nsenter", f"--target={self._bridge.pid}", "--net", "--", "ip", "link", "delete", f"c{number}")

    def cut(self, number: int) -> None:
        """From now on nothing gets through this cable."""
        self._within("ip", "link", "set", "dev", f"c{number}", "down")

    def mend(self, number: int) -> None:
        """It is as it was."""
        self._within("ip", "link", "set", "dev", f"c{number}", "up")

    def close(self) -> None:
        """Take everything away."""
        _call("ip", "link", "delete", self._link)
        end_of(self._bridge)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _within(self, *command: str) -> None:
        _run("nsenter", f"--target={self._bridge.pid}", "--net", "--", *command)


def _free() -> IPv4Network:
    """A /24 to which this machine has no way yet."""
    used = _run("ip", "-4", "route", "show", "table", "all")
    for _ in range(50):
        found = IPv4Network((int(_RANGE[0]) + 256 * secrets.randbelow(512), 24))
        if str(found[0]).rpartition(".")[0] + "." not in used:
            return found
    raise Misuse("no free network in 198.18.0.0/15", code="wires.full")


def _run(*command: str) -> str:
    done = _call(*command)
    if done.returncode:
        raise NoWires("refused", command=" ".join(command), reason=done.stderr.strip()[:300])
    return done.stdout


def _call(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except FileNotFoundError as error:
        raise NoWires("a tool is missing", tool=command[0]) from error
    except subprocess.TimeoutExpired as error:
        raise NoWires("a tool hangs", command=" ".join(command)) from error
