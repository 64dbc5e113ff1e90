"""One cluster of a fleet, and what was last seen of it."""

import threading
from collections.abc import Callable, Sequence
from copy import copy
from typing import NamedTuple

from cyberprivacy.deploy.deployment import Application, Deployment, Tended
from cyberprivacy.errors import CyberPrivacyError


class Member(NamedTuple):
    """One cluster.

    Attributes:
        name: unique in its fleet; what people call it.
        wave: when its turn is, from 1; clusters of one wave need not wait for one another's gate.
        runtime: what runs applications there.
    """

    name: str
    wave: int
    runtime: Tended


class Sighting(NamedTuple):
    """What was last seen of an application in one cluster, for people.

    Attributes:
        cluster, wave: as of `Member`.
        running: None = nothing, or nobody can say.
        code: reason code of why nobody can say; "" otherwise.
    """

    cluster: str
    wave: int
    running: Deployment | None
    code: str = ""


class Watcher:
    """Looks at the members of a fleet and remembers what it saw. Threads may share it."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members, self._lock = members, threading.Lock()
        self._seen: dict[tuple[str, str], Sighting] = {}

    def look(self, member: Member, name: str) -> Deployment | None:
        """What runs of an application in a cluster now. Errors as `Runtime.observe`."""
        return self._noted(member, name, member.runtime.observe)

    def glance(self, member: Member, name: str) -> Deployment | None:
        """The same as by `Runtime.glance`."""
        return self._noted(member, name, member.runtime.glance)

    def _noted(self, member: Member, name: str, ask: Callable[[str], Deployment | None]) -> Deployment | None:
        try:
            running = ask(name)
        except CyberPrivacyError as failure:
            self._note(name, Sighting(member.name, member.wave, None, failure.code))
            raise
        self._note(name, Sighting(member.name, member.wave, running))
        return running

    def seen(self, name: str) -> tuple[Sighting, ...]:
        """The last sighting of an application in each cluster in which it was looked for."""
        with self._lock:
            found = [self._seen.get((name, member.name)) for member in self._members]
        return tuple(one for one in found if one is not None)

    def _note(self, name: str, sighting: Sighting) -> None:
        with self._lock:
            self._seen[name, sighting.cluster] = sighting


def serves(running: Deployment | None, application: Application) -> bool:
    """Whether what runs is this release, with these images."""
    wanted = {name: image.digest for name, image in application.images.items()}
    return running is not None and running.release == application.release and running.images == wanted


def named(member: Member, failure: CyberPrivacyError) -> CyberPrivacyError:
    """The same failure, with the cluster and its wave in its words: the ledger keeps words and code only."""
    other = copy(failure)
    other.args = (f"cluster {member.name} (wave {member.wave}): {failure.what}",)
    other.facts = dict(failure.facts)
    return other
