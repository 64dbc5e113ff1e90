"""What providers and their nodes say on chain: which machines, what they built, what they run."""

from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.proposal.abi import ZERO, contract
from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.sending import Desk, Receipt
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


def cluster_of(chain: Chain, clusters: Address, node: Address, *, at: FinalBlock) -> int:
    """The cluster that a node has joined; 0 = none."""
    return contract("Clusters").read(chain, at, clusters, "nodeOf", node).struct("0").integer("cluster")


def measurement_since(chain: Chain, clusters: Address, measurement: bytes, *, at: FinalBlock) -> int:
    """Since when an OS measurement is accepted, seconds since 1970; 0 = never. It may be in the future."""
    return contract("Clusters").read(chain, at, clusters, "measurementSince", measurement).integer("0")


def _send(desk: Desk, clusters: Address, function: str, *arguments: object) -> Receipt:
    return desk.send(clusters, contract("Clusters").encode(function, *arguments))
