"""A release that was voted in and does not come up: the one before goes on serving, and everybody can read why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.deploy.engine import Engine
from cyberprivacy.node.assembly import volatile
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.townnode import TownNode
from cyberprivacy.testing.visitors import Visitors

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


def ends_at_once(source: Path) -> None:
    (source / "app" / "main.py").write_text("raise SystemExit(3)\n")


@pytest.fixture
def broken(story: Story, first: TownNode) -> Callable[[Callable[[Path], None]], str]:
    """Release 1.1.0 with one mistake in it, published, sized and voted for like any other; its CID."""

    def vote(mistake: Callable[[Path], None]) -> str:
        good = story.cids["1.0.0"]
        source = story.sources("1.1.0", parent=good)
        mistake(source)
        cid = story.publish(source, "1.1.0")
        story.audit(cid)
        story.propose(cid, "guestbook 1.1.0")
        story.decide(cid)
        return cid

    return vote


def test_a_release_that_does_not_become_healthy_costs_no_request_and_is_on_record(
    story: Story, first: TownNode, broken: Callable[[Callable[[Path], None]], str]
) -> None:
    before = first.status()["running"]
    with Visitors(first.url) as crowd:
        cid = broken(ends_at_once)
        story.await_release(first, cid, until="release.failed")
        said: list[dict[str, Any]] = []  # one reading: the node tries again, and says that next
        first.until(lambda: said.append(first.status()) or said[-1]["state"] == "refused", "the node to say so")
        status = said[-1]
    assert (crowd.failed, crowd.asked > 100) == (0, True), dict(crowd.answers)
    assert (status["code"], status["step"], status["wanted"]) == ("deploy.unhealthy", "deploy", cid)
    assert status["running"] == before
    failures = [entry["facts"] for entry in first.entries() if entry["kind"] == "release.failed"]
    assert [(each["bundle"], each["step"], each["code"]) for each in failures] == [
        (cid, "deploy", "deploy.unhealthy")
    ]
    assert "SystemExit" not in json.dumps(failures), "what containers print may be about users"


def test_nothing_of_it_is_left_running(first: TownNode) -> None:
    """Between two tries, that is: the node tries again, later and later."""
    engine = Engine(first.data / "containers", volatile(first.data) / "containers")
    release = first.status()["running"]["bundle"]
    first.until(
        lambda: {found.labels["release"] for found in engine.containers()} == {release}, "it to be cleared"
    )
