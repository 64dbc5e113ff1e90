"""What runs, read from an engine, a bridge and a front that other threads change while we look.

Nothing of this can be read at one moment. So only what is strange before and after is judged: a replica
that is just being plugged in is no stranger, and one that is going neither.
"""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from cyberprivacy.deploy import probe
from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.inspection import Foreign, address_of, deployment_of, orphans, refuse_foreign
from cyberprivacy.deploy.plan import Care, Endpoint, Place

_PROBE_SECONDS: Final = 2.0
"""For all probes of one look together: a node must hear of a stop while an application hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """How to look at this machine.

    Attributes:
        containers: all of our engine.
        cables: on an application's bridge.
        endpoints: where users of an application are sent.
        serving: spec of the generation that serves an application; "" = none.
        heard: whether a container told its caretaker that it is ready.
    """

    containers: Callable[[], list[Found]]
    cables: Callable[[Place], frozenset[str]]
    endpoints: Callable[[str], frozenset[Endpoint]]
    serving: Callable[[str], str]
    heard: Callable[[Found], bool]


class Observer:
    """Tells what runs, and never takes our own changes for somebody else's."""

    def __init__(self, senses: Senses) -> None:
        self._senses = senses

    def look(self, place: Place) -> Deployment | None:
        """What really runs at this place now; None when nothing does.

        Raises:
            Foreign: somebody else had their hands on this machine.
            TryLater: the engine or the front cannot be asked.
        """
        with contextlib.suppress(Foreign):  # a change may have been under way: a second look decides
            spec = self._senses.serving(place.name)
            seen = self._look(place, spec)
            if spec == self._senses.serving(place.name) and (seen is None) == (not spec):
                return seen
        return self._look(place, self._senses.serving(place.name))

    def _look(self, place: Place, spec: str) -> Deployment | None:
        users = self._senses.endpoints(place.name)
        containers, strange = self._read(place)
        if strange:  # plugged in after the containers were read, or left by one that is going
            containers, still = self._read(place)
            strange &= still
        users &= self._senses.endpoints(place.name)
        refuse_foreign(containers, strange)
        ours = [found for found in containers if found.labels["app"] == place.name]
        serving = [found for found in ours if found.labels["spec"] == spec]
        if not serving:
            return None
        return deployment_of(place.name, serving, ours, users, ready=self._ready(serving))

    def _read(self, place: Place) -> tuple[list[Found], frozenset[str]]:
        """All containers, and the cables that lead to none of ours."""
        containers = self._senses.containers()
        unknown = orphans(containers)
        ours = [one for one in containers if one not in unknown and one.labels["app"] == place.name]
        return containers, self._senses.cables(place) - {place.link(address_of(found)) for found in ours}

    def _ready(self, serving: Collection[Found]) -> int:
        """How many say that they are ready; the slow ones said so to their caretaker, who waits longer."""
        running = [found for found in serving if found.running]
        asked = [Care.parse(found.labels["care"]).readiness for found in running]
        questions = [
            (one, Endpoint(address_of(found), one.port)) for found, one in zip(running, asked, strict=True)
        ]
        answers = probe.ask_all(questions, within=_PROBE_SECONDS)
        return sum(
            health.well or (health.late and one.timeout > _PROBE_SECONDS and self._senses.heard(found))
            for health, one, found in zip(answers, asked, running, strict=True)
        )
