"""The runtime for many machines: the same releases as objects of any Kubernetes, users moved by its Services.

Its memory is the cluster: labels and annotations say which release is which and where users are, so that a node
that is killed anywhere goes on from what really runs.

Of several nodes with one account one acts (`lease`). The others send their own users to what it has brought, and
are ready to take its place.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy.deploy.deployment import Application, Deployment
from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.kubernetes import walls
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterOdd
from cyberprivacy.deploy.kubernetes.changes import Changes, Mark
from cyberprivacy.deploy.kubernetes.drift import Drifts
from cyberprivacy.deploy.kubernetes.elector import Elector
from cyberprivacy.deploy.kubernetes.fields import Object, text
from cyberprivacy.deploy.kubernetes.lease import Pace, Standby
from cyberprivacy.deploy.kubernetes.objects import APPLICATION, TURNED
from cyberprivacy.deploy.kubernetes.policy import policies
from cyberprivacy.deploy.kubernetes.release import PAUSE, KubernetesSettings, Release, turned
from cyberprivacy.deploy.kubernetes.room import Room, Standing
from cyberprivacy.deploy.patience import Wait
from cyberprivacy.errors import CyberPrivacyError, TryLater

_ENDING: Final = 45.0
"""Seconds within which pods that must stop have ended."""
_POLICIES: Final = ""
"""What stands for the policies among the names of applications."""
_NAMED: Final = 20
_log = structlog.get_logger("deploy")


class StillEnding(TryLater):
    """Pods of an application that must stop have not ended yet."""

    code = "kubernetes.ending"
    hint = "Nobody is sent to them any more; asked again at once."


@dataclass(frozen=True, slots=True)
class _Held:
    """What this process applied and looks after.

    Attributes:
        spec: what users are on.
        objects: all that belongs to it and is around it.
        folder: as `Application.parameters`; `turned` are its files as they were last applied.
        term: in which it was applied; None = another node acted, and applied it.
    """

    spec: str
    objects: tuple[Object, ...]
    folder: Path | None
    turned: Mapping[str, str]
    term: int | None


class KubernetesRuntime:
    """Runs applications in a cluster; port `Runtime`. Threads may share it."""

    def __init__(
        self,
        settings: KubernetesSettings,
        front: Balancer,
        *,
        told: Callable[[str, Mapping[str, object]], object] = lambda _, __: None,
    ) -> None:
        """Nothing is asked of the cluster yet; `told` hears of every drift, as a kind and facts."""
        self._settings, self._front, self._told = settings, front, told
        self._lead = _elector(settings) if settings.lease else None
        self.cluster = Cluster(settings.access, lead=self._lead)
        self.changes = Changes(Cluster(settings.access, kept=0))
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._removals: Counter[str] = Counter()
        self._held: dict[str, _Held] = {}
        self._coming: set[str] = set()
        self._drifts = Drifts(self.cluster, settings.round_seconds)
        self._glances: dict[str, tuple[Mark, _Held | None, int | None, Deployment | None]] = {}
        self._user = ""

    def apply(self, application: Application) -> Deployment:
        """See `Runtime.apply`."""
        self._coming.add(application.name)
        try:
            self._take(application)
        finally:
            self._coming.discard(application.name)
        deployment = self.observe(application.name)
        if deployment is None:
            raise ClusterOdd("what was started is gone", app=application.name)
        return deployment

    def _take(self, application: Application) -> None:
        """Bring a release up beside what serves, and then in its place."""
        name = application.name
        removals, lock = self._removals[name], self._locks[name]
        wait = Wait(self._settings.start_seconds, lambda: self._removals[name] == removals)
        room = self._room(name)
        with lock:
            before, term = room.standing() or Standing(), self._term()
            release = Release(application, room, self._me(), self._settings, before)
            if term is None:
                self._held[name] = self._follow(release, before)
                return
            for wanted in policies():
                self.cluster.apply(wanted)
            plan = release.bring_up()
        try:
            release.await_ready(plan, wait)
        except BaseException:  # whatever it is: what did not come up must not stay
            with lock, suppress(TryLater):  # a silent cluster is told of by what was raised
                if before.serving != release.spec and wait.wanted():
                    release.retreat(plan)
            raise
        with lock:
            wait.refuse_unwanted()
            around = release.serve(plan, self._front)
            folder = application.parameters
            self._held[name] = _Held(plan.spec, (*around, *plan.objects), folder, turned(folder), term)
            self._drifts.forget(name)

    def _follow(self, release: Release, before: Standing) -> _Held:
        """Another node acts here: send our users to what it has brought, as soon as it has.

        Raises:
            Standby: it has not yet.
        """
        if before.serving != release.spec:
            raise Standby("the node that acts in this cluster has not brought this release yet")
        release.follow(self._front)
        return _Held(release.spec, (), None, {}, None)

    def observe(self, name: str) -> Deployment | None:
        """See `Runtime.observe`. None also for what was applied before this node's turn: it has to do so again."""
        held, term = self._held.get(name), self._term()
        if held is not None and term is not None and held.term != term:
            return None
        room = self._room(name)
        standing = room.standing()
        return None if standing is None or not standing.serving else room.deployment(standing.serving)

    def glance(self, name: str) -> Deployment | None:
        """See `Runtime.glance`: as long as the cluster tells of nothing that happened, nothing is asked."""
        mark, held, term = self.changes.mark(name), self._held.get(name), self._term()
        match self._glances.get(name):
            case (seen, before, then, found) if seen == mark and before is held and then == term:
                return found
        found = self.observe(name)
        if mark is not None:
            self._glances[name] = mark, held, term, found
        return found

    def names(self) -> frozenset[str]:
        """Applications of this node of which something may be here.

        Raises:
            Standby: another node acts; it is not for this one to say what has to go.
        """
        us = self._me()
        if self._lead is not None:
            self._lead.left()
        return frozenset(
            text(one, "metadata", "name")
            for one in self.cluster.every("Namespace", labels=APPLICATION)
            if text(one, "metadata", "annotations", walls.NODE) == us
            and text(one, "metadata", "annotations", walls.IMAGES)  # after a removal no pod may have any
        )

    def remove(self, name: str) -> None:
        """See `Runtime.remove`. Neither a front that hangs nor a release on its way keeps it from ending all."""
        self._removals[name] += 1  # whoever waits for its pods to become ready gives up
        with self._locks[name]:
            self._held.pop(name, None)
            silent: TryLater | None = None
            try:
                self._front.point(name, ())
            except TryLater as failure:
                silent = failure
            room = self._room(name)
            standing = room.standing()
            if standing is not None and (standing.images or self._term() is not None):
                self.cluster.apply(walls.namespace(name, self._me(), (), ""))
                room.expel((), ())
                self._await_end(room)
        if silent is not None:
            raise silent  # nothing runs; who comes next still has to tell users

    def tend(self) -> tuple[str, ...]:
        """See `Tended.tend`: what administrators turned is passed on, what somebody changed is put back."""
        right: list[str] = []
        failures: list[CyberPrivacyError] = []
        term = self._term()
        mine = sorted(name for name, held in self._held.copy().items() if term is not None and held.term == term)
        for name in (_POLICIES, *mine):
            try:
                right += self._tend_one(name) if name else self._tend_policies(mine)
            except CyberPrivacyError as failure:
                _log.warning("tend", app=name, code=failure.code, what=str(failure))
                failures.append(failure)
        if failures:
            raise failures[0]
        return tuple(right)

    def close(self) -> None:
        """See `Tended.close`. The next node begins at once."""
        self.changes.close()
        if self._lead is not None:
            self._lead.close()
        self.cluster.close()

    def _tend_policies(self, apps: Sequence[str]) -> tuple[str, ...]:
        """Look after what the cluster refuses for these applications, once for all of them."""
        if not apps or not self._drifts.due(_POLICIES, None):
            return ()
        return self._put_right({"apps": list(apps[:_NAMED])}, self._drifts.look(_POLICIES, policies()))

    def _tend_one(self, name: str) -> tuple[str, ...]:
        if not self._locks[name].acquire(blocking=False):  # a switch is under way, which looks after it
            return ()
        try:
            held = self._held.get(name)
            if held is None:
                return ()
            held = self._held[name] = self._turn(name, held)
            mark = self.changes.mark(name)
            # A release on its way has objects of its own, and wider walls.
            if name in self._coming or not self._drifts.due(name, mark):
                return ()
            found = self._put_right({"app": name}, self._look(name, held.objects))
            if not found:
                self._drifts.rest(name, mark)
            return found
        finally:
            self._locks[name].release()

    def _look(self, name: str, objects: tuple[Object, ...]) -> Iterator[str]:
        yield from self._drifts.look(name, objects)
        yield from self._room(name).expel((), objects)

    def _put_right(self, about: Mapping[str, object], look: Iterator[str]) -> tuple[str, ...]:
        """Tell what a look puts right; also if it fails on its way, as far as it came."""
        found: list[str] = []
        try:
            found.extend(look)
        finally:
            if found:
                _log.warning("drift", **about, code="deploy.drift", objects=tuple(found))
                self._told("deploy.drift", {**about, "objects": found})
        return tuple(found)

    def _turn(self, name: str, held: _Held) -> _Held:
        """Pass on what administrators turned since the last look."""
        found = turned(held.folder)
        if found == held.turned:
            return held
        fresh = walls.parameters(name, found)
        self.cluster.apply(fresh)
        objects = tuple(fresh if text(one, "metadata", "name") == TURNED else one for one in held.objects)
        return replace(held, objects=objects, turned=found)

    def _await_end(self, room: Room) -> None:
        deadline = time.monotonic() + _ENDING
        while living := room.living():
            if time.monotonic() > deadline:
                raise StillEnding("pods are still ending", app=room.name, pods=living[:10])
            time.sleep(PAUSE)

    def _term(self) -> int | None:
        """In whose turn we are, if it is ours; always, where no Lease is kept."""
        return 0 if self._lead is None else self._lead.term

    def _room(self, name: str) -> Room:
        return Room(self.cluster, name, self._me())

    def _me(self) -> str:
        """Who we are in this cluster; it does not change under one kubeconfig."""
        self._user = self._user or self.cluster.whoami()
        return self._user


def _elector(settings: KubernetesSettings) -> Elector:
    """It waits for no answer so long that its time would be over."""
    namespace, _, name = settings.lease.partition("/")
    return Elector(Cluster(settings.access, seconds=Pace().renew / 2), namespace, name)
