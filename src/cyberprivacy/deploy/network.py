"""One closed network per application: a bridge that leads nowhere, and a cable for each container.

We plug the cables ourselves, between `podman init` and `podman start`: podman 4.3 with user namespaces
leaks the network namespaces that it wires, and its bridge lets containers talk to services of the host.
A cable dies with its container, so nothing has to be cleaned up after a crash.
"""

import subprocess
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.plan import Place
from cyberprivacy.errors import TryLater

_LAST_RESORT: Final = "4294967295"
_PATIENCE: Final = 30.0
"""Seconds for one command; iptables waits for whoever else changes rules."""


class NetworkFailed(TryLater):
    """The kernel refused a network change."""

    code = "deploy.network"
    hint = "The node needs root, iproute2 and iptables."


def prepare(place: Place) -> None:
    """Have the application's bridge and its rules; the same again changes nothing.

    Raises:
        NetworkFailed: no right to, or a tool is missing or hangs.
    """
    bridge = place.bridge
    if not Path("/sys/class/net", bridge).exists():
        _run("ip", "link", "add", bridge, "type", "bridge")
    # No IPv6 address on the bridge: a service of the host that listens on [::] has no way in there.
    _run("ip", "link", "set", bridge, "addrgenmode", "none")
    _run("ip", "link", "set", bridge, "up")
    _run("ip", "address", "replace", f"{place.gateway}/{place.network.prefixlen}", "dev", bridge)
    # Without its bridge, the subnet must not follow the default route: requests of users would leave.
    _run("ip", "route", "replace", "unreachable", str(place.network), "metric", _LAST_RESORT)
    for tool, table, rule in _rules(bridge):
        if _answers(tool, "-w", "-C", table, *rule):
            continue
        _run(tool, "-w", "-I", table, "1", *rule)


def close(place: Place) -> None:
    """Take the bridge and its rules away; twice is once.

    Raises:
        NetworkFailed: no right to, or a tool is missing or hangs.
    """
    for tool, table, rule in _rules(place.bridge):
        while _answers(tool, "-w", "-D", table, *rule):
            pass
    _answers("ip", "link", "delete", place.bridge)
    _answers("ip", "route", "delete", "unreachable", str(place.network), "metric", _LAST_RESORT)


def _rules(bridge: str) -> Iterator[tuple[str, str, list[str]]]:
    """What may come out of a container: answers. Later ones are put in front of earlier ones.

    Stateless on purpose: the first packet of a connection is a SYN, and only the front sends those.
    """
    for tool in ("iptables", "ip6tables"):
        yield tool, "FORWARD", ["-i", bridge, "!", "-o", bridge, "-j", "DROP"]
        yield tool, "FORWARD", ["-o", bridge, "!", "-i", bridge, "-j", "DROP"]
        yield tool, "INPUT", ["-i", bridge, "-j", "DROP"]
    yield "iptables", "INPUT", ["-i", bridge, "-p", "tcp", "!", "--syn", "-j", "ACCEPT"]


def plug(place: Place, address: IPv4Address, pid: int, redirects: Collection[tuple[int, int]]) -> None:
    """Give a container that has not started yet its address, and its services their ports.

    Args:
        place: the application's.
        address: inside `place.network`.
        pid: a process in the container's network namespace.
        redirects: (service port, container port) pairs; both then lead to the container port.

    Raises:
        NetworkFailed: no right to, or the process is gone.
    """
    link, inside = place.link(address), ("nsenter", f"--target={pid}", "--net", "--")
    if Path("/sys/class/net", link).exists():  # of a container that was killed a moment ago
        _run("ip", "link", "delete", link)
    peer = ("peer", "name", "eth0", "address", place.mac(address), "netns", str(pid))
    _run("ip", "link", "add", link, "type", "veth", *peer)
    _run("ip", "link", "set", link, "addrgenmode", "none")
    _run("ip", "link", "set", link, "master", place.bridge)
    _run("ip", "link", "set", link, "up")
    _run(*inside, "ip", "address", "add", f"{address}/{place.network.prefixlen}", "dev", "eth0")
    _run(*inside, "ip", "link", "set", "eth0", "up")
    for port, target in redirects:
        rule = ("-p", "tcp", "--dport", str(port), "-j", "REDIRECT", "--to-ports", str(target))
        _run(*inside, "iptables", "-w", "-t", "nat", "-A", "PREROUTING", *rule)


def cables(place: Place) -> frozenset[str]:
    """What is plugged into the bridge, by the names of the host's ends."""
    try:
        return frozenset(path.name for path in Path("/sys/class/net", place.bridge, "brif").iterdir())
    except FileNotFoundError:
        return frozenset()


def unplug(link: str) -> None:
    """Cut a cable; one that is not there is cut already.

    Raises:
        NetworkFailed: a tool is missing or hangs.
    """
    _answers("ip", "link", "delete", link)


def _run(*command: str) -> None:
    done = _call(*command)
    if done.returncode:
        raise NetworkFailed("refused", command=" ".join(command), reason=done.stderr.strip()[:300])


def _answers(*command: str) -> bool:
    return _call(*command).returncode == 0


def _call(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE)
    except FileNotFoundError:
        raise NetworkFailed("a tool is missing", tool=command[0]) from None
    except subprocess.TimeoutExpired:
        raise NetworkFailed("a tool does not end", command=" ".join(command), seconds=_PATIENCE) from None
