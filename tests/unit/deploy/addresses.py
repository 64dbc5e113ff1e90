"""Private addresses for tests with real containers: several processes run such tests on one machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path


@contextmanager
def subnets() -> Iterator[IPv4Network]:
    """A /16 that no other process has; the kernel takes it back when this one ends, however it ends."""
    for number in range(128, 192):
        with socket.socket(socket.AF_UNIX) as claim:
            if _claimed(claim, number):
                yield IPv4Network(f"10.{number}.0.0/16")
                return
    raise AssertionError("no private addresses are left")


def _claimed(claim: socket.socket, number: int) -> bool:
    try:
        claim.bind(f"\0cyberprivacy-tests-{number}")
    except OSError:
        return False
    return not list(Path("/sys/class/net").glob(f"cp-0a{number:02x}*"))  # of somebody who does not ask
