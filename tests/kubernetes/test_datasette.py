"""The example that nobody wrote for us: built by our builder, pushed by our client, and run by a real cluster."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import platformdirs
import pytest
from tests.kubernetes.conftest import Town
from tests.unit.deploy.conftest import Client, free_port, identity

from cyberprivacy.build.base import EPOCH, make_base
from cyberprivacy.build.buildah import BuildahBuilder
from cyberprivacy.build.inputs import Inputs, LayoutBases
from cyberprivacy.build.pin import pin_bases
from cyberprivacy.build.sandbox import Limits, Sandbox
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import WheelIndex
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.registry.oci import OciRegistry
from cyberprivacy.review.lint import lint
from cyberprivacy.review.linted import LintedBundle

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CACHE = platformdirs.user_cache_path("cyberprivacy")
NAME = "planets"


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[BuildahBuilder]:
    with httpx2.Client(timeout=60) as client:
        inputs = Inputs(
            CACHE / "test-inputs",
            bases=[LayoutBases(tmp_path / "base")],
            index=WheelIndex(client),
            web=Web(client, private=True),
            epoch=EPOCH,
        )
        sandbox = Sandbox(tmp_path / "sandbox", Limits(memory=1 << 30, disk=1 << 30, seconds=240))
        yield BuildahBuilder(tmp_path / "builder", inputs=inputs, sandbox=sandbox)


@pytest.fixture
def bundle(tmp_path: Path) -> LintedBundle:
    """The example as it lies in the repository, pinned to today's base."""
    lock = EXAMPLES / "base-images/python/base.lock"
    digest = make_base(lock, tmp_path / "base", cache=CACHE / "debian", renewed=tmp_path / "renewed.lock")
    tree = tmp_path / "datasette"
    shutil.copytree(EXAMPLES / "datasette", tree)
    pin_bases(tree, {"cyberprivacy/python": digest})
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return lint(open_verified(TreeBlocks(tree).root, tree))


@pytest.mark.timeout(600)
def test_datasette_answers_from_its_database_in_a_pod(
    town: Town, bundle: LintedBundle, builder: BuildahBuilder
) -> None:
    registry = OciRegistry.open(f"http://{town.machine.registry}")
    [image] = builder.build(bundle)
    pushed = registry.push(image, f"{NAME}/web")
    registry.close()
    runtime, port = town.reborn(), free_port()
    town.front.serve(NAME, f"127.0.0.1:{port}", identity("planets"), town.folder / "api.sock")
    application = Application(
        name=NAME, release=bundle.bundle.cid, topology=bundle.topology, images={"web": pushed}
    )
    try:
        deployment = runtime.apply(application)
        assert (deployment.ready, deployment.images) == (1, {"web": image.digest})
        client = Client(port)
        rows = json.loads(client.ask("GET", "/planets/planets.json?_shape=array")[2])
        assert [row["name"] for row in rows][:3] == ["Mercury", "Venus", "Earth"]
        assert b"<title>Planets" in client.ask("GET", "/")[2]
        client.close()
        (pod,) = town.admin.every("Pod", NAME)
        assert text(pod, "status", "phase") == "Running"
    finally:
        runtime.remove(NAME)
