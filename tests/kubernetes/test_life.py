"""A guestbook's life in a real cluster: it is deployed, updated, and survives releases that do not work.

The tests of this module are one story and run in its order.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from tests.kubernetes.conftest import APP, Town
from tests.unit.deploy.conftest import READY

from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.kubernetes.api import ClusterSilent
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.deploy.kubernetes.objects import GENERATION, mark_of
from cyberprivacy.deploy.kubernetes.release import Release, Unpulled
from cyberprivacy.deploy.kubernetes.room import Standing
from cyberprivacy.deploy.patience import Unhealthy
from cyberprivacy.deploy.plan import spec_of
from cyberprivacy.testing.kubernetes.plane import eventually

ABSENT = f"sha256:{'0' * 64}"


class Load:
    """Users who ask all the while; `lost` are the answers that they did not get."""

    def __init__(self, town: Town) -> None:
        self.asked, self.lost = 0, []
        self._town, self._over = town, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.asked += 1
            try:
                status = self._town.read()[0]
            except OSError as problem:
                status = repr(problem)
            if status != 200:
                self.lost.append((time.monotonic(), status))

    @contextmanager
    def on(self) -> Iterator["Load"]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


def version(town: Town) -> str:
    status, _, body = town.read()
    assert status == 200, (status, body)
    return str(json.loads(body)["version"])


def generations(town: Town) -> set[str]:
    found = [*town.admin.every("Deployment", APP), *town.admin.every("ConfigMap", APP)]
    return {mark for one in found if (mark := text(one, "metadata", "labels", GENERATION))}


def test_a_release_is_deployed_and_users_reach_it(town: Town) -> None:
    deployment = town.runtime.apply(town.guestbook("1.0.0"))
    assert (deployment.ready, deployment.wanted) == (1, 1)
    assert deployment.images == {"web": town.pushed("1.0.0").digest}
    assert version(town) == "1.0.0"
    client = town.client()
    assert client.ask("POST", "/api/messages", b'{"name": "a", "text": "hello"}')[0] == 201
    client.close()


def test_the_same_again_changes_nothing(town: Town) -> None:
    eventually(lambda: len(town.admin.every("Pod", APP)) == 1, 60, "pods from before have ended")
    before = town.admin.every("Pod", APP), town.admin.every("Deployment", APP)
    reborn = town.reborn()
    assert reborn.apply(town.guestbook("1.0.0")).ready == 1
    after = town.admin.every("Pod", APP), town.admin.every("Deployment", APP)
    for olds, news in zip(before, after, strict=True):
        for what in ("uid", "generation"):
            assert [one["metadata"].get(what) for one in olds] == [one["metadata"].get(what) for one in news]


def test_an_update_under_load_loses_no_request_and_no_data(town: Town) -> None:
    with Load(town).on() as load:
        deployment = town.runtime.apply(town.guestbook("1.1.0", replicas=2))
    assert (load.lost, deployment.ready, version(town)) == ([], 2, "1.1.0")
    assert load.asked > 50
    assert deployment.images == {"web": town.pushed("1.1.0").digest}
    assert [one["text"] for one in json.loads(town.read("/api/messages")[2])["messages"]] == ["hello"]
    assert generations(town) == {mark_of(spec_of(town.guestbook("1.1.0", replicas=2)))}


def test_an_image_that_is_not_to_be_had_leaves_what_serves_and_nothing_of_itself(town: Town) -> None:
    impatient = town.reborn(start_seconds=6)
    with Load(town).on() as load, pytest.raises(Unpulled, match="ImagePull"):
        impatient.apply(town.guestbook(ABSENT, release="absent"))
    assert (load.lost, version(town)) == ([], "1.1.0")
    assert generations(town) == {mark_of(spec_of(town.guestbook("1.1.0", replicas=2)))}


def test_a_release_that_never_becomes_ready_leaves_what_serves_and_nothing_of_itself(town: Town) -> None:
    impatient = town.reborn(start_seconds=6)
    never = READY.__class__("/nowhere", 8080, 0, 1, 2, 2)
    with Load(town).on() as load, pytest.raises(Unhealthy) as refusal:
        impatient.apply(town.guestbook("1.0.0", release="unwell", readiness=never))
    assert refusal.value.code == "deploy.unhealthy"
    assert (load.lost, version(town)) == ([], "1.1.0")
    assert generations(town) == {mark_of(spec_of(town.guestbook("1.1.0", replicas=2)))}
    observed = town.runtime.observe(APP)
    assert observed is not None
    assert observed.ready == 2


def test_a_release_that_keeps_ending_is_not_waited_for(town: Town) -> None:
    start = time.monotonic()
    ends = ("/usr/bin/python3", "-c", "raise SystemExit(7)")
    patient = town.reborn(start_seconds=200)
    with pytest.raises(Unhealthy, match="keeps ending, exit code 7"):
        patient.apply(town.guestbook("1.0.0", release="ends", command=ends))
    assert time.monotonic() - start < 120
    assert version(town) == "1.1.0"


def test_an_api_server_that_dies_during_a_rollout_only_delays_it(town: Town) -> None:
    outcome: list[object] = []

    def roll_out() -> None:
        with suppress(ClusterSilent):  # it was in the middle of a request
            outcome.append(town.runtime.apply(town.guestbook("1.0.0", replicas=2)))

    rollout = threading.Thread(target=roll_out)
    with Load(town).on() as load:
        rollout.start()
        wanted = mark_of(spec_of(town.guestbook("1.0.0", replicas=2)))
        while wanted not in generations(town):
            time.sleep(0.05)
        town.plane.kill("kube-apiserver")
        time.sleep(2)
        town.plane.again("kube-apiserver")
        town.plane.await_api()
        rollout.join()
    if not outcome:  # as the node's loop does
        town.runtime.apply(town.guestbook("1.0.0", replicas=2))
    assert (load.lost, version(town)) == ([], "1.0.0")
    assert generations(town) == {wanted}


def half_way(town: Town, application: Application) -> None:
    """What a node leaves that is killed after it has brought a release up, and before users are on it."""
    killed = town.reborn()
    room = killed._room(APP)
    Release(application, room, killed._me(), killed._settings, room.standing() or Standing()).bring_up()


def test_a_node_that_was_killed_on_the_way_goes_on_or_turns_back(town: Town) -> None:
    serving, coming = town.guestbook("1.0.0", replicas=2), town.guestbook("1.1.0")
    half_way(town, coming)
    assert generations(town) == {mark_of(spec_of(serving)), mark_of(spec_of(coming))}
    assert version(town) == "1.0.0"
    town.reborn().apply(serving)  # by now the chain wants no other
    assert (generations(town), version(town)) == ({mark_of(spec_of(serving))}, "1.0.0")
    half_way(town, coming)
    town.reborn().apply(coming)
    assert (generations(town), version(town)) == ({mark_of(spec_of(coming))}, "1.1.0")
    town.reborn().apply(serving)


def test_a_cluster_that_is_silent_says_so_and_users_notice_nothing(town: Town) -> None:
    town.plane.kill("kube-apiserver")
    with Load(town).on() as load:
        with pytest.raises(ClusterSilent):
            town.runtime.observe(APP)
        with pytest.raises(ClusterSilent):
            town.reborn().apply(town.guestbook("1.1.0"))
    town.plane.again("kube-apiserver")
    town.plane.await_api()
    assert (load.lost, version(town)) == ([], "1.0.0")


def test_what_administrators_turn_reaches_the_pods(town: Town) -> None:
    shelf = town.folder / "parameters"
    shelf.mkdir()
    turned = '{"algorithms":{"order":"newest"},"parameters":{"per-page":%d}}'
    (shelf / "parameters.json").write_text(turned % 1)
    town.runtime.apply(replace(town.guestbook("1.1.0"), parameters=shelf))
    client = town.client()
    for words in ("b", "c"):
        said = client.ask("POST", "/api/messages", json.dumps({"name": "a", "text": words}).encode())
        assert said[0] == 201, said
    assert len(json.loads(client.ask("GET", "/api/messages")[2])["messages"]) == 1
    client.close()
    (shelf / "parameters.json").write_text(turned % 2)
    town.runtime.tend()
    found = town.admin.get("ConfigMap", "cyberprivacy.parameters", APP)
    assert text(found, "data", "parameters.json") == turned % 2


def test_after_a_removal_nothing_runs_and_the_volume_is_still_there(town: Town) -> None:
    town.runtime.remove(APP)
    assert town.runtime.observe(APP) is None
    assert [*town.admin.every("Pod", APP), *town.admin.every("Service", APP)] == []
    assert [text(one, "metadata", "name") for one in town.admin.every("PersistentVolumeClaim", APP)] == [
        "messages"
    ]
    assert town.read()[0] == 503
    town.runtime.remove(APP)
    assert town.runtime.apply(town.guestbook("1.0.0")).ready == 1
    assert len(json.loads(town.read("/api/messages")[2])["messages"]) == 3
