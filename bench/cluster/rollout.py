"""The same manifests, brought by our runtime and by `kubectl apply` with `kubectl rollout status`."""

import json
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from cluster.parts import application
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.kubernetes import walls
from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.deploy.kubernetes.objects import generation, need
from cyberprivacy.deploy.kubernetes.release import KubernetesSettings
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.node.identities import Identities
from cyberprivacy.testing.kubernetes.install import OURS, USER
from cyberprivacy.testing.kubernetes.plane import Plane
from cyberprivacy.testing.town import free_port

PATIENCE = 120


class Timed:
    """The real front, and when it last sent users somewhere."""

    def __init__(self, front: Front) -> None:
        self._front, self.moved = front, 0.0

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """See `Balancer`."""
        return self._front.endpoints(app)

    def point(self, app: str, endpoints: Collection[Endpoint], *, drain: float = 30.0) -> None:
        """See `Balancer`."""
        self._front.point(app, endpoints, drain=drain)
        self.moved = time.monotonic()


class Sides:
    """Both ways to roll out, in one cluster.

    Args:
        plane: of a cluster with a machine.
        kubectl: the program.
        reference: of the image.
        folder: for what both write.
    """

    def __init__(self, plane: Plane, kubectl: Path, reference: str, folder: Path) -> None:
        self._plane, self._kubectl, self._reference, self._folder = plane, kubectl, reference, folder
        self._host, self._fronts = f"{plane.site.host}/32", Front(folder / "front")
        self._identity = Identities(["localhost"], clock=time.time).current.pem()
        self._front = Timed(self._fronts)
        self._settings = KubernetesSettings(access=read(plane.kubeconfig(OURS)), front=(self._host,))
        self._runtime = KubernetesRuntime(self._settings, self._front)

    def close(self) -> None:
        """End what was started."""
        self._runtime.close()
        self._fronts.stop()

    def prepare(self, number: int) -> None:
        """A front for our application, before anything is measured."""
        self._fronts.serve(f"ours-{number}", f"127.0.0.1:{free_port()}", self._identity, self._folder / "api.sock")

    def ours(self, number: int, version: str) -> dict[str, float]:
        """Seconds until users are on a release, and until nothing is left to do."""
        began = time.monotonic()
        self._runtime.apply(application(f"ours-{number}", self._reference, version))
        ended = time.monotonic()
        return {"users": round(self._front.moved - began, 3), "all": round(ended - began, 3)}

    def bare(self, number: int, version: str) -> dict[str, float]:
        """Seconds until kubectl says that the same is rolled out."""
        name = f"bare-{number}"
        file, workload = self._write(name, version, f"{self._plane.site.services.split('.0.0')[0]}.200.{number}")
        began = time.monotonic()
        self._do("apply", "--server-side", "-f", str(file))
        self._do("rollout", "status", workload, f"--namespace={name}", f"--timeout={PATIENCE}s")
        return {"all": round(time.monotonic() - began, 3)}

    def _do(self, *words: str) -> None:
        line = [str(self._kubectl), f"--kubeconfig={self._plane.kubeconfig(OURS)}", *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _write(self, name: str, version: str, address: str) -> tuple[Path, str]:
        """The manifests, rendered as for us; the file, and the Deployment's name."""
        wanted = application(name, self._reference, version)
        plan = generation(wanted, {"web": address}, patience=PATIENCE)
        takes = need(wanted.topology)
        around = [
            walls.namespace(name, USER, plan.references, plan.spec),
            walls.account(name),
            walls.quota(name, takes, takes),
            *walls.networks(wanted.topology, name, [self._host]),
        ]
        (deployment,) = plan.workloads
        file = self._folder / f"{name}-{version}.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*around, *plan.objects]}))
        return file, f"deployment/{text(deployment, 'metadata', 'name')}"
