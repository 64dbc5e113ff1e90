"""The embedded runtime: containers by podman from our own model, users moved between them by the front."""

import contextlib
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy.build.scratch import on_disk
from cyberprivacy.deploy import network
from cyberprivacy.deploy.caretaker import Caretaker
from cyberprivacy.deploy.container import create_arguments, write_files
from cyberprivacy.deploy.deployment import Application, Deployment
from cyberprivacy.deploy.engine import Engine, Pull
from cyberprivacy.deploy.found import EngineFailed, Found
from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.inspection import address_of, endpoint_of, orphans
from cyberprivacy.deploy.observation import Observer, Senses
from cyberprivacy.deploy.patience import Wait, await_ready
from cyberprivacy.deploy.places import Places, write_whole
from cyberprivacy.deploy.plan import Care, Generation, Place, generation, spec_of
from cyberprivacy.errors import CyberPrivacyError, TryLater, Untrusted
from cyberprivacy.review.workload import Topology

_SERVING: Final = "serving"
_NETWORK_SECONDS: Final = 10.0
"""Between two looks at bridge and rules, a dozen commands each: nobody takes them away but the machine's owner."""
_log = structlog.get_logger("deploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodmanSettings:
    """Where the embedded runtime keeps what.

    Attributes:
        data: volumes of users' data; must survive releases, restarts and reboots.
        storage: images and container layers; may be lost.
        run: volatile; on a file system that a reboot empties, such as /run.
        subnets: private addresses for applications, /24 each; nothing else on the machine may use them.
        first_uid: first host uid of the first application.
        pull: how to reach the registry.
        start_seconds: how long a new release may take to become ready, beyond its own initial delay.
        oci_runtime: runc or crun.
    """

    data: Path
    storage: Path
    run: Path
    subnets: IPv4Network = field(default_factory=lambda: IPv4Network("10.89.0.0/16"))
    first_uid: int = 1_000_000
    pull: Pull = field(default_factory=Pull)
    start_seconds: float = 60.0
    oci_runtime: str = "runc"


class PodmanRuntime:
    """Runs applications on this machine; port `Runtime`.

    Its memory is the engine: labels on containers say which release they belong to and how to look after
    them, so that a node which is killed anywhere goes on from what really runs. Threads may share it.
    """

    def __init__(self, settings: PodmanSettings, front: Balancer) -> None:
        self._settings, self._front = settings, front
        self._places = Places(settings.data, settings.subnets, settings.first_uid)
        self._engine = Engine(settings.storage, settings.run, runtime=settings.oci_runtime)
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._removals: Counter[str] = Counter()
        self._prepared: defaultdict[str, float] = defaultdict(lambda: -_NETWORK_SECONDS)
        self._applications = settings.storage.parent / "applications"
        self._caretaker = Caretaker(self._start_again, self._end)
        self._observer = Observer(
            Senses(
                containers=self._engine.containers,
                cables=network.cables,
                endpoints=front.endpoints,
                serving=self._serving,
                heard=self._caretaker.heard,
            )
        )

    def apply(self, application: Application) -> Deployment:
        """See `Runtime.apply`."""
        self._engine.settle()
        name, spec = application.name, spec_of(application)
        removals = self._removals[name]
        place = self._places.claim(name)
        network.prepare(place)
        self._expel(place)
        mine, others = self._split(name, spec)
        # What serves is repaired under the lock; a new release is brought up while the old one is looked after.
        repair = self._serving(name) == spec
        kept = {(one.labels["workload"], int(one.labels["replica"])): address_of(one) for one in mine}
        plan = generation(application, place, [address_of(found) for found in (*mine, *others)], kept)
        try:
            with self._locks[name] if repair else contextlib.nullcontext():
                running = self._bring_up(plan, place, application.topology, mine)
                wait = Wait(self._settings.start_seconds, lambda: self._removals[name] == removals)
                await_ready(running, self._engine.containers, self._start_again, wait)
            with self._locks[name]:
                wait.refuse_unwanted()
                self._serve(place, spec, running)
                self._clear(place, self._split(name, spec)[1])
        except BaseException:  # whatever it is: what did not come up must not stay
            with self._locks[name]:
                if self._serving(name) != spec:
                    self._retreat(place, spec)
            raise
        with contextlib.suppress(EngineFailed):  # a full disk is told about when it hurts, not here
            self._engine.forget_images()
        deployment = self.observe(name)
        if deployment is None:
            raise EngineFailed("what was started is gone", app=name)
        return deployment

    def observe(self, name: str) -> Deployment | None:
        """See `Runtime.observe`."""
        place = self._places.find(name)
        return None if place is None else self._observer.look(place)

    def glance(self, name: str) -> Deployment | None:
        """See `Runtime.glance`: this engine is near, and tells of nothing by itself."""
        return self.observe(name)

    def names(self) -> frozenset[str]:
        """Applications of which a container is here, in whatever state."""
        return frozenset(found.labels["app"] for found in self._engine.containers() if "app" in found.labels)

    def remove(self, name: str) -> None:
        """See `Runtime.remove`. Neither a front that hangs nor a release on its way keeps it from ending all."""
        self._removals[name] += 1  # whoever waits for its containers to become ready gives up, and its lock
        self._engine.settle()
        place = self._places.find(name)
        if place is None:
            return
        with self._locks[name]:
            silent: TryLater | None = None
            try:
                self._front.point(name, ())
            except TryLater as failure:
                silent = failure
            (self._folder(name) / _SERVING).unlink(missing_ok=True)
            self._expel(place)
            self._clear(place, [found for found in self._engine.containers() if found.labels.get("app") == name])
            network.close(place)
        if silent is not None:
            raise silent  # nothing runs; who comes next still has to tell users

    def tend(self) -> tuple[str, ...]:
        """Look after everything that serves: call it every second or so.

        Dead containers are started again (with growing pauses), ones whose liveness probe fails are
        restarted, and users are only sent to those whose readiness probe passes.

        Returns:
            Names of the containers that were started again, for the log.

        Raises:
            CyberPrivacyError: the first failure of any, after the other applications were looked after.
        """
        self._engine.settle()
        started: list[str] = []
        failures: list[CyberPrivacyError] = []
        for name in sorted(path.parent.name for path in self._applications.glob(f"*/{_SERVING}")):
            if self._locks[name].acquire(blocking=False):  # else a switch is under way, which looks after it
                try:
                    started += self._tend_one(name)
                except CyberPrivacyError as failure:
                    _log.warning("tend", app=name, code=failure.code, what=str(failure))
                    failures.append(failure)
                finally:
                    self._locks[name].release()
        if failures:
            raise failures[0]
        return tuple(started)

    def close(self) -> None:
        """See `Tended.close`: podman is asked command by command, nothing is held between them."""

    def _tend_one(self, name: str) -> list[str]:
        place, ours, spec = self._places.find(name), self._engine.containers(app=name), self._serving(name)
        serving = [one for one in ours if one.labels.get("spec") == spec]
        self._caretaker.forget(name, ours)
        if place is None or not serving or orphans(serving):
            return []
        if time.monotonic() >= self._prepared[name] + _NETWORK_SECONDS:
            network.prepare(place)
            self._prepared[name] = time.monotonic()
        started = self._caretaker.look_after(serving)
        ready = self._caretaker.ready(serving)
        if ready and ready != self._front.endpoints(name):  # with none ready, the front says so by itself
            with contextlib.suppress(TryLater):  # asked again in the next round
                self._front.point(name, ready, drain=1.0)
        return started

    def _start_again(self, found: Found) -> None:
        place = self._places.claim(found.labels["app"])
        self._start(place, found.id, address_of(found), Care.parse(found.labels["care"]))

    def _end(self, found: Found) -> None:
        grace = Care.parse(found.labels["care"]).grace
        self._engine.do("stop", f"--time={grace}", found.id, timeout=grace + 60)

    def _bring_up(self, plan: Generation, place: Place, topology: Topology, mine: Iterable[Found]) -> list[Found]:
        """Have every container of a generation running; returns them in the plan's order."""
        there = {(found.labels["workload"], found.labels["replica"]): found for found in mine}  # names are unique
        with self._engine.keeping_images():
            for pod in plan.pods:
                self._engine.pull(pod.reference, pod.digest, self._settings.pull)
            volumes = {f"claim/{one}": str(path) for one, path in self._places.volumes(place, topology).items()}
            mounts = volumes | write_files(self._folder(plan.app) / f"files-{plan.spec}", plan)
            for pod in plan.pods:
                found = there.pop((pod.workload, str(pod.replica)), None)
                if found is not None and found.running and pod.digest in found.digests and not found.sessions:
                    continue
                if found is not None:
                    self._discard(place, found)
                self._engine.do("create", *create_arguments(plan, pod, place, mounts))
                self._start(place, plan.name(pod), pod.address, pod.care)
        for found in there.values():
            self._discard(place, found)
        return self._split(plan.app, plan.spec)[0]

    def _start(self, place: Place, container: str, address: IPv4Address, care: Care) -> None:
        """Start a container that is created or has ended, with its cable plugged in before its first step.

        Podman cleans up after a container's last run when it gets to it, and then ends what waits for its start.
        """
        for last in (False, True):
            self._engine.do("init", container)
            pid = int(self._engine.do("inspect", "--type=container", "--format={{.State.Pid}}", container))
            try:
                network.plug(place, address, pid, care.redirects)
                break
            except network.NetworkFailed:
                if last or Path("/proc", str(pid)).exists():
                    raise
        self._engine.do("start", container)

    def _serve(self, place: Place, spec: str, running: Collection[Found]) -> None:
        """Send users to this generation: the point after which it is the one that runs."""
        images = {found.labels["image"]: found for found in running if found.labels["digest"] not in found.digests}
        if images:
            raise Untrusted("another image runs than was pushed", code="deploy.image", images=sorted(images))
        endpoints = {endpoint for found in running if (endpoint := endpoint_of(found))}
        drain = max((Care.parse(found.labels["care"]).grace for found in running), default=0)
        self._front.point(place.name, endpoints, drain=max(drain, 5.0))
        write_whole(self._folder(place.name) / _SERVING, spec)

    def _retreat(self, place: Place, spec: str) -> None:
        """Leave nothing of a release that did not come up; the one that serves goes on serving.

        Raises:
            TryLater: users may be on the new one already and the front is silent: both stay for the next try.
        """
        new, old = self._split(place.name, spec)
        if self._front.endpoints(place.name) & {endpoint_of(found) for found in new}:
            serving = [found for found in old if found.labels["spec"] == self._serving(place.name)]
            self._front.point(place.name, {endpoint for found in serving if (endpoint := endpoint_of(found))})
        self._clear(place, new, grace=0)

    def _clear(self, place: Place, containers: Iterable[Found], *, grace: int | None = None) -> None:
        """Stop and remove containers, with the longest grace of them unless one is given, and their files."""
        gone = list(containers)
        longest = max((Care.parse(found.labels["care"]).grace for found in gone), default=0)
        self._engine.discard(gone, grace=longest if grace is None else grace)
        for found in gone:
            network.unplug(place.link(address_of(found)))
        kept = {found.labels.get("spec") for found in self._engine.containers()}
        for folder in self._folder(place.name).glob("files-*"):
            if folder.name.removeprefix("files-") not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _discard(self, place: Place, found: Found) -> None:
        self._engine.discard([found])
        network.unplug(place.link(address_of(found)))

    def _expel(self, place: Place) -> None:
        """Remove what nobody of us started: this engine and this bridge are ours alone."""
        everything = self._engine.containers()
        strange = orphans(everything)
        self._engine.discard(strange)
        ours = [one for one in everything if one not in strange and one.labels["app"] == place.name]
        for link in network.cables(place) - {place.link(address_of(found)) for found in ours}:
            network.unplug(link)

    def _split(self, name: str, spec: str) -> tuple[list[Found], list[Found]]:
        ours = [found for found in self._engine.containers() if found.labels.get("app") == name]
        mine = [found for found in ours if found.labels.get("spec") == spec]
        return mine, [found for found in ours if found not in mine]

    def _serving(self, name: str) -> str:
        try:
            return (self._folder(name) / _SERVING).read_text()
        except FileNotFoundError:
            return ""

    def _folder(self, name: str) -> Path:
        folder = self._applications / name
        with on_disk():
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        return folder
