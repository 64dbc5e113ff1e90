"""Two real clusters behind one front: a release goes from one to the other, and either may fail.

The tests of this module are one story and run in its order.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from tests.kubernetes.conftest import APP, Town
from tests.kubernetes.test_life import ABSENT, Load

from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.fleet.fleet import Differ, Fleet
from cyberprivacy.deploy.fleet.member import Member
from cyberprivacy.deploy.fleet.shares import Shares
from cyberprivacy.deploy.fleet.waves import Pace
from cyberprivacy.deploy.kubernetes.fields import Object, text
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.deploy.kubernetes.objects import GENERATION, mark_of
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.deploy.plan import spec_of
from cyberprivacy.errors import TryLater
from cyberprivacy.review.workload import ScratchMount
from cyberprivacy.testing.kubernetes.install import OURS
from cyberprivacy.testing.kubernetes.plane import Plane, eventually

PACE = Pace(soak=4.0, patience=30.0, look=1.0)


class Killed(BaseException):
    """The node dies here."""


class Pair:
    """A node with both clusters: north is wave 2, south is wave 1."""

    def __init__(self, town: Town, south: Plane) -> None:
        self.town, self.planes = town, {"north": town.plane, "south": south}
        self.admins = {name: plane.cluster("admin") for name, plane in self.planes.items()}
        self.told: list[tuple[str, object]] = []
        self.fleets: list[Fleet] = []
        self.fleet = self.reborn()

    def reborn(self, start_seconds: int = 60) -> Fleet:
        networks = {name: [IPv4Network(plane.site.services)] for name, plane in self.planes.items()}
        shares, members = Shares(self.town.front, networks), []
        for name, plane in self.planes.items():
            settings = replace(
                self.town.settings,
                access=read(plane.kubeconfig(OURS)),
                front=(f"{plane.site.host}/32",),
                start_seconds=start_seconds,
                round_seconds=0,
            )
            runtime = KubernetesRuntime(settings, shares.of(name))
            members.append(Member(name, 1 if name == "south" else 2, runtime))
        fleet = Fleet(members, shares, pace=PACE, told=lambda kind, facts: self.told.append((kind, facts["wave"])))
        self.fleets.append(fleet)
        return fleet

    def guestbook(self, version: str, *, release: str = "") -> Application:
        """One that keeps nothing: its messages are gone with its pod."""
        mounts = (ScratchMount("/data", 1 << 20), ScratchMount("/tmp", 1 << 20))
        found = self.town.guestbook(version, release=release, mounts=mounts)
        return replace(found, topology=replace(found.topology, claims=(), config_maps=()))

    def marks(self) -> dict[str, set[str]]:
        return {
            name: {text(one, "metadata", "labels", GENERATION) for one in admin.every("Deployment", APP)}
            for name, admin in self.admins.items()
        }

    def versions(self) -> set[str]:
        return {str(json.loads(self.town.read()[2])["version"]) for _ in range(12)}

    def close(self) -> None:
        self.fleet.remove(APP)
        for one in (*self.fleets, *self.admins.values()):
            one.close()


@pytest.fixture(scope="module")
def pair(town: Town, south: Plane) -> Iterator[Pair]:
    town.runtime.remove(APP)
    pair = Pair(town, south)
    yield pair
    pair.close()


def mark(application: Application) -> set[str]:
    return {mark_of(spec_of(application))}


def test_a_release_comes_to_both_and_users_meet_both(pair: Pair) -> None:
    deployment = pair.fleet.apply(pair.guestbook("1.0.0"))
    assert (deployment.ready, deployment.wanted, deployment.clusters) == (2, 2, ("north", "south"))
    assert pair.told == [("deploy.wave", 1), ("deploy.gate", 1), ("deploy.wave", 2)]
    assert len(pair.town.front.endpoints(APP)) == 2
    assert pair.versions() == {"1.0.0"}


def test_an_update_by_waves_loses_no_request(pair: Pair) -> None:
    new = pair.guestbook("1.1.0")
    with Load(pair.town).on() as load:
        pair.fleet.apply(new)
    assert (load.lost, pair.versions()) == ([], {"1.1.0"})
    assert load.asked > 50
    assert pair.marks() == {"north": mark(new), "south": mark(new)}


def test_a_release_that_fails_in_the_first_wave_never_comes_to_the_second(pair: Pair) -> None:
    old = pair.guestbook("1.1.0")
    with Load(pair.town).on() as load, pytest.raises(TryLater, match=r"cluster south \(wave 1\)") as failure:
        pair.reborn(start_seconds=6).apply(pair.guestbook(ABSENT, release="absent"))
    assert failure.value.code == "kubernetes.pull"
    assert (load.lost, pair.versions()) == ([], {"1.1.0"})
    assert pair.marks() == {"north": mark(old), "south": mark(old)}


def test_a_node_that_is_killed_while_a_gate_is_held_goes_on_from_there(pair: Pair) -> None:
    old, new = pair.guestbook("1.1.0"), pair.guestbook("1.0.0", release="third")
    killed, pair.told[:] = pair.reborn(), []

    def die(_: float) -> None:
        raise Killed

    killed._waves._pause = die
    with Load(pair.town).on() as load:
        with pytest.raises(Killed):
            killed.apply(new)
        assert pair.marks() == {"north": mark(old), "south": mark(new)}
        pair.fleet = pair.reborn()
        with pytest.raises(Differ):
            pair.fleet.observe(APP)
        pods = {text(one, "metadata", "uid") for one in pair.admins["south"].every("Pod", APP)}
        pair.fleet.apply(new)
    assert (load.lost, pair.versions()) == ([], {"1.0.0"})
    assert pods >= {text(one, "metadata", "uid") for one in pair.admins["south"].every("Pod", APP)}
    assert pair.told == [("deploy.wave", 1), ("deploy.gate", 1), ("deploy.wave", 2)]


def policies(pair: Pair) -> dict[str, Object]:
    """What the node put in force in north."""
    found = pair.admins["north"].every("ValidatingAdmissionPolicyBinding")
    return {name: one for one in found if "fence" not in (name := text(one, "metadata", "name"))}


def test_a_silent_cluster_is_named_and_the_other_is_cared_for(pair: Pair) -> None:
    pair.planes["south"].kill("kube-apiserver")
    with pytest.raises(TryLater, match="cluster south"):
        pair.fleet.observe(APP)
    before = policies(pair)
    for one in before.values():
        pair.admins["north"].delete(one)

    def cared_for() -> bool:
        with suppress(TryLater):  # of south, each time
            pair.fleet.tend()
        return policies(pair).keys() == before.keys()

    assert before
    assert not policies(pair)
    eventually(cared_for, 40, "north is cared for")
    assert pair.town.read()[0] == 200


def test_a_removal_with_a_silent_cluster_says_where_something_is_left(pair: Pair) -> None:
    with pytest.raises(TryLater) as left:
        pair.fleet.remove(APP)
    assert left.value.facts["may_still_run_in"] == ["south"]
    assert pair.admins["north"].every("Pod", APP) == []
    assert pair.town.read()[0] == 503
    pair.planes["south"].again("kube-apiserver")
    pair.planes["south"].await_api()
    pair.fleet.remove(APP)
    assert pair.admins["south"].every("Pod", APP) == []
