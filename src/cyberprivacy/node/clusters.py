"""A node whose applications run in Kubernetes clusters: the table `[kubernetes]`, and what it puts together.

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

Several clusters have a table each, in place of `kubeconfig` and `context`; `lease`, `front` and `storage-class` of
the table above hold where a cluster has none of its own:

```toml
[kubernetes]
registry = "https://registry.example"
front = ["10.0.0.5/32"]
soak = 60                              # optional: seconds for which a wave must stay ready before the next begins

[[kubernetes.cluster]]                 # the first is home to applications that keep data
name = "north"
kubeconfig = "/etc/cyberprivacy/north"
services = ["10.96.0.0/16"]            # networks of its Services' addresses; no two clusters share any
wave = 2                               # optional: 1

[[kubernetes.cluster]]
name = "south"
kubeconfig = "/etc/cyberprivacy/south"
services = ["10.97.0.0/16"]
```
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.deployment import Tended
from cyberprivacy.deploy.fleet.fleet import Fleet
from cyberprivacy.deploy.fleet.member import Member
from cyberprivacy.deploy.fleet.shares import Door, Shares
from cyberprivacy.deploy.fleet.waves import Pace
from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.kubernetes import kubeconfig
from cyberprivacy.deploy.kubernetes.kubeconfig import Access
from cyberprivacy.deploy.kubernetes.release import KubernetesSettings
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.node.tables import BadConfig, Table, url
from cyberprivacy.registry.oci import OciRegistry

Told = Callable[[str, Mapping[str, object]], object]

_SHARED: Final = {"registry", "registry-auth", "registry-ca", "pull-auth"}
_EACH: Final = {"kubeconfig", "context", "front", "storage-class", "lease"}
_OF_MANY: Final = {"name", "services", "wave"}
LEASE: Final = "cyberprivacy/node"
IN_CLUSTER: Final = "in-cluster"
MAX_CLUSTERS: Final = 32
"""Half of the front's slots: each cluster is one, and one more while it moves."""
MAX_WAVE: Final = 1000
MAX_SOAK: Final = 86_400
_PLACE: Final = re.compile(r"[a-z0-9-]{1,63}/[a-z0-9.-]{1,63}")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAt:
    """One cluster.

    Attributes:
        name: what people call it; "" = it is the only one, and has no name.
        kubeconfig: whom to talk to, and as whom; None = as the service account of our pod.
        context: "" = the file's current one.
        front: networks in CIDR.
        storage: class of volumes; "" = the cluster's own choice.
        lease: "namespace/name"; who holds it acts.
        services: networks of its Services' addresses; none = it is the only one.
        wave: when its turn is.
    """

    name: str
    kubeconfig: Path | None
    context: str
    front: tuple[str, ...]
    storage: str
    lease: str
    services: tuple[IPv4Network, ...] = ()
    wave: int = 1

    def access(self) -> Access:
        """Whom to talk to.

        Raises:
            BadKubeconfig: as its name says.
        """
        if self.kubeconfig is None:
            return kubeconfig.of_pod()
        return kubeconfig.read(self.kubeconfig, context=self.context)


@dataclass(frozen=True, slots=True, kw_only=True)
class InClusters:
    """How a node uses clusters; as the module says.

    Attributes:
        clusters: at least one; several, or one with a name, are a fleet.
        registry: https address, without a path.
        push, authority, pull: files; None = none.
        soak: seconds for which a wave must stay ready before the next begins.
    """

    clusters: tuple[ClusterAt, ...]
    registry: str
    push: Path | None
    authority: Path | None
    pull: Path | None
    soak: int

    @classmethod
    def read(cls, top: Table) -> "InClusters | None":
        """The table of a configuration; None when there is none.

        Raises:
            BadConfig: a key is missing, unknown, or of the wrong form.
        """
        if not top.has("kubernetes"):
            return None
        table = top.table("kubernetes", _SHARED | _EACH | {"cluster", "soak"})
        many = table.has("cluster")
        clusters = _several(table) if many else (_cluster(table, table),)
        if many and (table.has("kubeconfig") or table.has("context")):
            raise BadConfig(
                "name it in each [[kubernetes.cluster]], or have no such table", key="kubernetes.kubeconfig"
            )
        if table.has("soak") and not many:
            raise BadConfig("one cluster has no waves", key="kubernetes.soak")
        return cls(
            clusters=clusters,
            registry=url(table.text("registry")),
            push=_file(table, "registry-auth"),
            authority=_file(table, "registry-ca"),
            pull=_file(table, "pull-auth"),
            soak=table.number("soak", int(Pace().soak), least=0, most=MAX_SOAK),
        )

    def runtime(self, front: Door, told: Told) -> Tended:
        """The runtime; nothing is asked of any cluster yet.

        Raises:
            BadKubeconfig: as its name says.
            BadConfig: two names for one cluster.
            WrongAddress: two clusters have the same addresses.
        """
        accesses = [cluster.access() for cluster in self.clusters]
        if not self.clusters[0].name:
            return self._one(self.clusters[0], accesses[0], front, told)
        for (one, its), (other, theirs) in combinations(zip(self.clusters, accesses, strict=True), 2):
            if its.server == theirs.server:
                raise BadConfig("two names for one cluster", names=[one.name, other.name], server=its.server)
        shares = Shares(front, {cluster.name: cluster.services for cluster in self.clusters})
        members = [
            Member(
                cluster.name,
                cluster.wave,
                self._one(cluster, access, shares.of(cluster.name), partial(_tell, told, cluster.name)),
            )
            for cluster, access in zip(self.clusters, accesses, strict=True)
        ]
        return Fleet(members, shares, pace=Pace(soak=self.soak), told=told)

    def _one(self, cluster: ClusterAt, access: Access, front: Balancer, told: Told) -> KubernetesRuntime:
        settings = KubernetesSettings(
            access=access,
            front=cluster.front,
            pull=self.pull,
            storage=cluster.storage,
            lease=cluster.lease,
        )
        return KubernetesRuntime(settings, front, told=told)

    def images(self) -> OciRegistry:
        """Where images are pushed."""
        return OciRegistry.open(self.registry, ca=self.authority, authfile=self.push)


def _several(table: Table) -> tuple[ClusterAt, ...]:
    """The clusters that have a table each."""
    tables = [Table("kubernetes.cluster", each, _EACH | _OF_MANY) for each in table.tables("cluster")]
    if not 1 <= len(tables) <= MAX_CLUSTERS:
        raise BadConfig("none, or too many", key="kubernetes.cluster", most=MAX_CLUSTERS)
    clusters = tuple(_named(_cluster(each, table), each) for each in tables)
    for one, other in combinations(clusters, 2):
        if one.name == other.name or (one.kubeconfig, one.context) == (other.kubeconfig, other.context):
            raise BadConfig("a cluster is named twice", key="kubernetes.cluster", names=[one.name, other.name])
    return clusters


def _cluster(table: Table, shared: Table) -> ClusterAt:
    """One cluster by its table; what that does not say may be said for all."""
    front = (table if table.has("front") else shared).texts("front")
    for network in front:
        _network(network, "kubernetes.front")
    where, lease = table.text("kubeconfig"), _either(table, shared, "lease") or LEASE
    if not _PLACE.fullmatch(lease):
        raise BadConfig("not a namespace and a name, with a slash between", key="kubernetes.lease")
    return ClusterAt(
        name="",
        kubeconfig=None if where == IN_CLUSTER else Path(where),
        context=table.text("context") if table.has("context") else "",
        front=front,
        storage=_either(table, shared, "storage-class"),
        lease=lease,
    )


def _named(cluster: ClusterAt, table: Table) -> ClusterAt:
    """The same as one of several."""
    name, key = table.text("name"), "kubernetes.cluster.services"
    if not _NAME.fullmatch(name):
        raise BadConfig(
            "not a name: at most 40 of a-z, 0-9 and hyphens", key="kubernetes.cluster.name", name=name[:60]
        )
    networks = [_network(text, key) for text in table.texts("services")]
    services = tuple(network for network in networks if isinstance(network, IPv4Network))
    if not services or len(services) != len(networks):
        raise BadConfig("name the IPv4 networks of its Services", key=key, cluster=name)
    wave = table.number("wave", 1, least=1, most=MAX_WAVE)
    return replace(cluster, name=name, services=services, wave=wave)


def _either(table: Table, shared: Table, key: str) -> str:
    """A text of the cluster's own table, else of the one for all; "" = in neither."""
    found = next((one for one in (table, shared) if one.has(key)), None)
    return "" if found is None else found.text(key)


def _tell(told: Told, cluster: str, kind: str, facts: Mapping[str, object]) -> None:
    told(kind, {**facts, "cluster": cluster})


def _file(table: Table, key: str) -> Path | None:
    return Path(table.text(key)) if table.has(key) else None


def _network(text: str, key: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise BadConfig("not a network in CIDR", key=key, value=text[:60]) from None
