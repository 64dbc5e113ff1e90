"""The thread that erases: at once when somebody asks, and every night what was deleted since."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.chore import Chore
from cyberprivacy.vault.erasure import Erasure

NIGHT: Final = 86_400.0
"""Seconds between two runs that nobody asked for."""
AGAIN: Final = 2.0
"""Seconds after which a run that something was in the way of is tried again."""
_log = structlog.get_logger("vault")


class Sweeper(Chore):
    """Runs the erasing of a vault."""

    def __init__(self, erasure: Erasure, *after: Callable[[], object]) -> None:
        """Begin; what comes `after` each run is called in this order."""
        self._erasure, self._after, self._night = erasure, after, time.time()
        super().__init__("sweeper", patience=10)

    def _go(self) -> float:
        now = time.time()
        nightly = now >= self._night
        try:
            self._erasure.run(dirty_before=int(now) if nightly else 0)
            for each in self._after:
                each()
        except TryLater as error:
            _log.warning("erasing waits", code=error.code)
            return AGAIN
        except CyberPrivacyError as error:  # somebody has to look at it; asking again will not help
            _log.error("erasing failed", code=error.code)
            return NIGHT
        if nightly:
            self._night = time.time() + NIGHT
        return NIGHT
