"""Waiting for something elsewhere, by asking now and then."""

from collections.abc import Callable
from typing import Final

_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)


class Waiting:
    """Pauses that grow, until their sum is reached.

    Args:
        seconds: their sum.
        sleep: waits for so many seconds.
    """

    def __init__(self, seconds: float, sleep: Callable[[float], object]) -> None:
        self._left, self._sleep, self._made = seconds, sleep, 0

    def pause(self) -> bool:
        """Whether there was time for another pause."""
        if self._left <= 0:
            return False
        pause = min(_PAUSES[min(self._made, len(_PAUSES) - 1)], self._left)
        self._left, self._made = self._left - pause, self._made + 1
        self._sleep(pause)
        return True
