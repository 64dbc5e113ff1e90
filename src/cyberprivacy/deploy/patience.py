"""Waiting for a new release to become ready, within a bound and not for ever."""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from cyberprivacy.deploy import probe
from cyberprivacy.deploy.engine import Found
from cyberprivacy.deploy.inspection import address_of
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.errors import Untrusted

_RESTARTS: Final = 3
_PAUSE: Final = 0.1


class Unhealthy(Untrusted):
    """A new release did not become ready."""

    code = "deploy.unhealthy"
    hint = "The release that served before goes on serving; publish one that becomes ready."


def await_ready(
    running: Collection[Found],
    look: Callable[[], list[Found]],
    start: Callable[[Found], None],
    seconds: float,
) -> None:
    """Return when every readiness probe passes.

    What the containers print is not told: it may be about users. Probe results and exit codes are.

    Args:
        running: containers that were just started.
        look: reads all containers from the engine again.
        start: starts a container that has ended; three times at most.
        seconds: bound, beyond the longest initial delay that a probe asks for.

    Raises:
        Unhealthy: a container did not become ready in time, or keeps ending.
    """
    deadline = time.monotonic() + seconds
    deadline += max((Care.parse(found.labels["care"]).readiness.initial_delay for found in running), default=0)
    for found in running:
        _await_one(found, look, start, deadline)


def _await_one(
    found: Found, look: Callable[[], list[Found]], start: Callable[[Found], None], deadline: float
) -> None:
    readiness, restarts, workload = Care.parse(found.labels["care"]).readiness, 0, found.labels["workload"]
    while True:
        said = "ended"
        if Path("/proc", str(found.pid)).exists():
            endpoint = Endpoint(address_of(found), readiness.port)
            health = probe.ask(readiness, endpoint, within=max(1.0, deadline - time.monotonic()))
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
