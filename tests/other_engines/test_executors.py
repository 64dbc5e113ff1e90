"""One template, one bundle, three executors: the embedded builder, a Jenkins, a Kubernetes Job; one digest."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from elsewhere import TEMPLATES, install
from jenkinsdouble import TOKEN, USER, JenkinsDouble
from jobdouble import NAMESPACE, JobDouble
from jobdouble import TOKEN as BEARER

from cyberprivacy.build.base import REPOSITORY, make_base
from cyberprivacy.build.buildah import embedded
from cyberprivacy.build.executor import Executor, Filling, SecondOpinion
from cyberprivacy.build.image import Builder
from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.build.jenkins import Jenkins
from cyberprivacy.build.jenkins_executor import JenkinsExecutor
from cyberprivacy.build.job import Yard
from cyberprivacy.build.pin import pin_bases
from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.deploy.kubernetes import kubeconfig
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.jobs import JobExecutor
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.review.lint import lint
from cyberprivacy.review.linted import LintedBundle
from cyberprivacy.testing.checkout import DEBS, PROJECT
from cyberprivacy.testing.gateway import LyingGateway, running
from cyberprivacy.testing.town import free_port

EXAMPLES = PROJECT / "examples"
YARD = Yard(NAMESPACE, "registry.example/agent@sha256:" + "ab" * 32)
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every executor has: the source, where it is served, the base image, and the node's own builder."""

    linted: LintedBundle
    own: Builder
    bases: DockerRegistry
    values: dict[str, str]


@pytest.fixture(scope="module", params=[1, 2], ids=["sandbox", "closed"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    lock, layout = EXAMPLES / "base-images/python/base.lock", folder / "layout"
    digest = make_base(lock, layout, cache=DEBS, renewed=folder / "renewed.lock")
    tree, store = folder / "guestbook", FolderStore(folder / "blocks")
    shutil.copytree(EXAMPLES / "guestbook/1.0.0", tree)
    pin_bases(tree, {REPOSITORY: digest})
    manifest = tree / "cyberprivacy.yaml"
    manifest.write_text(manifest.read_text().replace("pipeline: 1", f"pipeline: {request.param}"))
    linted = lint(fetch(pack(tree, store=store).cid, [], store, folder / "tree"))
    with ExitStack() as stack:
        bases = stack.enter_context(DockerRegistry(folder / "bases", free_port()))
        bases.registry().import_base(LayoutBases(layout), REPOSITORY, digest)
        values = {
            "gateway": stack.enter_context(running(LyingGateway(store.find))),
            "index": "https://pypi.org/simple",
            "registry": bases.url,
            "registry-auth": str(bases.authfile),
        }
        client = stack.enter_context(httpx2.Client())
        own = embedded(folder / "builds", bases=[LayoutBases(layout)], client=client)
        yield Ground(linted, own, bases, values)


def agreed(ground: Ground, executor: Executor, folder: Path) -> dict[str, str]:
    """What the node's own builder and the executor both came to; anything else is refused."""
    both = SecondOpinion(ground.own, executor, Filling(TEMPLATES, ground.values), folder / "agreed")
    return {image.name: str(image.digest) for image in both.build(ground.linted)}


def test_a_jenkins_comes_to_the_digest_of_the_embedded_builder(ground: Ground, tmp_path: Path) -> None:
    double = JenkinsDouble(tmp_path, aside=True)
    install(double.programs, tmp_path / "agent", ground.bases)
    with running(double) as url:
        remote = Remote(url, "jenkins", access=Access.basic(USER, TOKEN))
        assert agreed(ground, JenkinsExecutor(Jenkins(remote)), tmp_path).keys() == {"web"}
    assert list((tmp_path / "agent/.cache/cyberprivacy/build/images").iterdir())
    assert double.breaches == []


def test_a_kubernetes_job_comes_to_the_digest_of_the_embedded_builder(ground: Ground, tmp_path: Path) -> None:
    double = JobDouble(tmp_path)
    install(double.programs, tmp_path / "agent", ground.bases)
    with running(double, tls=ground.bases.folder / "tls") as url:
        cluster = Cluster(kubeconfig.Access(server=url, authority=ground.bases.ca.read_text(), token=BEARER))
        assert agreed(ground, JobExecutor(cluster, YARD), tmp_path).keys() == {"web"}
        cluster.close()
    assert list((tmp_path / "agent/.cache/cyberprivacy/build/images").iterdir())
    assert double.breaches == []
