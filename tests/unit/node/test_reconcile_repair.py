"""A repair that auditors put live before its vote may change what is wrong, and nothing that the application may do."""

from pathlib import Path

import pytest
from engines import World, approved, bundle
from reconciling import Node

WEB = "k8s/web.yaml"
SAYS = "cyberprivacy: 1\nname: app\nversion: 1.0.0\nrelease: {0}\nparent: {1}\npipeline: {2}\n"
SAYS += "images:\n  web: {{dockerfile: Dockerfile}}\npublic: {{service: web, port: 80}}\n"


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(World(wanted=approved(1)), tmp_path)


def bundles(node: Node, repair: dict[str, str], *, pipeline: int = 1) -> None:
    """Release 1 with one Kubernetes file, and release 2, which replaces it."""
    node.world.trees = node.folder / "trees"
    parent = {"cyberprivacy.yaml": SAYS.format(1, "null", 1), WEB: "kind: Deployment\n", "a.py": "hole\n"}
    child = {"cyberprivacy.yaml": SAYS.format(2, bundle(1), pipeline), "a.py": "none\n", **repair}
    for number, files in ((1, parent), (2, child)):
        for path, text in files.items():
            place = node.world.trees / str(bundle(number)) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


def test_a_repair_with_the_privileges_of_its_parent_goes_live_before_its_vote(node: Node) -> None:
    node.loop.tick()
    bundles(node, {WEB: "kind: Deployment\n"})
    node.world.wanted = approved(2, emergency=True)
    assert node.loop.tick().state == "serving"


@pytest.mark.parametrize(
    ("repair", "pipeline"),
    [
        ({WEB: "kind: Deployment \n"}, 1),
        ({WEB: "kind: Deployment\n", "k8s/more.yaml": ""}, 1),
        ({}, 1),
        ({WEB: "kind: Deployment\n"}, 2),
    ],
    ids=["changed", "added", "removed", "another pipeline"],
)
def test_a_repair_with_other_privileges_than_its_parent_waits_for_its_vote(
    node: Node, repair: dict[str, str], pipeline: int
) -> None:
    node.loop.tick()
    bundles(node, repair, pipeline=pipeline)
    node.world.calls.clear()
    node.world.wanted = approved(2, emergency=True)
    status = node.loop.tick()
    assert (status.state, status.code) == ("refused", "release.emergency-privileges")
    assert "build" not in node.world.calls
    assert node.world.running is not None
    assert node.world.running.release == bundle(1)
    node.clock.now = status.retry
    node.world.wanted = approved(2)  # ratified
    assert node.loop.tick().state == "serving"


def test_a_repair_that_lets_administrators_do_other_things_waits_for_its_vote(node: Node) -> None:
    """Nobody becomes an administrator, and no bound moves, before the members have voted on it."""
    node.loop.tick()
    admin = 'admin: {administrators: ["0x5FbDB2315678afecb367f032d93F642f64180aa3"]}\n'
    bundles(node, {"cyberprivacy.yaml": SAYS.format(2, bundle(1), 1) + admin, WEB: "kind: Deployment\n"})
    node.world.wanted = approved(2, emergency=True)
    status = node.loop.tick()
    assert (status.state, status.code) == ("refused", "release.emergency-privileges")
