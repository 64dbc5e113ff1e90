"""What a cluster is made of fails: its memory, its machine, the watches of the node. Nothing is lost by it.

The tests of this module are one story and run in its order.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from tests.kubernetes.conftest import APP, Town
from tests.kubernetes.test_life import Load, generations, version

from cyberprivacy.deploy.deployment import Application, Deployment
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.deploy.kubernetes.objects import mark_of
from cyberprivacy.deploy.plan import spec_of
from cyberprivacy.errors import TryLater
from cyberprivacy.testing.kubernetes.plane import Plane, eventually


@pytest.fixture(scope="module", autouse=True)
def running(town: Town) -> None:
    town.runtime = town.reborn(round_seconds=0)
    town.runtime.apply(town.guestbook("1.0.0", replicas=2))


def mark(application: Application) -> set[str]:
    return {mark_of(spec_of(application))}


def everything(town: Town) -> set[tuple[str, str]]:
    """Kind and uid of what an application is made of; events and endpoints come and go."""
    kinds = ("Deployment", "ReplicaSet", "Pod", "Service", "ConfigMap", "PersistentVolumeClaim", "NetworkPolicy")
    return {(kind, text(one, "metadata", "uid")) for kind in kinds for one in town.admin.every(kind, APP)}


def as_the_node_does(town: Town, application: Application) -> Deployment:
    """Try again after a failure of the moment, for two minutes at most."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return town.runtime.apply(application)
        except TryLater:
            assert time.monotonic() < deadline
            time.sleep(1)


def settled(town: Town) -> bool:
    with suppress(TryLater):
        return len(town.admin.every("Pod", APP)) == 2
    return False


@contextmanager
def in_bursts(plane: Plane, name: str) -> Iterator[list[float]]:
    """A part that stands still for most of each half second, as one whose disk is far too slow; when it stood."""
    over, stood = threading.Event(), []

    def hold() -> None:
        while not over.wait(0.1):
            os.kill(plane.pid(name), signal.SIGSTOP)
            stood.append(time.monotonic())
            over.wait(0.4)
            os.kill(plane.pid(name), signal.SIGCONT)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield stood
    finally:
        over.set()
        thread.join()


def test_an_etcd_that_is_slow_only_slows_an_update_down(town: Town) -> None:
    new = town.guestbook("1.1.0", replicas=2)
    with in_bursts(town.plane, "etcd") as stood, Load(town).on() as load:
        assert as_the_node_does(town, new).ready == 2
    assert len(stood) > 5
    assert (load.lost, version(town), generations(town)) == ([], "1.1.0", mark(new))


def test_an_etcd_that_is_killed_and_comes_back_has_lost_nothing(town: Town) -> None:
    eventually(lambda: settled(town), 60, "the pods from before have ended")
    before = everything(town)
    town.plane.kill("etcd")
    with Load(town).on() as load:
        with pytest.raises(TryLater):
            town.runtime.observe(APP)
        town.plane.again("etcd")
        eventually(lambda: settled(town), 60, "etcd is back")
    assert (load.lost, everything(town)) == ([], before)


def test_an_etcd_that_dies_during_an_update_only_delays_it(town: Town) -> None:
    new, outcome = town.guestbook("1.0.0", replicas=2), []
    way = threading.Thread(target=lambda: outcome.append(as_the_node_does(town, new)))
    with Load(town).on() as load:
        way.start()
        eventually(lambda: mark(new) <= generations(town), 30, "it is on its way")
        town.plane.kill("etcd")
        time.sleep(2)
        town.plane.again("etcd")
        way.join()
    assert [one.ready for one in outcome] == [2]
    assert (load.lost, version(town), generations(town)) == ([], "1.0.0", mark(new))


def remove_a_wall(town: Town) -> None:
    """What whoever has the node's token could do."""
    town.runtime.cluster.delete(town.admin.every("NetworkPolicy", APP)[0])


def test_what_happens_while_no_watch_stands_is_seen(town: Town) -> None:
    town.tended()
    eventually(lambda: town.runtime.tend() == () and town.runtime.changes.mark(APP) is not None, 30, "watches")
    before = town.runtime.changes.mark(APP)
    for line in town.runtime.changes._lines.values():
        line.cut()
    remove_a_wall(town)
    town.tended("NetworkPolicy/cyberprivacy.")
    eventually(lambda: town.runtime.changes.mark(APP) is not None, 30, "the watches stand again")
    assert town.runtime.changes.mark(APP) != before


def test_what_happens_while_the_api_server_is_away_is_seen_when_it_is_back(town: Town) -> None:
    assert town.runtime.glance(APP) is not None
    town.plane.kill("kube-apiserver")

    def silent() -> bool:
        try:
            town.runtime.glance(APP)
        except TryLater:
            return True
        return False

    eventually(silent, 5, "nobody says what runs where nobody can know")
    town.plane.again("kube-apiserver")
    town.plane.await_api()
    eventually(lambda: not silent(), 20, "it is back")
    remove_a_wall(town)
    town.tended("NetworkPolicy/cyberprivacy.")
    assert town.runtime.glance(APP) == town.runtime.observe(APP)


def test_a_pod_that_ends_is_known_at_a_glance(town: Town) -> None:
    eventually(lambda: settled(town) and town.runtime.changes.mark(APP) is not None, 60, "all stands")
    assert town.runtime.glance(APP) == town.runtime.observe(APP)
    town.runtime.cluster.delete(town.admin.every("Pod", APP)[0])

    def ready() -> int:
        found = town.runtime.glance(APP)
        return 0 if found is None else found.ready

    eventually(lambda: ready() == 1, 20, "one of two is ready")
    eventually(lambda: ready() == 2, 60, "both are ready")


def test_a_machine_whose_programs_end_and_come_back_keeps_its_pods(town: Town) -> None:
    eventually(lambda: settled(town), 60, "the pods from before have ended")
    before, new, outcome = everything(town), town.guestbook("1.1.0", replicas=2), []
    way = threading.Thread(target=lambda: outcome.append(as_the_node_does(town, new)))
    with Load(town).on() as load:
        town.machine.kill()
        time.sleep(3)
        assert everything(town) == before
        way.start()
        eventually(lambda: mark(new) <= generations(town), 30, "it waits for the machine")
        town.machine.again()
        way.join()
    assert [one.ready for one in outcome] == [2]
    assert (load.lost, version(town), generations(town)) == ([], "1.1.0", mark(new))
    town.runtime.apply(town.guestbook("1.0.0"))
