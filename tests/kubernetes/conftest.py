"""A real cluster of one machine, a real registry, a real front; one application, `book`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.deploy.conftest import GUESTBOOK, SERVE, Client, free_port, identity, topology
from tests.unit.deploy.images import app_layer, python_layer, write_image

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.deploy.kubernetes.release import KubernetesSettings
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.registry.pushed import SEAL, PushedImage
from cyberprivacy.review.workload import Topology
from cyberprivacy.testing.kubernetes.install import OURS, USER
from cyberprivacy.testing.kubernetes.machine import Machine
from cyberprivacy.testing.kubernetes.plane import Plane, Site, eventually
from cyberprivacy.testing.kubernetes.town import admitted, provide
from cyberprivacy.testing.kubernetes.town import registry as local_registry

APP = "book"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LONGEST = ("test_waves_road", "test_demo", "test_road", "test_container")
RIG, ACCOUNT = DEPLOY / "kubernetes-rig", DEPLOY / "manifests" / "account.yaml"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="kubernetes-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    if "KEEP" not in os.environ:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def sites(worker_id: str) -> tuple[Site, Site]:
    """Where the clusters of this worker are; the demo's is number 0."""
    worker = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    return Site(2 * worker + 1), Site(2 * worker + 2)


@pytest.fixture(scope="session")
def plane(folder: Path, sites: tuple[Site, Site]) -> Iterator[Plane]:
    with admitted(folder, RIG, ACCOUNT, audited=USER, site=sites[0]) as plane:
        yield plane


@pytest.fixture(scope="session")
def registry(plane: Plane, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A registry on the host's end of the cluster's cable; digests of the guestbook by version."""
    base, digests = python_layer(), {}
    with local_registry(folder, plane.site) as where:
        for version in ("1.0.0", "1.1.0"):
            layout, app = folder / f"image-{version}", {}
            for release in ("1.0.0", version):
                app |= {
                    f"/app/{file.name}": file.read_bytes() for file in (GUESTBOOK / release / "app").glob("*.*")
                }
            digests[version] = write_image(layout, [base, app_layer(app)], list(SERVE))
            push = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}"]
            push.append(f"docker://{where}/book/web:{version}")
            eventually(lambda push=push: subprocess.run(push, check=False).returncode == 0, 20, "push")
        yield where, digests


@pytest.fixture(scope="session")
def machine(plane: Plane, registry: tuple[str, dict[str, str]]) -> Iterator[Machine]:
    machine = Machine(plane, registry[0])
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="session")
def south(
    machine: Machine, sites: tuple[Site, Site], registry: tuple[str, dict[str, str]], folder: Path
) -> Iterator[Plane]:
    """A second cluster, of one machine, beside the first."""
    place = folder / "south"
    place.mkdir(mode=0o711)
    with admitted(place, RIG, ACCOUNT, site=sites[1]) as plane:
        # To the registry, and nowhere else.
        plane.inside("ip", "route", "add", f"{sites[0].host}/32", "via", plane.site.host)
        beside = Machine(plane, registry[0])
        try:
            beside.start()
            yield plane
        finally:
            beside.stop()


class Town:
    """Everything that a test of an application touches."""

    def __init__(self, plane: Plane, machine: Machine, digests: dict[str, str], folder: Path) -> None:
        self.plane, self.machine, self.folder, self._digests = plane, machine, folder, digests
        self.admin, self.mallory = plane.cluster("admin"), plane.cluster("mallory")
        self.port = free_port()
        self.drifts: list[tuple[str, Mapping[str, object]]] = []
        self._open: list[Cluster | KubernetesRuntime] = []
        self.front = Front(folder / "front")
        self.settings = KubernetesSettings(
            access=read(plane.kubeconfig(OURS)), front=(f"{plane.site.host}/32",), start_seconds=60
        )
        self.runtime = self.reborn()
        self.front.serve(APP, f"127.0.0.1:{self.port}", identity("first"), folder / "api.sock")

    def reborn(self, **changes: object) -> KubernetesRuntime:
        settings = replace(self.settings, **changes)
        told = lambda code, facts: self.drifts.append((code, facts))  # noqa: E731
        runtime = KubernetesRuntime(settings, self.front, told=told)
        self._open.append(runtime)
        return runtime

    def tended(self, *told: str, runtime: KubernetesRuntime | None = None) -> list[str]:
        """What was put right until each of these was; a cluster tells of a change a moment after it."""
        right: list[str] = []

        def all_told() -> bool:
            right.extend((runtime or self.runtime).tend())
            return all(any(each in one for one in right) for each in told)

        eventually(all_told, 20, f"put right: {told}")
        return right

    def client(self) -> Client:
        return Client(self.port)

    def read(self, path: str = "/healthz"):
        client = self.client()
        try:
            return client.ask("GET", path)
        finally:
            client.close()

    def pushed(self, version: str, name: str = "web") -> PushedImage:
        digest = self._digests.get(version, version)
        reference = f"{self.machine.registry}/book/web@{digest}"
        return PushedImage(name=name, reference=reference, digest=Digest(digest), seal=SEAL)

    def application(self, version: str, wanted: Topology, release: str = "") -> Application:
        images = {one.container.image: self.pushed(version, one.container.image) for one in wanted.workloads}
        cid = Cid.of(DAG_PB, (release or version).encode())
        return Application(name=APP, release=cid, topology=wanted, images=images)

    def guestbook(self, version: str = "1.0.0", *, release: str = "", **changes: object) -> Application:
        return self.application(version, topology(**changes), release)

    def volume(self, name: str, size: str) -> None:
        provide(self.plane, name, size)

    def acting_as(self, user: str) -> Cluster:
        """What the cluster would say to somebody else; administrators may ask so."""
        cluster = self.plane.cluster("admin")
        cluster._client.headers["Impersonate-User"] = user
        self._open.append(cluster)
        return cluster

    def close(self) -> None:
        try:
            self.runtime.remove(APP)
        finally:
            self.front.stop()
            for one in (self.admin, self.mallory, *self._open):
                one.close()


@pytest.fixture(scope="session")
def town(plane: Plane, machine: Machine, registry: tuple[str, dict[str, str]], folder: Path) -> Iterator[Town]:
    town = Town(plane, machine, registry[1], folder)
    town.volume("messages", "1Mi")
    yield town
    town.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
