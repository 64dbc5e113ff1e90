"""A pipeline template as a Job whose steps really run in pods, with the image that the chart's nodes have."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from cyberprivacy.build.base import REPOSITORY, make_base
from cyberprivacy.build.buildah import embedded
from cyberprivacy.build.executor import Filling, SecondOpinion
from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.build.job import AGENT, Yard
from cyberprivacy.build.pin import pin_bases
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.deploy.kubernetes.jobs import JobExecutor, JobUndone
from cyberprivacy.review.lint import lint
from cyberprivacy.review.linted import LintedBundle
from cyberprivacy.testing.bases import BaseRegistry
from cyberprivacy.testing.checkout import DEBS, PROJECT
from cyberprivacy.testing.gateway import LyingGateway, running
from cyberprivacy.testing.kubernetes.machine import Machine
from cyberprivacy.testing.kubernetes.passage import Passage
from cyberprivacy.testing.kubernetes.plane import Plane
from cyberprivacy.testing.kubernetes.podnode import push_image

YARD = "builds"
EXAMPLES = PROJECT / "examples"
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True)
class Ground:
    """A bundle, where pods find it and its base image, and the node's own builder."""

    linted: LintedBundle
    values: dict[str, str]
    layout: Path
    yard: Yard


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def ground(plane: Plane, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    lock, layout = EXAMPLES / "base-images/python/base.lock", folder / "layout"
    digest = make_base(lock, layout, cache=DEBS, renewed=folder / "renewed.lock")
    tree, store = folder / "guestbook", FolderStore(folder / "blocks")
    shutil.copytree(EXAMPLES / "guestbook/1.0.0", tree)
    pin_bases(tree, {REPOSITORY: digest})
    linted = lint(fetch(pack(tree, store=store).cid, [], store, folder / "tree"))
    secret = folder / "auth.json"
    secret.touch(0o600)
    secret.write_text('{"auths": {}}')
    with ExitStack() as stack:
        gateway = stack.enter_context(running(LyingGateway(store.find)))
        bases = stack.enter_context(BaseRegistry(layout)).port
        stack.enter_context(Passage(plane.site.host, (port_of(gateway), bases)))
        yard = Yard(YARD, push_image(f"http://{machine.registry}", folder / "image"))
        prepare(plane)
        values = {
            "gateway": f"http://{plane.site.host}:{port_of(gateway)}",
            "index": "https://pypi.org/simple",
            "registry": f"http://{plane.site.host}:{bases}",
            "registry-auth": str(secret),
        }
        yield Ground(linted, values, layout, yard)


def prepare(plane: Plane) -> None:
    """What whoever runs the cluster does: a namespace for Jobs alone, and the label of the machines that run them."""
    admin = plane.cluster("admin")
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": YARD, "labels": labels}}
    admin._ask("POST", "/api/v1/namespaces", space)
    change = {"metadata": {"labels": {AGENT: "cyberprivacy"}}}
    admin._ask("PATCH", "/api/v1/nodes/node", change, as_type="application/merge-patch+json")
    admin.close()


def agreed(ground: Ground, plane: Plane, folder: Path, **changes: str) -> dict[str, str]:
    """What the node's own builder and the Job both came to; anything else is refused."""
    cluster = plane.cluster("admin")
    with httpx2.Client() as client:
        own = embedded(folder / "builds", bases=[LayoutBases(ground.layout)], client=client)
        filling = Filling(PROJECT / "deploy/templates", {**ground.values, **changes})
        both = SecondOpinion(own, JobExecutor(cluster, ground.yard), filling, folder / "agreed")
        try:
            return {image.name: str(image.digest) for image in both.build(ground.linted)}
        finally:
            cluster.close()


def left(plane: Plane) -> list[str]:
    admin = plane.cluster("admin")
    found = [str(one["kind"]) for kind in ("Job", "Secret") for one in admin.every(kind, YARD)]
    admin.close()
    return found


def test_a_job_in_pods_comes_to_the_digest_of_the_embedded_builder(
    ground: Ground, plane: Plane, tmp_path: Path
) -> None:
    assert agreed(ground, plane, tmp_path).keys() == {"web"}
    assert left(plane) == []


def test_a_source_that_the_pods_do_not_get_ends_the_job_and_leaves_nothing(
    ground: Ground, plane: Plane, tmp_path: Path
) -> None:
    with pytest.raises(JobUndone) as refusal:
        agreed(ground, plane, tmp_path, gateway=f"http://{plane.site.host}:9")
    assert refusal.value.code == "job.failed"
    assert "bundle.unreachable" in str(refusal.value.facts["log"])
    assert left(plane) == []
