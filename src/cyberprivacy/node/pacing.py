"""How often one address may ask for what costs something: a signature checked, an act judged."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from starlette.requests import Request

_MINUTE: Final = 60.0
_ADDRESSES: Final = 4_096


class Pace:
    """Counts by address; those that have not asked for longest are forgotten first. Threads may share it."""

    def __init__(self, rate: int, *, clock: Callable[[], float]) -> None:
        """Begin with nobody known.

        Args:
            rate: requests of one address in one minute.
            clock: seconds since 1970.
        """
        self._rate, self._clock, self._lock = rate, clock, Lock()
        self._asked: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Count a request; whether it is not one too many in this minute."""
        now = self._clock()
        with self._lock:
            began, count = self._asked.pop(address, (now, 0))
            if not 0 <= now - began < _MINUTE:
                began, count = now, 0
            self._asked[address] = began, count + 1
            while len(self._asked) > _ADDRESSES:
                self._asked.popitem(last=False)
        return count < self._rate


def behind_front(request: Request) -> str:
    """Who asks, as the node's own front says; it drops what the client says of it."""
    return request.headers.get("x-forwarded-for", "")


def by_connection(request: Request) -> str:
    """Who asks, by the other end of the connection."""
    return "" if request.client is None else request.client.host
