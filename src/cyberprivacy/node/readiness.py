"""Whether a node wants users: for whoever shares them out among several, as a Kubernetes Service does."""

import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.node.reconcile import Status

PAUSE: Final = 1.0
"""Seconds between two looks, which may cost one at every container: anybody can ask."""
PATIENCE: Final = 300.0
"""Seconds after a start; then a node answers in any case, with a page that says what is the matter."""


def ready(now: Status, endpoints: Callable[[], Collection[object]], glance: Callable[[], object | None]) -> bool:
    """Whether users of one DAO meet here what they would meet elsewhere.

    They do not only where a release serves already and this node does not send them there yet, because it has
    just started and has not proved again what is there.

    Args:
        now: where the DAO stands on this node.
        endpoints: where users are sent now.
        glance: what serves, whoever has brought it; None = nothing.
    """
    try:
        return bool(endpoints()) or (now.state != "starting" and glance() is None)
    except CyberPrivacyError:  # nobody can say
        return False


class Readiness:
    """Of a whole node: one address stands for all its applications.

    Args:
        each: of its applications, `ready`.
        clock: seconds that only grow.

    One application that cannot be brought here must not keep users from the others for ever, when every node was
    started anew: hence `PATIENCE`.
    """

    def __init__(self, each: Iterable[Callable[[], bool]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each, self._clock, self._since = tuple(each), clock, clock()
        self._due, self._found = self._since, False

    def __call__(self) -> bool:
        """Whether users may come; while one looks, others get what was found before."""
        now = self._clock()
        if now >= self._due:
            self._due = now + PAUSE
            self._found = now >= self._since + PATIENCE or all(one() for one in self._each)
        return self._found
