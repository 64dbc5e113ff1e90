"""What a node throws away, so that its disk does not grow with every release: what nobody needs or used lately."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.node.reconcile import Status

PAUSE: Final = 3_600.0
"""Seconds between two rounds."""
UNUSED: Final = 86_400.0
"""Seconds for which something must not have been used before it goes."""

_SETTLED: Final = frozenset({"serving", "stopped", "refused"})

_log = structlog.get_logger("node")


@dataclass(frozen=True, slots=True)
class Needed:
    """What stays.

    Attributes:
        bundles: that run, or that the chain wants.
        images: manifest digests of what runs.
    """

    bundles: frozenset[Cid]
    images: frozenset[str]


Keeper = Callable[[Collection[Cid], Collection[str], float], int]
"""Removes all but these bundles, these images, and what was used since a time; returns bytes."""


def needed(applications: Iterable[Status]) -> Needed | None:
    """What the applications need; None while one of them is on its way, or does not know what is wanted."""
    bundles: set[Cid] = set()
    images: set[str] = set()
    for status in applications:
        if status.state not in _SETTLED:
            return None
        if status.wanted:
            bundles.add(Cid.parse(status.wanted))
        if status.running is not None:
            bundles.add(status.running.release)
            images |= set(status.running.images.values())
    return Needed(frozenset(bundles), frozenset(images))


def tidy(keepers: Mapping[str, Keeper], stay: Needed, *, now: float) -> None:
    """One round; a room that cannot be tidied now is told in the log, and the next one is tidied."""
    for room, keep in keepers.items():
        try:
            freed = keep(stay.bundles, stay.images, now - UNUSED)
        except CyberPrivacyError as error:
            _log.warning("tidy", room=room, code=error.code, what=str(error))
        else:
            _log.info("tidied", room=room, freed=freed)
