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
from tests.kubernetes.plane import HOST

from cyberprivacy.attest.authority import Authority
from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.node import config as settings
from cyberprivacy.node.assembly import application_name
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import Town, free_port
from cyberprivacy.testing.townnode import TownNode, sweep
from cyberprivacy.testing.visitors import Visitors

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
PROJECT = Path(__file__).resolve().parents[2]
ANVIL = PROJECT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
DEBS = Path.home() / ".cache/cyberprivacy/debs"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Town(tmp_path_factory.mktemp("town"), ANVIL) as town:
        it = Story(town, PROJECT / "examples", cache=DEBS)
        it.found()
        yield it


@pytest.fixture(scope="module")
def node(story: Story, town: ClusterTown) -> Iterator[TownNode]:
    town.volume("road", "1Gi")
    node = story.node("node", port=free_port())
    node.stop()
    table = {
        "kubeconfig": str(town.plane.kubeconfig()),
        "registry": f"http://{town.machine.registry}",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    written = [node.config.read_text(), "[kubernetes]", *lines, f'front = ["{HOST}/32"]', ""]
    node.config.write_text("\n".join(written))
    node.start()
    yield node
    node.stop()
    sweep(node.config)


@pytest.fixture(scope="module")
def space(node: TownNode) -> str:
    """The application's namespace."""
    return application_name(settings.load(node.config).daos[0].dao)


@pytest.fixture(scope="module")
def root(node: TownNode, story: Story) -> str:
    """The operator vouches for the node's software TPM, with a root that is no development root."""
    node.identity()
    public = Public.parse((node.data / "tpm" / "attestation-key.pub").read_bytes())
    operator = Authority.new("an operator", now=int(time.time()), life=86400)
    certificates = operator.issue(public.key, hardware=None, now=int(time.time()), life=3600)
    (node.data / "tpm" / "attestation-key.der").write_bytes(certificates)
    return fingerprint(operator.chain[-1]).hex()


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
    policy = story.town.folder / "policy.json"
    policy.write_text(json.dumps({"v": 1, "roots": {f"sha256:{root}": "operator-trusted"}}))
    words = ["verify", node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
    return dict(json.loads(story.town.answers(*words, "--policy", policy)[1]))


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


def test_an_update_moves_users_without_one_failed_request(
    first: str, story: Story, node: TownNode, town: ClusterTown, root: str
) -> None:
    cid = story.publish(story.sources("1.1.0", parent=first), "1.1.0")
    story.audit(cid)
    story.propose(cid, "guestbook 1.1.0")
    story.decide(cid)
    with Visitors(node.url) as crowd:
        story.await_release(node, cid)
        time.sleep(1)
    assert crowd.asked > 100
    assert dict(crowd.answers) == {"200": crowd.asked}
    assert verify(story, node, root)["facts"]["release"] == 2


def test_what_an_administrator_of_the_cluster_changes_is_in_the_ledger(
    first: str, node: TownNode, town: ClusterTown
) -> None:
    policy = town.mallory.get("ValidatingAdmissionPolicy", "cyberprivacy-doors")
    assert policy is not None
    town.mallory.delete(policy)

    def told() -> bool:
        return any("ValidatingAdmissionPolicy/cyberprivacy-doors" in str(one["facts"]) for one in drifts(node))

    node.until(told, "the drift", patience=60)
    assert town.mallory.get("ValidatingAdmissionPolicy", "cyberprivacy-doors") is not None


def drifts(node: TownNode) -> list[dict[str, Any]]:
    return [entry for entry in node.entries() if entry["kind"] == "deploy.drift"]


def test_a_release_that_is_revoked_stops(
    first: str, story: Story, node: TownNode, town: ClusterTown, space: str
) -> None:
    proposal = story.town.types("revoke", story.cids["1.1.0"], "--dao", story.dao["governor"], person="alice")
    story.decide(str(proposal["proposal"]))
    node.until(lambda: node.state == "stopped", "the stop")
    assert list(town.admin.every("Pod", space)) == []
