"""Clusters in memory that keep what a cluster keeps, with switches for what may go wrong, and a clock of their own."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from tests.unit.deploy.conftest import topology

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import SEAL, Application, Deployment
from cyberprivacy.deploy.fleet.fleet import Fleet
from cyberprivacy.deploy.fleet.member import Member
from cyberprivacy.deploy.fleet.waves import Pace
from cyberprivacy.deploy.patience import Unhealthy
from cyberprivacy.errors import TryLater
from cyberprivacy.registry import pushed
from cyberprivacy.registry.pushed import PushedImage

APP = "book"
PACE = Pace(soak=10.0, patience=20.0, look=2.0)


def application(release: int, *, keeps: bool = False) -> Application:
    cid = Cid.of(DAG_PB, b"release %d" % release)
    digest = Digest(f"sha256:{cid.digest.hex()}")
    image = PushedImage(name="web", reference=f"r/web@{digest}", digest=digest, seal=pushed.SEAL)
    wanted = topology() if keeps else replace(topology(), claims=())
    return Application(name=APP, release=cid, topology=wanted, images={"web": image})


class Silent(TryLater):
    code = "test.silent"


class Killed(BaseException):
    """What `kill -9` does to a process, as far as its own code can see."""


@dataclass
class World:
    """What outlives a node: its clusters and time.

    Attributes:
        kill: at which of the steps to come the node dies; 0 = at none.
        during: time -> name of a cluster and the state it gets then.
        switched: (cluster, release) in the order in which users came to it.
    """

    now: float = 1000.0
    kill: int = 0
    during: dict[float, tuple[str, str]] = field(default_factory=dict)
    switched: list[tuple[str, Cid]] = field(default_factory=list)
    engines: dict[str, "Engine"] = field(default_factory=dict)
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    admitted: list[frozenset[str]] = field(default_factory=list)
    shut_at: list[float] = field(default_factory=list)

    def step(self) -> None:
        if self.kill:
            self.kill -= 1
            if not self.kill:
                raise Killed

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.step()
        self.now += seconds
        due = sorted(when for when in self.during if when <= self.now)
        for name, state in dict(map(self.during.pop, due)).items():  # what lasts no time is nothing
            self.engines[name].become(state)

    def tell(self, kind: str, facts: object) -> None:
        self.step()
        assert isinstance(facts, dict)
        self.told.append((kind, facts))

    def admit(self, app: str, clusters: frozenset[str]) -> None:
        self.admitted.append(clusters)

    def shut(self, app: str) -> None:
        self.shut_at.append(self.now)


@dataclass
class Engine:
    """One cluster; port `Tended`.

    Attributes:
        state: well, silent (nobody reaches it), sick (no release comes up), lame (what runs is not ready).
        since: when what serves became ready, by the world's clock; None = it is not.
        right: what its next round of care puts right.
        hangs: what a round of care waits for.
    """

    name: str
    world: World
    state: str = "well"
    serving: Deployment | None = None
    since: float | None = None
    right: tuple[str, ...] = ()
    hangs: threading.Event | None = None
    removals: int = 0
    tended: int = 0
    closed: bool = False

    def become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.since = self.world.now if state == "well" and self.serving is not None else None

    def _reach(self) -> None:
        if self.state == "silent":
            raise Silent("no answer", server=f"https://{self.name}")

    def apply(self, application: Application) -> Deployment:
        self.world.step()
        self._reach()
        images = {name: image.digest for name, image in application.images.items()}
        new = Deployment(name=APP, release=application.release, images=images, ready=1, wanted=1, seal=SEAL)
        if self.state != "well":
            raise Unhealthy("does not become ready")
        if self.serving is None or self.serving.release != new.release:
            self.world.step()  # it is up, and users are where they were
            self.serving, self.since = new, self.world.now
            self.world.switched.append((self.name, new.release))
            self.world.step()  # users are on it, and the node does not know yet
        return self.serving

    def observe(self, name: str) -> Deployment | None:
        self._reach()
        if self.serving is None or self.state == "well":
            return self.serving
        return replace(self.serving, ready=0, seal=SEAL)

    glance = observe

    def names(self) -> frozenset[str]:
        self._reach()
        return frozenset() if self.serving is None else frozenset({APP})

    def remove(self, name: str) -> None:
        self.removals += 1
        self._reach()
        self.serving = self.since = None

    def tend(self) -> tuple[str, ...]:
        if self.hangs is not None:
            self.hangs.wait(30)
        self._reach()
        self.tended += 1
        return self.right

    def close(self) -> None:
        self.closed = True


def clusters(waves: Collection[int]) -> World:
    """A world with a cluster for each number: those of a wave are called by its number and a letter."""
    world = World()
    for place, wave in enumerate(waves):
        name = f"{wave}{'abcdefgh'[place]}"
        world.engines[name] = Engine(name, world)
    return world


def node(world: World) -> Fleet:
    """A node's process: it remembers nothing from before."""
    members = [Member(name, int(name[0]), engine) for name, engine in world.engines.items()]
    return Fleet(members, world, pace=PACE, told=world.tell, now=world.clock, pause=world.pause)


def serving(world: World) -> dict[str, Cid | None]:
    return {name: one.serving and one.serving.release for name, one in world.engines.items()}
