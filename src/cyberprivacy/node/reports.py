"""What a node tells the chain: that it belongs to a cluster, what it built, what it runs."""

from collections.abc import Callable
from typing import Final

from eth_utils.conversions import to_bytes

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.agreeing import Ledger
from cyberprivacy.proposal.chain import Wanted
from cyberprivacy.proposal.clusters import cluster_of, join_cluster, report_built, report_deployed
from cyberprivacy.proposal.law import Dao, dao_at
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock
from cyberprivacy.proposal.sending import Desk

ALREADY: Final = "law.node-refused"


class NotListed(TryLater):
    """No provider has listed this node, so its reports do not count."""

    code = "node.not-listed"
    hint = (
        "As the provider: `cyberprivacy cluster add-node`; `cyberprivacy node identity` prints what it asks for."
    )


class ChainReports:
    """Signs with the node's own account; joins its cluster when a provider has listed it."""

    def __init__(
        self, chain: Ledger, desk: Desk, dao: Address, *, prove: Callable[[ApprovedRelease], bytes]
    ) -> None:
        """Report for one DAO.

        Args:
            chain: where to read.
            desk: the node's account and the way to send.
            dao: the DAO's governor.
            prove: 32-byte digest of an attestation for a release that runs.
        """
        self._chain, self._desk, self._dao, self._prove = chain, desk, dao, prove
        self._in = False

    def built(self, release: ApprovedRelease, images: bytes) -> None:
        """Report the images that this node built. See `Reports.built`."""
        clusters = self._joined()
        report_built(self._desk, clusters, registry=release.registry, bundle=release.bundle, images=images)

    def deployed(self, release: ApprovedRelease) -> None:
        """Report what this node runs, with the digest of its proof. See `Reports.deployed`."""
        clusters, proof = self._joined(), self._prove(release)
        report_deployed(self._desk, clusters, registry=release.registry, bundle=release.bundle, evidence=proof)

    def _joined(self) -> Address:
        """The Clusters contract, once this node is in a cluster.

        Read now: a build takes longer than endpoints keep the state of the block at which a release was read.
        """
        block = self._chain.block()
        dao = dao_at(self._chain, self._dao, block)
        if not self._in:
            if cluster_of(self._chain, dao.clusters, self._desk.address, at=block) == 0:
                self._join(dao.clusters, self._listing(dao, block))
            self._in = True
        return dao.clusters

    def _join(self, clusters: Address, cluster: int) -> None:
        try:
            join_cluster(self._desk, clusters, cluster)
        except CyberPrivacyError as error:
            if error.code != ALREADY:  # it joined in a block that is not final yet
                raise

    def _listing(self, dao: Dao, block: FinalBlock) -> int:
        """The cluster whose provider listed this node last."""
        ours = bytes(12) + to_bytes(hexstr=self._desk.address)
        topics = (contract("Clusters").topic("NodeAdded"), None, ours)
        found = self._chain.logs(Wanted(dao.clusters, topics, 0, block.number))
        if not found:
            raise NotListed("no provider has listed this node", node=self._desk.address)
        return int.from_bytes(found[-1].topics[1], "big")
