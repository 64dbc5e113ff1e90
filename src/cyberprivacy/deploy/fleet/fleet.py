"""A runtime made of several: each applies, observes and tends by its own rules, and all must agree.

A cluster out of reach is named, and does not keep the others from care; but as long as nobody can say what runs
there, nobody says what runs.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar

import structlog

from cyberprivacy.deploy import errand
from cyberprivacy.deploy.deployment import SEAL, Application, Deployment, PartlyKnown
from cyberprivacy.deploy.fleet.member import Member, Sighting, Watcher, named
from cyberprivacy.deploy.fleet.waves import Pace, Stage, Waves
from cyberprivacy.deploy.patience import Stopped
from cyberprivacy.errors import CyberPrivacyError, TryLater

T = TypeVar("T")

_ROUND: Final = 1.0
"""Seconds that a round of care waits for its slowest cluster; what that one finds is heard in a later round."""
_log = structlog.get_logger("deploy")


class Differ(TryLater):
    """Clusters serve different releases, or some of them none."""

    code = "fleet.differ"
    hint = "A release goes wave by wave: `node status` says how far it is."


class Users(Protocol):
    """Which clusters users are sent to: `shares.Shares`."""

    def admit(self, app: str, clusters: frozenset[str]) -> None:
        """Send users of an application to these clusters and no others, as far as they serve it."""
        ...

    def shut(self, app: str) -> None:
        """Send users of an application nowhere."""
        ...


class Fleet:
    """Runs applications in several clusters; port `Runtime`. Threads may share it, but one alone calls `tend`."""

    def __init__(
        self,
        members: Sequence[Member],
        users: Users,
        *,
        pace: Pace | None = None,
        told: Callable[[str, Mapping[str, object]], object] = lambda _, __: None,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Compose runtimes; nothing is asked of any yet.

        Args:
            members: at least one, with names of their own. The first is home to what keeps data.
            users: moves them.
            pace: of the gates between waves.
            told: hears of waves and gates, as a kind and facts.
            now: see `Waves`.
            pause: see `Waves`.
        """
        self._members, self._users = tuple(members), users
        self._watcher = Watcher(self._members)
        self._waves = Waves(self._members, self._watcher, pace or Pace(), told=told, now=now, pause=pause)
        self._removals: Counter[str] = Counter()
        self._tending: dict[str, Future[tuple[str, ...]]] = {}

    @property
    def clusters(self) -> tuple[str, ...]:
        """Names of its members."""
        return tuple(member.name for member in self._members)

    def seen(self, name: str) -> tuple[Sighting, ...]:
        """What was last seen of an application in each cluster."""
        return self._watcher.seen(name)

    def stage(self, name: str) -> Stage | None:
        """Where an application's roll-out is; None when none is under way."""
        return self._waves.stage(name)

    def apply(self, application: Application) -> Deployment:
        """See `Runtime.apply`; errors also as `Waves.roll_out`.

        Volumes are of one cluster: users of an application that keeps data are sent to its home alone.
        """
        name = application.name
        removals = self._removals[name]

        def go_on() -> None:
            if self._removals[name] != removals:
                raise Stopped("removed while it was on its way")

        home = frozenset(self.clusters[:1] if application.topology.claims else self.clusters)
        self._users.admit(name, home)
        self._waves.roll_out(application, go_on)
        deployment = self.observe(name)
        if deployment is None:
            raise Differ("what was started is gone", app=name)
        return deployment

    def observe(self, name: str) -> Deployment | None:
        """See `Runtime.observe`: what all clusters agree on, with the replicas of all.

        Raises:
            Differ: they do not agree.
            CyberPrivacyError: what the first cluster raised that cannot say, with its name.
        """
        return self._agreed(name, self._watcher.look)

    def glance(self, name: str) -> Deployment | None:
        """See `Runtime.glance`. Errors as `observe`."""
        return self._agreed(name, self._watcher.glance)

    def _agreed(self, name: str, look: Callable[[Member, str], Deployment | None]) -> Deployment | None:
        found, failures = self._ask(lambda member: look(member, name))
        if failures:
            raise failures[0]
        running = [one for one in found.values() if one is not None]
        if not running:
            return None
        first = running[0]
        same = all((one.release, one.images) == (first.release, first.images) for one in running)
        if not same or len(running) < len(found):
            said = {cluster: "none" if one is None else str(one.release) for cluster, one in found.items()}
            raise Differ("clusters do not serve the same", app=name, clusters=said)
        return Deployment(
            name=name,
            release=first.release,
            images=first.images,
            ready=sum(one.ready for one in running),
            wanted=sum(one.wanted for one in running),
            clusters=tuple(sorted(found)),
            seal=SEAL,
        )

    def names(self) -> frozenset[str]:
        """See `Tended.names`.

        Raises:
            PartlyKnown: a cluster cannot say, or another node acts there: asked again, as it may have more.
            CyberPrivacyError: a cluster cannot be asked at all.
        """
        found, failures = self._ask(lambda member: member.runtime.names())
        known = frozenset[str]().union(*found.values())
        for failure in sorted(failures, key=lambda one: isinstance(one, TryLater)):  # the lasting ones first
            raise PartlyKnown(failure, known) if isinstance(failure, TryLater) else failure
        return known

    def remove(self, name: str) -> None:
        """See `Runtime.remove`: users leave all clusters first, then each ends what it runs.

        Raises:
            CyberPrivacyError: the first failure, which names all clusters in which something may still run.
        """
        # Before anything is removed: a roll-out on its way must not begin again after it.
        self._removals[name] += 1
        with suppress(TryLater):  # a front that hangs is told of by each cluster's own removal
            self._users.shut(name)
        found, failures = self._ask(lambda member: member.runtime.remove(name))
        if failures:
            left = [cluster for cluster in self.clusters if cluster not in found]
            failures[0].facts["may_still_run_in"] = left
            raise failures[0]

    def tend(self) -> tuple[str, ...]:
        """See `Tended.tend`. Each cluster is cared for at its own speed."""
        for member in self._members:
            if member.name not in self._tending:
                self._tending[member.name] = errand.send(member.runtime.tend)
        wait(self._tending.values(), timeout=_ROUND)
        right: list[str] = []
        failures: list[CyberPrivacyError] = []
        for member in self._members:
            if not self._tending[member.name].done():
                continue
            try:
                right += (f"{member.name}: {what}" for what in self._tending.pop(member.name).result())
            except CyberPrivacyError as failure:
                _log.warning("tend", cluster=member.name, code=failure.code, what=str(failure))
                failures.append(named(member, failure))
        if failures:
            raise failures[0]
        return tuple(right)

    def close(self) -> None:
        """See `Tended.close`."""
        _, failures = self._ask(lambda member: member.runtime.close())
        if failures:
            raise failures[0]

    def _ask(self, question: Callable[[Member], T]) -> tuple[dict[str, T], list[CyberPrivacyError]]:
        """Ask all clusters at once: what each says by its name, and the failures of those that do not."""
        sent = [(member, errand.send(partial(question, member))) for member in self._members]
        found: dict[str, T] = {}
        failures: list[CyberPrivacyError] = []
        for member, future in sent:
            try:
                found[member.name] = future.result()
            except CyberPrivacyError as failure:
                failures.append(named(member, failure))
        return found, failures
