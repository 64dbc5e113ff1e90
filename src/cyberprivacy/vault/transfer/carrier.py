"""The threads that bring in what was ordered, in turns, with a pause after each failure; and that do what is due.

An order that cannot go on now waits 1 s, then twice as long each time, up to a minute; it ends with its grant.
What a killed process left running is taken up at the start.
"""

import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.transfer.arrivals import Arrivals, Stage
from cyberprivacy.vault.transfer.pulling import Pulling

AT_ONCE: Final = 4
"""Orders that are carried at the same time."""
LONGEST_WAIT: Final = 60.0
"""Seconds between two tries."""
TICK: Final = 30.0
"""Seconds between two looks at what is due."""
_LATER: Final = ("account.frozen",)
"""Refusals that the person can end."""
_log = structlog.get_logger("vault")
_Order = tuple[bytes, bytes]


class Carrier:
    """Carries the orders of a place, and does its chores.

    Args:
        chores: each is done now and then, and at once when an order has made a step.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        pulling: Pulling,
        chores: Sequence[Callable[[], object]],
        clock: Callable[[], float],
    ) -> None:
        self._arrivals, self._pulling, self._chores, self._clock = arrivals, pulling, chores, clock
        self._changed, self._over, self._asked = Condition(), False, True
        self._due: dict[_Order, float] = {}
        self._tries: dict[_Order, int] = {}
        self._busy: set[_Order] = set()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin; the database says what is not at its end."""
        for order in self._arrivals.running():
            self.ask(*order)
        works = [self._work] * AT_ONCE + [self._tidy]
        self._threads = [Thread(target=work, name="carrier", daemon=True) for work in works]
        for each in self._threads:
            each.start()

    def ask(self, owner: bytes, transfer: bytes) -> None:
        """Carry an order as soon as somebody is free."""
        with self._changed:
            self._tries.pop((owner, transfer), None)
            self._due[owner, transfer] = time.monotonic()
            self._changed.notify_all()

    def tidy(self) -> None:
        """Do the chores now."""
        with self._changed:
            self._asked = True
            self._changed.notify_all()

    def close(self) -> None:
        """Carry nothing more; the next process goes on."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for each in self._threads:
            each.join(timeout=5)

    def _work(self) -> None:
        while (order := self._next()) is not None:
            try:
                again = self._carry(order)
            except CyberPrivacyError as error:  # the database cannot note it now
                _log.warning("a transfer cannot be noted", code=error.code)
                again = LONGEST_WAIT
            with self._changed:
                self._busy.discard(order)
                if again is not None:
                    self._due[order] = min(time.monotonic() + again, self._due.get(order, float("inf")))
                self._asked = True
                self._changed.notify_all()

    def _next(self) -> _Order | None:
        """The order that has waited longest; None at the end."""
        with self._changed:
            while not self._over:
                free = [(at, order) for order, at in self._due.items() if order not in self._busy]
                at, order = min(free, default=(float("inf"), (b"", b"")))
                wait = at - time.monotonic()
                if wait <= 0:
                    del self._due[order]
                    self._busy.add(order)
                    return order
                self._changed.wait(min(wait, TICK))
        return None

    def _carry(self, order: _Order) -> float | None:
        """Run an order once; seconds until it is to be run again, None if it has ended."""
        arrival = self._arrivals.one(*order)
        if arrival.stage is not Stage.RUNNING:
            return None
        try:
            stage, why = self._pulling.run(arrival, lambda: not self._over), ""
        except CyberPrivacyError as error:
            why = error.code
            later = isinstance(error, TryLater) or why in _LATER
            stage = Stage.RUNNING if later else Stage.FAILED
        except Exception:  # noqa: BLE001
            # The edge of a thread: a defect of ours ends this order, not all others; its person may resume it.
            _log.exception("a transfer failed")
            stage, why = Stage.FAILED, "api.failed"
        self._arrivals.stands(arrival, stage, why, self._clock())
        _log.info("transfer", transfer=arrival.id.hex(), state=stage.value, code=why)
        if stage is not Stage.RUNNING:
            self._tries.pop(order, None)
            return None
        if not why:
            return 0.0
        self._tries[order] = tries = self._tries.get(order, 0) + 1
        return min(2.0 ** (tries - 1), LONGEST_WAIT)

    def _tidy(self) -> None:
        while self._waited():
            for chore in self._chores:
                try:
                    chore()
                except CyberPrivacyError as error:
                    _log.warning("a chore waits", code=error.code)

    def _waited(self) -> bool:
        """Return when there may be something to do; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._over, timeout=TICK)
            self._asked = False
            return not self._over
