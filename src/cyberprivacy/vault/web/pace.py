"""How much one address, or one account, may ask of a vault in a second. What costs the vault more, counts more."""

from collections import OrderedDict
from threading import Lock
from typing import Final

from cyberprivacy.errors import TryLater

REMEMBERED: Final = 8_192
"""Askers of whom it is known how much they asked; who has been quiet for longest is forgotten first."""


class TooFast(TryLater):
    """Somebody asks for more than their share."""

    code = "api.pace"
    hint = "Wait for as long as Retry-After says."


class Pace:
    """A bucket for each asker, which fills by `rate` units a second up to `burst`; each call takes its cost."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._lock = rate, burst, Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, asker: str, cost: float, now: float) -> None:
        """Count a call.

        Args:
            asker: whose bucket.
            cost: units.
            now: seconds of any clock that never goes back.

        Raises:
            TooFast: the bucket does not hold that much; the fact `seconds` says when it will.
        """
        with self._lock:
            left, at = self._left.pop(asker, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            enough = left >= cost
            self._left[asker] = (left - cost if enough else left, now)
            if len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if not enough:
            raise TooFast("too much in too short a time", seconds=int((cost - left) / self._rate) + 1)
