"""The whole road with a cluster at its end: what people vote for runs in its pods, and anyone can verify it.

A node is a process of the installed program, with `[kubernetes]` in its configuration; it builds, pushes, deploys,
proves. The tests of this module are one story and run in its order.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.conftest import Town as ClusterTown

from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.deploy.kubernetes.lease import Pace, Record
from cyberprivacy.node import config as settings
from cyberprivacy.node.assembly import application_name
from cyberprivacy.testing.checkout import founded
from cyberprivacy.testing.kubernetes.plane import eventually
from cyberprivacy.testing.kubernetes.town import policy, table, vouch
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep
from cyberprivacy.testing.visitors import Visitors

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def story(folder: Path) -> Iterator[Story]:
    with founded(folder / "town") as story:
        yield story


@pytest.fixture(scope="module")
def node(story: Story, town: ClusterTown) -> Iterator[TownNode]:
    town.volume("road", "1Gi")
    node = story.node("node", port=free_port(), more=table(town.plane, town.machine.registry))
    yield node
    node.stop()
    sweep(node.config)


def lease(town: ClusterTown) -> Record:
    return Record.read(town.admin.get("Lease", "node", "cyberprivacy"))


def uids(town: ClusterTown, space: str) -> list[str]:
    """Of the pods that are not on their way out."""
    pods = town.admin.every("Pod", space)
    return sorted(text(one, "metadata", "uid") for one in pods if not text(one, "metadata", "deletionTimestamp"))


@pytest.fixture(scope="module")
def second(first: str, story: Story, node: TownNode, town: ClusterTown) -> Iterator[TownNode]:
    """Another node with the same account; the first one leads."""
    second = story.node("second", port=free_port(), more=table(town.plane, town.machine.registry))
    try:
        story.enlist(second)
        yield second
    finally:
        second.stop()
        sweep(second.config)


@pytest.fixture(scope="module")
def space(node: TownNode) -> str:
    """The application's namespace."""
    return application_name(settings.load(node.config).daos[0].dao)


@pytest.fixture(scope="module")
def root(node: TownNode) -> str:
    return vouch(node)


@pytest.fixture(scope="module")
def first(story: Story, node: TownNode) -> str:
    cid = story.publish(story.sources("1.0.0"), "1.0.0")
    story.audit(cid)
    story.propose(cid, "guestbook 1.0.0")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)
    return cid


def verify(story: Story, node: TownNode, root: str) -> dict[str, Any]:
    words = ["verify", node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
    return dict(json.loads(story.town.answers(*words, "--policy", policy(story.town.folder, root))[1]))


def test_what_was_voted_for_runs_in_pods(first: str, node: TownNode, town: ClusterTown, space: str) -> None:
    (pod,) = town.admin.every("Pod", space)
    image = text(pod["status"]["containerStatuses"][0], "imageID")
    built = next(entry for entry in node.journey() if entry["kind"] == "release.built")
    assert image.rpartition("@")[2] == built["facts"]["images"]["web"]
    assert node.status()["state"] == "serving"


def test_anyone_can_verify_it_and_is_told_that_the_operator_is_believed(
    first: str, story: Story, node: TownNode, root: str
) -> None:
    report = verify(story, node, root)
    assert (report["verdict"], report["level"]) == ("accept", "operator-trusted"), report
    assert "administrator of the machine or cluster" in report["who_could_cheat"][0]


def test_a_second_node_sends_its_users_to_what_the_first_brought_and_changes_nothing(
    first: str, second: TownNode, story: Story, town: ClusterTown, space: str
) -> None:
    before, pods = lease(town), uids(town, space)
    story.await_release(second, first)
    assert (second.status()["state"], uids(town, space)) == ("serving", pods)
    with Visitors(second.url) as crowd:
        time.sleep(1)
    assert (crowd.failed, crowd.asked > 20) == (0, True)
    assert (lease(town).holder, lease(town).transitions) == (before.holder, before.transitions)


def test_an_update_moves_users_of_both_without_one_failed_request(
    first: str, story: Story, node: TownNode, second: TownNode, root: str
) -> None:
    cid = story.publish(story.sources("1.1.0", parent=first), "1.1.0")
    story.audit(cid)
    story.propose(cid, "guestbook 1.1.0")
    story.decide(cid)
    with Visitors(node.url) as crowd, Visitors(second.url) as others:
        story.await_release(node, cid)
        story.await_release(second, cid)
        time.sleep(1)
    assert min(crowd.asked, others.asked) > 100
    assert (dict(crowd.answers), dict(others.answers)) == ({"200": crowd.asked}, {"200": others.asked})
    assert verify(story, node, root)["facts"]["release"] == 2


def test_what_an_administrator_of_the_cluster_changes_is_in_the_ledger_of_the_one_that_acts(
    node: TownNode, second: TownNode, town: ClusterTown
) -> None:
    open_the_doors(town, node)
    assert drifts(second) == []


def open_the_doors(town: ClusterTown, node: TownNode) -> None:
    """Remove a policy, and wait until this node has put it back and told so."""
    known = len(drifts(node))
    policy = town.mallory.get("ValidatingAdmissionPolicy", "cyberprivacy-doors")
    assert policy is not None
    town.mallory.delete(policy)

    def told() -> bool:
        told = drifts(node)[known:]
        return any("ValidatingAdmissionPolicy/cyberprivacy-doors" in str(one["facts"]) for one in told)

    node.until(told, "the drift", patience=60)
    assert town.mallory.get("ValidatingAdmissionPolicy", "cyberprivacy-doors") is not None


def drifts(node: TownNode) -> list[dict[str, Any]]:
    return [entry for entry in node.entries() if entry["kind"] == "deploy.drift"]


def test_the_leader_dies_and_the_second_node_goes_on_without_a_lost_request(
    node: TownNode, second: TownNode, town: ClusterTown, space: str
) -> None:
    before, pods, died = lease(town), uids(town, space), time.monotonic()
    with Visitors(second.url) as crowd:
        node.kill(alone=True)
        eventually(lambda: lease(town).holder != before.holder, 60, "another leads")
        took = time.monotonic() - died
        second.until(lambda: '"announce"' in second.log.read_text().partition('"leads"')[2], "it acts")
        open_the_doors(town, second)
    assert took > Pace().renew
    assert lease(town).transitions == before.transitions + 1
    assert (crowd.failed, crowd.asked > 100) == (0, True)
    assert uids(town, space) == pods  # nothing was begun anew


def test_the_node_that_comes_back_stands_by_until_the_other_ends(
    node: TownNode, second: TownNode, town: ClusterTown, space: str
) -> None:
    before, pods = lease(town), uids(town, space)
    node.start()
    node.until(lambda: node.state == "serving", "the node that came back")
    assert (lease(town).holder, uids(town, space)) == (before.holder, pods)
    second.stop()
    eventually(lambda: lease(town).holder not in ("", before.holder), 8, "who ends in order is not waited for")


def test_a_release_that_is_revoked_stops(
    first: str, story: Story, node: TownNode, town: ClusterTown, space: str
) -> None:
    proposal = story.town.types("revoke", story.cids["1.1.0"], "--dao", story.dao["governor"], person="alice")
    story.decide(str(proposal["proposal"]))
    node.until(lambda: node.state == "stopped", "the stop")
    assert list(town.admin.every("Pod", space)) == []
