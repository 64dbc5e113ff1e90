"""Where a machine can be spoken to: every socket that waits for somebody, as its kernel counts them.

Source: Linux, Documentation/networking/proc_net_tcp.rst. Addresses are groups of four bytes, lowest first.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

TABLES: Final = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")
_LISTENS: Final = "0A"
_UNCONNECTED: Final = "07"


def listening(folder: Path = Path("/proc/net")) -> list[str]:
    """Protocol, address and port of each, such as "tcp 192.0.2.10:443"; sorted."""
    found: set[str] = set()
    for table in TABLES:
        path = folder / table
        if path.exists():
            found |= {f"{table} {place}" for place in _waiting(path.read_text(), table)}
    return sorted(found)


def _waiting(text: str, table: str) -> Iterator[str]:
    wanted = _LISTENS if table.startswith("tcp") else _UNCONNECTED
    for line in text.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == wanted:
            address, port = local.split(":")
            yield f"{_address(bytes.fromhex(address))}:{int(port, 16)}"


def _address(raw: bytes) -> str:
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return str(IPv4Address(turned)) if len(turned) == 4 else f"[{IPv6Address(turned)}]"
