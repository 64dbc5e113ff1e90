"""The thread that erases: at once when somebody asks, and every night what was deleted since."""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.erasure import Erasure

NIGHT: Final = 86_400.0
"""Seconds between two runs that nobody asked for."""
AGAIN: Final = 2.0
"""Seconds after which a run that something was in the way of is tried again."""
_log = structlog.get_logger("vault")


class Sweeper:
    """Runs the erasing of a vault; what a killed process left undone is taken up at the start."""

    def __init__(self, erasure: Erasure, *after: Callable[[], object]) -> None:
        """Begin; what comes `after` each run is called in this order."""
        self._erasure, self._after = erasure, after
        self._asked, self._over = Event(), False
        self._asked.set()
        self._thread = Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Somebody asked for something to be erased."""
        self._asked.set()

    def close(self) -> None:
        """Erase no more; the next process goes on."""
        self._over = True
        self._asked.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        wait, night = NIGHT, time.time()
        while True:
            self._asked.wait(wait)
            if self._over:
                return
            self._asked.clear()
            wait = NIGHT
            dirty = int(time.time()) if time.time() >= night else 0
            try:
                self._erasure.run(dirty_before=dirty)
                for each in self._after:
                    each()
            except TryLater as error:
                _log.warning("erasing waits", code=error.code)
                wait = AGAIN
            except CyberPrivacyError as error:  # somebody has to look at it; asking again will not help
                _log.error("erasing failed", code=error.code)
            else:
                night = time.time() + NIGHT if dirty else night
