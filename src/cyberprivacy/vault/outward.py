"""Where a name leads: nobody may have a vault knock at doors of its own machine or network."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from cyberprivacy.errors import Misuse, TryLater

Lookup = Callable[[str, int], Sequence[str]]
"""Addresses of a host, for a port."""


class NotOutside(Misuse):
    """An address that only somebody inside could mean."""

    code = "outward.address"
    hint = "Name a host on the public internet."


def lookup(host: str, port: int) -> Sequence[str]:
    """The addresses that this machine finds for a host.

    Raises:
        TryLater: none now ("outward.name").
    """
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise TryLater("the name has no address", code="outward.name", host=host) from None


def public(host: str, port: int, *, find: Lookup = lookup) -> str:
    """An address of a host, to which a connection may be made: the one that was judged, not another one later.

    Raises:
        NotOutside: it has one that is not on the public internet.
        TryLater: it has none now ("outward.name").
    """
    found = find(host, port)
    if not found or not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in found):
        raise NotOutside("not a public address", host=host)
    return found[0]


def anywhere(host: str, port: int) -> str:
    """An address of a host, wherever it is: for a vault that is on this machine only; raises as `public`."""
    return lookup(host, port)[0]
