"""Looking after running containers: nobody else on this machine restarts them.

A round never waits: questions are asked and containers ended by errands, and a later round hears how it went.
A container that hangs takes nothing from the others, and nothing from a stop that the chain orders.
"""

import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import structlog

from cyberprivacy.deploy import errand, probe
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.inspection import address_of, endpoint_of
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.deploy.probe import Health
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.review.workload import Probe

_LONGEST_PAUSE: Final = 60.0
_FORGIVEN_AFTER: Final = 120.0
_AT_ONCE: Final = 64
"""Questions that may be under way for one application; who was asked longest ago comes first."""

_log = structlog.get_logger("deploy")


@dataclass(slots=True)
class _Watch:
    """What is known of one container since this node started. Times are monotonic seconds."""

    app: str
    since: float
    ready: bool = True
    heard: bool = False
    unready: int = 0
    unwell: int = 0
    asked: float = 0.0
    readiness_due: float = 0.0
    liveness_due: float = 0.0
    starts: int = 0
    start_due: float = 0.0
    readiness: "Future[Health] | None" = None
    liveness: "Future[Health] | None" = None
    ending: "Future[None] | None" = None

    def busy(self) -> int:
        """How many questions to it are under way."""
        return (self.readiness is not None) + (self.liveness is not None)


class Caretaker:
    """Counts bad answers and decides; starting and stopping is done by whom it is given.

    Args:
        start: starts a container that has ended.
        stop: ends a container within its grace; called on another thread.
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

    def look_after(self, containers: Collection[Found]) -> list[str]:
        """One round over an application's containers that should run; returns the names of those started again."""
        started, well = [], []
        for found in containers:
            watch = self._watches.setdefault(found.id, _Watch(found.labels.get("app", ""), self._clock()))
            if watch.ending is not None:
                self._await_end(found, watch, watch.ending)
            elif not found.running:
                if self._restart(found, watch):
                    started.append(found.name)
            elif not self._dead(found, watch):
                self._hear(found, watch)
                well.append((watch, found))
                if watch.starts and self._clock() - watch.since > _FORGIVEN_AFTER:
                    watch.starts = 0
        for watch, found in sorted(well, key=lambda pair: pair[0].asked):
            if sum(one.busy() for one, _ in well) < _AT_ONCE:
                self._ask(found, watch)
        return started

    def ready(self, containers: Iterable[Found]) -> frozenset[Endpoint]:
        """Where users may be sent after the last round."""
        return frozenset(
            endpoint
            for found in containers
            if (endpoint := endpoint_of(found)) and found.id in self._watches and self._watches[found.id].ready
        )

    def heard(self, found: Found) -> bool:
        """Whether this container said that it is ready, and has not said or kept silent otherwise since."""
        watch = self._watches.get(found.id)
        return watch is not None and watch.heard and watch.ready

    def forget(self, app: str, alive: Iterable[Found]) -> None:
        """Drop what is known of containers of an application that are gone."""
        ids = {found.id for found in alive}
        self._watches = {id_: one for id_, one in self._watches.items() if one.app != app or id_ in ids}

    def _dead(self, found: Found, watch: _Watch) -> bool:
        """Whether its liveness probe failed too often; then it is being ended."""
        liveness = Care.parse(found.labels["care"]).liveness
        if liveness is None or watch.liveness is None or not watch.liveness.done():
            return False
        watch.unwell = 0 if watch.liveness.result().well else watch.unwell + 1
        watch.liveness = None
        if watch.unwell < liveness.failures:
            return False
        watch.ready = False
        watch.ending = errand.send(lambda: self._stop(found))
        return True

    def _await_end(self, found: Found, watch: _Watch, ending: "Future[None]") -> None:
        """What the engine says of it is from before its end; so it is started again in the next round."""
        if not ending.done():
            return
        watch.ending = None
        watch.readiness = watch.liveness = None
        try:
            ending.result()
        except CyberPrivacyError as failure:  # it is asked again, and ended again
            _log.warning("stop", container=found.name, code=failure.code, what=str(failure))

    def _hear(self, found: Found, watch: _Watch) -> None:
        if watch.readiness is None or not watch.readiness.done():
            return
        well, watch.readiness = watch.readiness.result().well, None
        asked = Care.parse(found.labels["care"]).readiness
        watch.readiness_due = self._clock() + (asked.period if well and watch.ready else 0)
        watch.unready = 0 if well else watch.unready + 1
        if well:
            watch.ready = watch.heard = True
        elif watch.unready >= asked.failures:
            watch.ready = False

    def _ask(self, found: Found, watch: _Watch) -> None:
        """Ask what is due, and not under way already."""
        now, care = self._clock(), Care.parse(found.labels["care"])
        if watch.readiness is None and self._is_due(watch.readiness_due, care.readiness, watch):
            watch.asked, watch.readiness = now, _question(found, care.readiness)
        if care.liveness is None or watch.liveness is not None:
            return
        if self._is_due(watch.liveness_due, care.liveness, watch):
            watch.asked, watch.liveness = now, _question(found, care.liveness)
            watch.liveness_due = now + care.liveness.period

    def _restart(self, found: Found, watch: _Watch) -> bool:
        watch.ready = False
        now = self._clock()
        if now < watch.start_due:
            return False
        watch.start_due = now + min(_LONGEST_PAUSE, 2.0**watch.starts)
        watch.starts += 1
        watch.since, watch.unwell, watch.unready = now, 0, 0
        watch.readiness_due = watch.liveness_due = 0.0
        watch.readiness = watch.liveness = None  # whatever the one before it says
        try:
            self._start(found)
        except CyberPrivacyError as failure:  # tried again after the pause; the others are looked after now
            _log.warning("start", container=found.name, code=failure.code, what=str(failure))
            return False
        return True

    def _is_due(self, due: float, asked: Probe, watch: _Watch) -> bool:
        return self._clock() >= max(due, watch.since + (asked.initial_delay if watch.starts else 0))


def _question(found: Found, asked: Probe) -> "Future[Health]":
    return errand.send(lambda: probe.ask(asked, Endpoint(address_of(found), asked.port)))
