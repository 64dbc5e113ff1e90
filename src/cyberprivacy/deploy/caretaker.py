"""Looking after running containers: nobody else on this machine restarts them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cyberprivacy.deploy import probe
from cyberprivacy.deploy.engine import Found
from cyberprivacy.deploy.inspection import address_of, endpoint_of
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.errors import TryLater
from cyberprivacy.review.workload import Probe

_LONGEST_PAUSE: Final = 60.0
_FORGIVEN_AFTER: Final = 120.0


@dataclass(slots=True)
class _Watch:
    """What is known of one container since this node started. Times are monotonic seconds."""

    since: float
    ready: bool = True
    unready: int = 0
    unwell: int = 0
    readiness_due: float = 0.0
    liveness_due: float = 0.0
    starts: int = 0
    start_due: float = 0.0


class Caretaker:
    """Counts bad answers and decides; starting and stopping is done by whom it is given.

    Args:
        start: starts a container that has ended.
        stop: ends a container within its grace.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        start: Callable[[Found], None],
        stop: Callable[[Found], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start, self._stop, self._clock = start, stop, clock
        self._watches: dict[str, _Watch] = {}

    def look_after(self, containers: Iterable[Found]) -> list[str]:
        """One round over the containers that should run; returns the names of those started again."""
        started = []
        for found in containers:
            watch = self._watches.setdefault(found.id, _Watch(since=self._clock()))
            care = Care.parse(found.labels["care"])
            if found.running and not self._dead(found, care, watch):
                self._ask_ready(found, care, watch)
                if watch.starts and self._clock() - watch.since > _FORGIVEN_AFTER:
                    watch.starts = 0
            elif self._restart(found, watch):
                started.append(found.name)
        return started

    def ready(self, containers: Iterable[Found]) -> frozenset[Endpoint]:
        """Where users may be sent after the last round."""
        return frozenset(
            endpoint
            for found in containers
            if (endpoint := endpoint_of(found)) and found.id in self._watches and self._watches[found.id].ready
        )

    def forget(self, alive: Iterable[Found]) -> None:
        """Drop what is known of containers that are gone."""
        ids = {found.id for found in alive}
        self._watches = {id_: watch for id_, watch in self._watches.items() if id_ in ids}

    def _dead(self, found: Found, care: Care, watch: _Watch) -> bool:
        """Whether its liveness probe failed too often; then it is stopped."""
        if care.liveness is None or not self._is_due(watch.liveness_due, care.liveness, watch):
            return False
        watch.liveness_due = self._clock() + care.liveness.period
        watch.unwell = 0 if self._well(found, care.liveness) else watch.unwell + 1
        if watch.unwell < care.liveness.failures:
            return False
        self._stop(found)
        return True

    def _ask_ready(self, found: Found, care: Care, watch: _Watch) -> None:
        if not self._is_due(watch.readiness_due, care.readiness, watch):
            return
        well = self._well(found, care.readiness)
        watch.readiness_due = self._clock() + (care.readiness.period if well and watch.ready else 0)
        watch.unready = 0 if well else watch.unready + 1
        if well:
            watch.ready = True
        elif watch.unready >= care.readiness.failures:
            watch.ready = False

    def _restart(self, found: Found, watch: _Watch) -> bool:
        watch.ready = False
        now = self._clock()
        if now < watch.start_due:
            return False
        watch.start_due = now + min(_LONGEST_PAUSE, 2.0**watch.starts)
        watch.starts += 1
        watch.since, watch.unwell, watch.unready = now, 0, 0
        watch.readiness_due = watch.liveness_due = 0.0
        try:
            self._start(found)
        except TryLater:  # tried again after the pause; a crash here would stop the care for all others
            return False
        return True

    def _is_due(self, due: float, asked: Probe, watch: _Watch) -> bool:
        return self._clock() >= max(due, watch.since + (asked.initial_delay if watch.starts else 0))

    @staticmethod
    def _well(found: Found, asked: Probe) -> bool:
        return probe.ask(asked, Endpoint(address_of(found), asked.port)).well
