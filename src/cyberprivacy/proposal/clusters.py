"""What providers and their nodes say on chain: which machines, what they built, what they run."""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.abi import ZERO, contract
from cyberprivacy.proposal.calls import Call, call
from cyberprivacy.proposal.chain import Chain, LogServer
from cyberprivacy.proposal.release import NOBODY, Address, FinalBlock
from cyberprivacy.proposal.sending import Desk, Receipt
from cyberprivacy.proposal.told import told
from cyberprivacy.proposal.wire import BadAnswer

NO_HARDWARE: Final = ZERO
"""The measurement of a node that claims no hardware evidence."""


def register_cluster(desk: Desk, clusters: Address, *, uri: str) -> int:
    """As a provider, open a cluster; its number. `uri`: where people read about it."""
    receipt = _send(desk, clusters, "register", uri)
    for log in receipt.logs:
        opened = contract("Clusters").event("ClusterRegistered", log) if log.address == clusters else None
        if opened is not None:
            return opened.integer("cluster")
    raise BadAnswer("no number for the new cluster", clusters=clusters)


def add_node(
    desk: Desk,
    clusters: Address,
    cluster: int,
    *,
    node: Address,
    node_key: bytes,
    measurement: bytes = NO_HARDWARE,
) -> Receipt:
    """As the provider, list a machine: its account, the SHA-256 of its identity key, its OS measurement."""
    return _send(desk, clusters, "addNode", cluster, node, node_key, measurement)


def announce_measurement(desk: Desk, clusters: Address, measurement: bytes, *, uri: str) -> Receipt:
    """As the owner: make a measurement of node software (32 bytes) public; it counts after a waiting period."""
    return _send(desk, clusters, "announceMeasurement", measurement, uri)


def set_head_key(desk: Desk, clusters: Address, cluster: int, *, key: Address) -> Receipt:
    """As the provider: name the key that signs the heads of the cluster's log; it answers for former ones, too."""
    return _send(desk, clusters, "setHeadKey", cluster, key)


def require_admission(clusters: Address, cluster: int) -> tuple[Call, ...]:
    """As the provider: promise for ever that only admitted machines join the cluster and report for it."""
    return (call("Clusters", clusters, "requireAdmission", cluster),)


def remove_node(desk: Desk, clusters: Address, cluster: int, *, node: Address) -> Receipt:
    """As the provider: take a machine out, at once."""
    return _send(desk, clusters, "removeNode", cluster, node)


def join_cluster(desk: Desk, clusters: Address, cluster: int) -> Receipt:
    """As a node, agree to be one of this cluster; once, after `add_node`."""
    return _send(desk, clusters, "join", cluster)


def report_built(desk: Desk, clusters: Address, *, registry: Address, bundle: Cid, images: bytes) -> Receipt:
    """As a node: we built these images (digest of their canonical list) from this bundle."""
    return _send(desk, clusters, "built", registry, bundle.digest, images)


def report_deployed(desk: Desk, clusters: Address, *, registry: Address, bundle: Cid, evidence: bytes) -> Receipt:
    """As a node: we run this bundle; `evidence` is the digest of the proof."""
    return _send(desk, clusters, "deployed", registry, bundle.digest, evidence)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster at a block.

    Attributes:
        provider: whose it is.
        head_key: signs the heads of its log; None = no key was named.
        needs_admission: whether it has promised to have admitted machines only.
    """

    provider: Address
    head_key: Address | None
    needs_admission: bool


def cluster_at(chain: Chain, clusters: Address, number: int, *, at: FinalBlock) -> Cluster:
    """A cluster.

    Raises:
        Misuse: there is no such cluster ("cluster.unknown").
    """
    law = contract("Clusters")
    provider = law.read(chain, at, clusters, "providerOf", number).address("0")
    if provider == NOBODY:
        raise Misuse("there is no such cluster", code="cluster.unknown", cluster=number)
    key = law.read(chain, at, clusters, "headKey", number).address("0")
    needs = law.read(chain, at, clusters, "needsAdmission", number).flag("0")
    return Cluster(provider, None if key == NOBODY else key, needs)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of a cluster at a block.

    Attributes:
        account: what it signs its transactions with.
        node_key: digest of its identity key; of the last listing that a log tells.
        measurement: its OS, all zero = claims no hardware evidence.
        cluster: which one it joined; 0 = none yet.
        in_service: whether it may speak for that cluster now.
    """

    account: Address
    node_key: bytes
    measurement: bytes
    cluster: int
    in_service: bool


def machines(
    chain: Chain, logs: LogServer, clusters: Address, number: int, *, at: FinalBlock, first: int = 0
) -> tuple[Machine, ...]:
    """Machines that were ever listed for a cluster, from logs; what each is now, state says."""
    listed = {
        each.address("node"): (each.octets("nodeKey"), each.octets("measurement"))
        for each in told(logs, clusters, "Clusters", "NodeAdded", at=at, first=first)
        if each.integer("cluster") == number
    }
    law = contract("Clusters")
    return tuple(
        Machine(
            account,
            *said,
            cluster_of(chain, clusters, account, at=at),
            law.read(chain, at, clusters, "inService", account).flag("0"),
        )
        for account, said in listed.items()
    )


def was_head_key(chain: Chain, clusters: Address, number: int, key: Address, *, at: FinalBlock) -> bool:
    """Whether a key signs, or ever signed, the heads of a cluster's log."""
    return contract("Clusters").read(chain, at, clusters, "wasHeadKey", number, key).flag("0")


def cluster_of(chain: Chain, clusters: Address, node: Address, *, at: FinalBlock) -> int:
    """The cluster that a node has joined; 0 = none."""
    return contract("Clusters").read(chain, at, clusters, "nodeOf", node).struct("0").integer("cluster")


def measurement_since(chain: Chain, clusters: Address, measurement: bytes, *, at: FinalBlock) -> int:
    """Since when an OS measurement is accepted, seconds since 1970; 0 = never. It may be in the future."""
    return contract("Clusters").read(chain, at, clusters, "measurementSince", measurement).integer("0")


def _send(desk: Desk, clusters: Address, function: str, *arguments: object) -> Receipt:
    return desk.send(clusters, contract("Clusters").encode(function, *arguments))
