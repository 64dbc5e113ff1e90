"""A release through engines of somebody else's: Jenkins builds beside the node, a Harbor holds what comes out of both.

The tests of this module are one story and run in its order.
"""

import json
from collections.abc import Iterator

import pytest
from elsewhere import Elsewhere
from harbordouble import PROJECT, SECRET
from jenkinsdouble import TOKEN

from cyberprivacy.registry.harbor import guard_of
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def node(story: Story, elsewhere: Elsewhere) -> Iterator[TownNode]:
    """The node that runs release 1.0.0, with every engine of `elsewhere`."""
    node = story.node("node", port=free_port(), more=elsewhere.tables)
    try:
        decide(story, story.publish(story.sources("1.0.0"), "1.0.0"), "guestbook 1.0.0", node)
        story.await_release(node, story.cids["1.0.0"])
        yield node
    finally:
        node.demolish()


def decide(story: Story, cid: str, title: str, newcomer: TownNode | None = None) -> None:
    """Everything that people do for a release."""
    story.audit(cid)
    story.propose(cid, title)
    if newcomer is not None:
        story.enlist(newcomer)
    story.decide(cid)


def images(node: TownNode, kind: str) -> dict[str, str]:
    """The images of the last such entry of the ledger."""
    return dict(next(entry["facts"]["images"] for entry in reversed(node.journey()) if entry["kind"] == kind))


def test_what_runs_is_what_the_node_and_jenkins_both_built(node: TownNode, elsewhere: Elsewhere) -> None:
    theirs = json.loads(elsewhere.jenkins.archived["result.json"])
    assert elsewhere.jenkins.result == "SUCCESS"
    assert theirs["images"] == images(node, "release.built") == images(node, "release.deployed")
    assert list((elsewhere.agent / ".cache/cyberprivacy/build/images").iterdir())  # built there, not handed over


def test_it_was_stored_in_the_harbor_guarded_and_fetched_by_the_account_that_may_only_fetch(
    node: TownNode, elsewhere: Elsewhere
) -> None:
    (digest,) = images(node, "release.deployed").values()
    ((repository, held),) = elsewhere.harbor.double.artifacts.items()
    assert held[digest]["tags"] == [{"name": guard_of(digest)}]
    assert elsewhere.harbor.pulled == {f"{PROJECT}/{repository}"}


def test_anyone_can_verify_it(node: TownNode, story: Story) -> None:
    words = ["verify", node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
    code, report = story.town.answers(*words, "--allow-development", story.town.root_file)
    assert (code, json.loads(report)["verdict"]) == (0, "accept")


def test_no_secret_of_an_engine_is_in_what_the_node_wrote(node: TownNode, elsewhere: Elsewhere) -> None:
    (entry,) = json.loads(elsewhere.bases.authfile.read_bytes())["auths"].values()
    seen = node.log.read_text() + node.ledger.read_text() + elsewhere.jenkins.log
    seen += "".join(elsewhere.jenkins.jobs.values())
    for secret in (TOKEN, SECRET, entry["auth"]):
        assert secret not in seen


def test_a_jenkins_that_lies_is_named_in_the_ledger_and_what_ran_before_goes_on(
    node: TownNode, story: Story, elsewhere: Elsewhere
) -> None:
    (elsewhere.agent / "lies").touch()
    cid = story.publish(story.sources("1.1.0", parent=story.cids["1.0.0"]), "1.1.0")
    decide(story, cid, "guestbook 1.1.0")
    story.await_release(node, cid, until="release.failed")
    (failure,) = [entry["facts"] for entry in node.journey() if entry["kind"] == "release.failed"]
    assert (failure["bundle"], failure["step"], failure["code"]) == (cid, "build", "build.differs")
    assert failure["what"].startswith("Jenkins")
    assert json.loads(elsewhere.jenkins.archived["result.json"])["bundle"] == cid  # a lie that looks well
    status = node.status()
    assert (status["code"], status["running"]["bundle"]) == ("build.differs", story.cids["1.0.0"])
    assert TOKEN not in json.dumps(status)
