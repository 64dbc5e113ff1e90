"""A node whose applications run in a Kubernetes cluster: the table `[kubernetes]`, and what it puts together.

```toml
[kubernetes]
kubeconfig = "/etc/cyberprivacy/kubeconfig"  # or "in-cluster": as the service account of the node's own pod
context = "production"                 # optional: else the current one
lease = "cyberprivacy/node"            # optional: namespace/name of what its holder alone acts with; this is it
registry = "https://registry.example"  # where images are pushed, and pulled by the cluster's machines
registry-auth = "/etc/cyberprivacy/push.json"  # optional: auth file with which the node pushes
registry-ca = "/etc/cyberprivacy/ca.pem"       # optional: PEM of a private CA
pull-auth = "/etc/cyberprivacy/pull.json"      # optional: auth file that the cluster's machines pull with
front = ["10.0.0.5/32"]                # networks from which this node's front connects to the cluster
storage-class = "fast"                 # optional: else the cluster's own choice
```

Nodes with one account in one cluster name the same Lease and serve the same DAOs: one of them acts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.kubernetes import kubeconfig
from cyberprivacy.deploy.kubernetes.release import KubernetesSettings
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.node.tables import BadConfig, Table, url
from cyberprivacy.registry.oci import OciRegistry

_KEYS = {
    "kubeconfig",
    "context",
    "registry",
    "registry-auth",
    "registry-ca",
    "pull-auth",
    "front",
    "storage-class",
    "lease",
}
LEASE: Final = "cyberprivacy/node"
IN_CLUSTER: Final = "in-cluster"
_PLACE: Final = re.compile(r"[a-z0-9-]{1,63}/[a-z0-9.-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InCluster:
    """How a node uses a cluster; as the module says.

    Attributes:
        kubeconfig: whom to talk to, and as whom; None = as the service account of our pod.
        context: "" = the file's current one.
        registry: https address, without a path.
        push, authority, pull: files; None = none.
        front: networks in CIDR.
        storage: class of volumes; "" = the cluster's own choice.
        lease: "namespace/name"; who holds it acts.
    """

    kubeconfig: Path | None
    context: str
    registry: str
    push: Path | None
    authority: Path | None
    pull: Path | None
    front: tuple[str, ...]
    storage: str
    lease: str

    @classmethod
    def read(cls, top: Table) -> "InCluster | None":
        """The table of a configuration; None when there is none.

        Raises:
            BadConfig: a key is missing, unknown, or of the wrong form.
        """
        if not top.has("kubernetes"):
            return None
        table = top.table("kubernetes", _KEYS)
        front = table.texts("front")
        for network in front:
            _check_network(network)
        where = table.text("kubeconfig")
        lease = table.text("lease") if table.has("lease") else LEASE
        if not _PLACE.fullmatch(lease):
            raise BadConfig("not a namespace and a name, with a slash between", key="kubernetes.lease")
        return cls(
            kubeconfig=None if where == IN_CLUSTER else Path(where),
            context=table.text("context") if table.has("context") else "",
            registry=url(table.text("registry")),
            push=_file(table, "registry-auth"),
            authority=_file(table, "registry-ca"),
            pull=_file(table, "pull-auth"),
            front=front,
            storage=table.text("storage-class") if table.has("storage-class") else "",
            lease=lease,
        )

    def runtime(self, front: Balancer, told: Callable[[str, Mapping[str, object]], object]) -> KubernetesRuntime:
        """The runtime; nothing is asked of the cluster yet.

        Raises:
            BadKubeconfig: as its name says.
        """
        access = (
            kubeconfig.of_pod()
            if self.kubeconfig is None
            else kubeconfig.read(self.kubeconfig, context=self.context)
        )
        settings = KubernetesSettings(
            access=access,
            front=self.front,
            pull=self.pull,
            storage=self.storage,
            lease=self.lease,
        )
        return KubernetesRuntime(settings, front, told=told)

    def images(self) -> OciRegistry:
        """Where images are pushed."""
        return OciRegistry.open(self.registry, ca=self.authority, authfile=self.push)


def _file(table: Table, key: str) -> Path | None:
    return Path(table.text(key)) if table.has(key) else None


def _check_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise BadConfig("not a network in CIDR", key="kubernetes.front", value=text[:60]) from None
