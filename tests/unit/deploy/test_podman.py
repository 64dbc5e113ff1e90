import json
from dataclasses import replace

import pytest
from tests.unit.deploy.conftest import PYTHON
from tests.unit.deploy.containers import names

from cyberprivacy.deploy.podman import PodmanRuntime
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.registry.pushed import SEAL
from cyberprivacy.review.workload import Probe

pytestmark = pytest.mark.engines


def test_a_release_runs_and_is_read_back_by_digest(machine):
    release = machine.guestbook(replicas=2)
    deployment = machine.runtime.apply(release)
    assert deployment == machine.runtime.observe("book")
    assert deployment.release == release.release
    assert deployment.images == {"web": machine.images["1.0.0"]}
    assert (deployment.ready, deployment.wanted) == (2, 2)
    assert machine.version() == "1.0.0"
    assert b"Book of tests" in machine.read("/")[2]


def test_the_same_again_changes_nothing(machine):
    machine.runtime.apply(machine.guestbook())
    before = names(machine)
    machine.runtime.apply(machine.guestbook())
    PodmanRuntime(machine.settings, machine.front).apply(machine.guestbook())
    assert names(machine) == before


def test_nothing_is_observed_where_nothing_was_deployed(machine):
    assert machine.runtime.observe("book") is None
    machine.runtime.remove("book")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"readiness": Probe("/nowhere", 8080, 0, 1, 2, 2)}, ("HTTP 404", 0)),
        ({"command": (*PYTHON, "-c", "raise SystemExit(7)")}, ("ended", 7)),
    ],
)
def test_a_release_that_does_not_become_well_leaves_nothing_and_the_old_one_serves(machine, broken, said):
    before = machine.runtime.apply(machine.guestbook())
    impatient = PodmanRuntime(replace(machine.settings, start_seconds=5), machine.front)
    containers, files = names(machine), sorted((machine.folder / "applications/book").iterdir())
    with pytest.raises(Untrusted) as refusal:
        impatient.apply(machine.guestbook("1.1.0", **broken))
    assert refusal.value.code == "deploy.unhealthy"
    assert (refusal.value.facts["probe"], refusal.value.facts["exit_code"]) == said
    assert names(machine) == containers
    assert sorted((machine.folder / "applications/book").iterdir()) == files
    assert machine.runtime.observe("book") == before
    assert machine.version() == "1.0.0"


def test_an_image_that_the_registry_does_not_have_changes_nothing(machine):
    before = machine.runtime.apply(machine.guestbook())
    missing = machine.guestbook("1.1.0")
    image = machine.pushed("1.1.0")
    reference = image.reference[:-4] + "0000"
    images = {"web": type(image)(name="web", reference=reference, digest=reference.partition("@")[2], seal=SEAL)}
    with pytest.raises(TryLater):
        machine.runtime.apply(replace(missing, images=images))
    assert machine.runtime.observe("book") == before


def test_the_engine_tells_the_images_that_it_has_and_is_silent_about_others(machine):
    """With the real podman: its way to say that an image is not there is not ours to choose."""
    engine, image = machine.runtime._engine, machine.pushed("1.0.0")
    identity = engine.pull(image.reference, image.digest, machine.settings.pull)
    described = engine._described("e" * 64, identity, image.reference.replace(image.digest, f"sha256:{'f' * 64}"))
    assert [one["Id"] for one in described] == [identity]


def test_data_outlives_releases_and_removal(machine):
    machine.runtime.apply(machine.guestbook())
    client = machine.client()
    assert client.ask("POST", "/api/messages", b'{"name": "Ada", "text": "kept"}')[0] == 201
    client.close()
    machine.runtime.remove("book")
    assert machine.runtime.observe("book") is None
    assert machine.read()[1]["cyberprivacy-reason"] == "deploy.none"
    assert not names(machine)
    machine.runtime.apply(machine.guestbook("1.1.0"))
    assert json.loads(machine.read("/api/messages")[2])["messages"][0]["text"] == "kept"


def test_a_volume_is_not_given_to_another_user(machine):
    before = machine.runtime.apply(machine.guestbook())
    with pytest.raises(Misuse) as refusal:
        machine.runtime.apply(machine.guestbook("1.1.0", user=10002))
    assert refusal.value.code == "deploy.claim"
    assert machine.runtime.observe("book") == before
