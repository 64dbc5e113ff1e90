"""A whole node with two real clusters: one vote, two waves, a node that dies between them, and who is believed.

The tests of this module are one story and run in its order.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kubernetes.conftest import Town as ClusterTown
from tests.kubernetes.test_road import uids, verify

from cyberprivacy.deploy.fleet.waves import Stage
from cyberprivacy.node import config as settings
from cyberprivacy.node.assembly import application_name
from cyberprivacy.testing.checkout import founded
from cyberprivacy.testing.kubernetes.install import OURS
from cyberprivacy.testing.kubernetes.plane import Plane
from cyberprivacy.testing.kubernetes.town import provide, vouch
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep
from cyberprivacy.testing.visitors import Visitors

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
SOAK = 12
WAVE = {"north": 2, "south": 1}


@pytest.fixture(scope="module")
def story(folder: Path) -> Iterator[Story]:
    with founded(folder / "waves-town") as story:
        yield story


def tables(planes: dict[str, Plane], registry: str) -> str:
    """What the node's configuration says of its clusters; north is home."""
    lines = ["[kubernetes]", f'registry = "http://{registry}"', "front = []", f"soak = {SOAK}"]
    for name, plane in planes.items():
        said = {
            "name": name,
            "kubeconfig": str(plane.kubeconfig(OURS)),
            "services": [plane.site.services],
            "front": [f"{plane.site.host}/32"],
            "wave": WAVE[name],
        }
        lines += ["[[kubernetes.cluster]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items())]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def node(story: Story, town: ClusterTown, south: Plane) -> Iterator[TownNode]:
    planes = {"north": town.plane, "south": south}
    for plane in planes.values():
        provide(plane, "waves", "1Gi")
    node = story.node("node", port=free_port(), more=tables(planes, town.machine.registry))
    yield node
    node.stop()
    sweep(node.config)


def voted(story: Story, version: str, parent: str = "") -> str:
    cid = story.publish(story.sources(version, parent=parent), version)
    story.audit(cid)
    story.propose(cid, f"guestbook {version}")
    return cid


@pytest.fixture(scope="module")
def first(story: Story, node: TownNode) -> str:
    cid = voted(story, "1.0.0")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)
    return cid


def waves(node: TownNode, cid: str) -> list[tuple[str, int]]:
    """What the ledger says of a release's waves and gates."""
    entries = [entry for entry in node.entries() if entry["kind"] in ("deploy.wave", "deploy.gate")]
    return [(one["kind"], one["facts"]["wave"]) for one in entries if one["facts"]["bundle"] == cid]


def test_what_was_voted_for_runs_in_both_and_status_says_where(first: str, node: TownNode) -> None:
    status = node.status()
    assert (status["state"], status["running"]["ready"], status["rollout"]) == ("serving", 2, None)
    clusters = {one["name"]: (one["wave"], one["running"]["bundle"]) for one in status["clusters"]}
    assert clusters == {name: (wave, first) for name, wave in WAVE.items()}
    assert waves(node, first) == [("deploy.wave", 1), ("deploy.gate", 1), ("deploy.wave", 2)]


def test_verify_names_both_clusters_among_those_who_could_cheat(first: str, story: Story, node: TownNode) -> None:
    report = verify(story, node, vouch(node))
    assert (report["verdict"], report["level"]) == ("accept", "operator-trusted"), report
    assert report["facts"]["clusters"] == "north, south"
    assert [name for name in WAVE if any(f"cluster {name}" in one for one in report["who_could_cheat"])] == [*WAVE]


def test_a_node_that_dies_while_a_gate_is_held_goes_on_and_users_of_the_home_notice_nothing(
    first: str, story: Story, node: TownNode, town: ClusterTown
) -> None:
    cid, space = voted(story, "1.1.0", parent=first), application_name(settings.load(node.config).daos[0].dao)
    before = uids(town, space)
    story.decide(cid)
    with Visitors(node.url) as crowd:
        gate = Stage(1, "watching")._asdict()
        node.until(lambda: node.status()["rollout"] == gate, "the gate", patience=240)
        node.kill(alone=True)
        assert uids(town, space) == before
        assert waves(node, cid) == [("deploy.wave", 1)]
        node.start()
        story.await_release(node, cid)
    assert set(uids(town, space)).isdisjoint(before)
    # Until the Lease of the one that died has ended it follows; in its own turn it brings wave 1 anew, and says so.
    told = waves(node, cid)
    assert list(dict.fromkeys(told)) == [("deploy.wave", 1), ("deploy.gate", 1), ("deploy.wave", 2)]
    assert (crowd.failed, crowd.asked > 100) == (0, True)


def test_a_release_that_is_revoked_stops_in_both(first: str, story: Story, node: TownNode, south: Plane) -> None:
    proposal = story.town.types("revoke", story.cids["1.1.0"], "--dao", story.dao["governor"], person="alice")
    story.decide(str(proposal["proposal"]))
    node.until(lambda: node.state == "stopped", "the stop")
    space, admin = application_name(settings.load(node.config).daos[0].dao), south.cluster("admin")
    assert list(admin.every("Pod", space)) == []
    admin.close()
