"""Waiting for a new release to become ready, within a bound and not for ever."""

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.deploy import errand, probe
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.inspection import address_of
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.deploy.probe import Health
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.review.workload import Probe

_RESTARTS: Final = 3
_PAUSE: Final = 0.1


class Unhealthy(Untrusted):
    """A new release did not become ready."""

    code = "deploy.unhealthy"
    hint = "The release that served before goes on serving; publish one that becomes ready."


class Stopped(TryLater):
    """An application was removed while a release of it was on its way."""

    code = "deploy.stopped"
    hint = "Nothing of it runs; ask the chain again what is wanted."


@dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait: `seconds`, and no longer than it is `wanted`."""

    seconds: float
    wanted: Callable[[], bool]

    def refuse_unwanted(self) -> None:
        """Go on only if it is still wanted.

        Raises:
            Stopped: it is not.
        """
        if not self.wanted():
            raise Stopped("removed while it was on its way")


def await_ready(
    running: Collection[Found],
    look: Callable[[], list[Found]],
    start: Callable[[Found], None],
    wait: Wait,
) -> None:
    """Return when every readiness probe passes.

    What the containers print is not told: it may be about users. Probe results and exit codes are.

    Args:
        running: containers that were just started.
        look: reads all containers from the engine again.
        start: starts a container that has ended; three times at most.
        wait: bound, beyond the longest initial delay that a probe asks for.

    Raises:
        Unhealthy: a container did not become ready in time, or keeps ending.
        Stopped: nobody wants it any more.
    """
    deadline = time.monotonic() + wait.seconds
    deadline += max((Care.parse(found.labels["care"]).readiness.initial_delay for found in running), default=0)
    for found in running:
        _await_one(found, look, start, deadline, wait=wait)


def _await_one(
    found: Found, look: Callable[[], list[Found]], start: Callable[[Found], None], deadline: float, *, wait: Wait
) -> None:
    readiness, restarts, workload = Care.parse(found.labels["care"]).readiness, 0, found.labels["workload"]
    while True:
        wait.refuse_unwanted()
        said = "ended"
        if Path("/proc", str(found.pid)).exists():
            health = _hear(found, readiness, deadline, wait)
            if health.well:
                return
            said = health.said
        late = time.monotonic() > deadline
        if late or said == "ended":
            found = next((one for one in look() if one.id == found.id), found)
            if late or (restarts == _RESTARTS and not found.running):
                what = "does not become ready" if late else "a container keeps ending"
                raise Unhealthy(what, workload=workload, probe=said, exit_code=found.exit_code)
            if not found.running:
                restarts += 1
                start(found)
        time.sleep(_PAUSE)


def _hear(found: Found, asked: Probe, deadline: float, wait: Wait) -> Health:
    """What it answers; nobody waits for an answer that is no longer wanted."""
    left = max(1.0, deadline - time.monotonic())
    question = errand.send(lambda: probe.ask(asked, Endpoint(address_of(found), asked.port), within=left))
    while True:
        with contextlib.suppress(TimeoutError):
            return question.result(timeout=_PAUSE)
        wait.refuse_unwanted()
