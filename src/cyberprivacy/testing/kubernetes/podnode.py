"""A node of a town that is a pod: the chart is installed with Helm, and the cluster keeps the node running."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from cyberprivacy import canonical
from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.build.oci import Layout
from cyberprivacy.deploy.kubernetes.fields import Object, items, number, text
from cyberprivacy.deploy.kubernetes.lease import Record
from cyberprivacy.errors import TryLater
from cyberprivacy.privacy_os.container import REPOSITORY, make_container
from cyberprivacy.privacy_os.sources import gather_container
from cyberprivacy.proposal.release import Address
from cyberprivacy.registry.oci import OciRegistry
from cyberprivacy.testing.bases import BaseRegistry
from cyberprivacy.testing.checkout import DEBS, PROJECT
from cyberprivacy.testing.kubernetes.binaries import helm
from cyberprivacy.testing.kubernetes.install import SPACE
from cyberprivacy.testing.kubernetes.machine import Machine
from cyberprivacy.testing.kubernetes.passage import Passage
from cyberprivacy.testing.kubernetes.plane import Plane, Site, eventually
from cyberprivacy.testing.kubernetes.town import provide
from cyberprivacy.testing.server import ledger_entries
from cyberprivacy.testing.story import Story

PORT: Final = 8443
SIZE: Final = "20Gi"
"""Of a node's volume, as the chart asks at least."""
INSIDE: Final = "/var/lib/cyberprivacy"
"""Where a node's pod has its volume."""
_RESTARTS: Final = 5
_STARTS: Final = 180.0
"""Seconds until a node has started: its image is half a gigabyte."""


def helm_install(plane: Plane, chart: Path, values: Mapping[str, Any]) -> None:
    """Install the chart of a checkout as an administrator would, or change what is installed.

    Raises:
        TryLater: Helm or the cluster refuses.
    """
    file = plane.folder / "values.json"  # JSON is YAML
    file.write_text(json.dumps(values))
    program = helm(chart.parent / "kubernetes-rig")
    command = [str(program), "upgrade", "--install", "cyberprivacy", str(chart), "--namespace", SPACE]
    command.append("--create-namespace")
    command += ["--kubeconfig", str(plane.kubeconfig("admin")), "--values", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TryLater("Helm cannot install the chart", code="town.helm", said=done.stderr[-800:])


def values_of(config: str, image: str, *, replicas: int = 1) -> dict[str, Any]:
    """The chart's values for a node within the cluster.

    Args:
        config: node.toml.
        image: by digest.
        replicas: how many nodes.
    """
    node = {"enabled": True, "replicas": replicas, "image": image, "config": config, "service": "ClusterIP"}
    room = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "10Gi"}}
    return {"node": {**node, "ports": [PORT], "data": {"size": SIZE}, "resources": room}}


def told(dao: str, site: Site, *, chain: int, bundles: int, bases: int, registry: str) -> str:
    """What an operator in town writes into node.toml: addresses of this machine, by their ports.

    Args:
        dao: whom the node serves.
        site: where the cluster is.
        chain: port of the chain's endpoint.
        bundles: of the author's gateway.
        bases: of a registry with base images.
        registry: "host:port" of the one that gets what is built.
    """
    return f"""data = "{INSIDE}"
[chain]
rpc = ["http://{site.host}:{chain}"]
[[dao]]
address = "{dao}"
listen = "0.0.0.0:{PORT}"
[sources]
gateways = ["http://{site.host}:{bundles}"]
[sources.registries]
"" = "http://{site.host}:{bases}"
[kubernetes]
kubeconfig = "in-cluster"
registry = "http://{registry}"
front = ["{site.pods}"]
"""


class Inside:
    """Nodes within a cluster, for as long as the block lasts: their image, their chart, and the way into town.

    Args:
        story: whose DAO they serve.
        plane: the cluster.
        machine: its machine; the image comes out of the registry of that one.
        chart: folder of the chart.
        replicas: how many.

    Attributes:
        image: the image, by digest.
    """

    def __init__(self, story: Story, plane: Plane, machine: Machine, chart: Path, *, replicas: int = 1) -> None:
        self._story, self._plane, self._machine, self._chart = story, plane, machine, chart
        self._replicas, self._ends = replicas, ExitStack()
        self.image = ""
        self._announced: set[str] = set()

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _begin(self) -> None:
        town, registry, site = self._story.town, self._machine.registry, self._plane.site
        self.image = push_image(f"http://{registry}", town.folder / "image")
        bases = self._ends.enter_context(BaseRegistry(self._story.bases)).port
        ports = {"chain": town.chain.port, "bundles": int(town.gateway.rpartition(":")[2]), "bases": bases}
        self._ends.enter_context(Passage(site.host, tuple(ports.values())))
        config = told(self._story.dao["governor"], site, registry=registry, **ports)
        for which in range(self._replicas):
            provide(self._plane, f"data-node-{which}", SIZE)
        provide(self._plane, "messages", "1Gi")
        helm_install(self._plane, self._chart, values_of(config, self.image, replicas=self._replicas))

    def node(self, which: int = 0) -> "PodNode":
        """One of the replicas."""
        return PodNode(self._plane, self._machine, which)

    def welcome(self, identity: Mapping[str, str]) -> None:
        """The provider pays the fees of a node, and announces its software if that is new."""
        self._story.town.fund(Address(identity["account"]))
        if identity["measurement"] not in self._announced:
            self._story.announce(identity["measurement"])
            self._announced.add(identity["measurement"])


def push_image(registry: str, layout: Path) -> str:
    """Make the image of a node from this checkout, and store it in a registry; its reference."""
    with httpx2.Client(timeout=60) as client:
        packages, wheels = gather_container(PROJECT / "os", DEBS, client)
    digest = make_container(packages, wheels, Layout(layout))
    there = OciRegistry.open(registry)
    try:
        return there.import_base(LayoutBases(layout), REPOSITORY, digest)
    finally:
        there.close()


class PodNode:
    """One replica of the chart's nodes, as whoever runs the cluster sees it: its volume is a folder of theirs.

    Args:
        plane: the cluster, with the chart installed.
        machine: on which the pod is.
        which: the replica's number.
    """

    def __init__(self, plane: Plane, machine: Machine, which: int = 0) -> None:
        self._plane, self._machine, self.name = plane, machine, f"node-{which}"
        self._seen: set[str] = set()

    @property
    def data(self) -> Path:
        """Its data directory, on the machine of the cluster."""
        return self._plane.folder / f"data-{self.name}"

    @property
    def log(self) -> Path:
        """Where the kubelet keeps what its containers say."""
        return next(self._machine.logs.glob(f"{SPACE}_{self.name}_*/node"), self._machine.logs)

    @property
    def url(self) -> str:
        """Where users connect: the address of the nodes' Service, which has a route from here."""
        return f"https://{text(self._found('Service', 'node'), 'spec', 'clusterIP')}:{PORT}"

    def identity(self) -> dict[str, str]:
        """Account, key and measurement of the node, once it is up.

        Raises:
            TimeoutError: it does not come up.
        """
        known = self.data / "identity.json"
        eventually(known.exists, _STARTS, f"a node's start, see {self.log}")
        found = canonical.decode(known.read_bytes())
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def alive(self) -> bool:
        """Whether the cluster keeps it running, and it does not end again and again."""
        pod = self.pod()
        restarts = (number(one, "restartCount") for one in items(pod, "status", "containerStatuses"))
        return bool(pod) and sum(restarts) < _RESTARTS

    def entries(self) -> list[dict[str, Any]]:
        """What its ledger says, whole entries only."""
        return ledger_entries(self.data / "ledger.jsonl")

    def told(self) -> dict[str, Any]:
        """What `node status` says in its container."""
        status = items(self.pod(), "status", "containerStatuses")[0]
        words = ("cyberprivacy", "node", "status", "--config", "/etc/cyberprivacy/node.toml", "--json")
        return dict(json.loads(self._machine.execute(text(status, "containerID"), *words)))

    def end(self) -> None:
        """Delete its pod; the cluster makes another with the same name and volume."""
        self._seen.add(text(self.pod(), "metadata", "uid"))
        admin = self._plane.cluster("admin")
        admin.delete(self.pod())
        admin.close()

    def forget(self) -> None:
        """Lose what it has built; whoever ended it lets it begin with more to do."""
        shutil.rmtree(self.data / "builds")

    def ready(self) -> bool:
        """Whether a pod of it, and none that was ended, serves users."""
        pod = self.pod()
        conditions = items(pod, "status", "conditions")
        serves = any((one.get("type"), one.get("status")) == ("Ready", "True") for one in conditions)
        return serves and text(pod, "metadata", "uid") not in self._seen

    def serving(self) -> bool:
        """Whether it is back, and says itself what it serves: users are on its front a moment before."""
        with suppress(ValueError, IndexError):  # its container is not there yet, or it does not answer
            return self.ready() and self.told()["applications"][0]["running"] is not None
        return False

    def pod(self) -> Object:
        """Its pod; empty when there is none."""
        return self._found("Pod", self.name)

    def _found(self, kind: str, name: str) -> Object:
        admin = self._plane.cluster("admin")
        found = admin.get(kind, name, SPACE)
        admin.close()
        return found or {}


def leader(plane: Plane) -> str:
    """The pod that acts in the cluster, and the number of its life; "" while nobody does."""
    admin = plane.cluster("admin")
    lease = admin.get("Lease", "node", SPACE)
    admin.close()
    return Record.read(lease).holder
