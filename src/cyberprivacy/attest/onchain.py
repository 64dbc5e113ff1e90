"""Fills the verifier's `ChainFacts` from a chain: everything at one final block, asked for by name."""

from collections.abc import Collection, Mapping

from cyberprivacy.attest.facts import ChainFacts, Lap, NodeFacts, Questions, ReleaseFacts
from cyberprivacy.cid import Cid
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.chain import Chain, NoContract, Reverted
from cyberprivacy.proposal.expansions import admitted
from cyberprivacy.proposal.law import Dao, ProposalState, cid_of, dao_at
from cyberprivacy.proposal.life import Life, life
from cyberprivacy.proposal.release import Address, FinalBlock


def read_facts(
    chain: Chain, dao: Address, asked: Questions | None, factories: Collection[Address] = ()
) -> ChainFacts:
    """What the chain says at its newest final block about a DAO, and about what an attestation claims.

    Args:
        chain: one endpoint, or several that must agree.
        dao: the DAO that the user named.
        asked: from `attest.verify.questions`; None = ask about nothing but the DAO itself.
        factories: of contracts, that the user trusts: whether one of them made this DAO.

    Raises:
        TryLater: nobody answers.
        Untrusted: somebody answers nonsense, endpoints disagree, or the address is no DAO.
    """
    block = chain.block()
    contracts = dao_at(chain, dao, block)
    live = contract("ReleaseRegistry").read(chain, block, contracts.registry, "active").octets("bundle")
    return ChainFacts(
        chain_id=chain.chain_id,
        dao=dao,
        registry=contracts.registry,
        block=block,
        active=cid_of(live),
        factory=next((each for each in sorted(factories) if _made(chain, each, dao, block)), None),
        releases={} if asked is None else _release(chain, contracts, asked.bundle, block),
        nodes={} if asked is None else _node(chain, contracts, asked.account, block),
        measurements={} if asked is None else _measurement(chain, contracts, asked.measurement, block),
        blocks={} if asked is None or asked.height > block.number else _block(chain, asked.height, block),
    )


def stands(chain: Chain, dao: Address, measurement: bytes) -> bool:
    """Whether a DAO's providers may run software of this measurement, at the newest final block.

    Raises:
        TryLater: nobody answers.
        Untrusted: somebody answers nonsense, endpoints disagree, or the address is no DAO.
    """
    block = chain.block()
    since = _measurement(chain, dao_at(chain, dao, block), measurement, block).get(measurement)
    return since is not None and since <= block.timestamp


def _made(chain: Chain, factory: Address, dao: Address, block: FinalBlock) -> bool:
    """Whether this factory made this DAO; one that is not there, or is none, made nothing."""
    try:
        return contract("DaoFactory").read(chain, block, factory, "isDao", dao).flag("0")
    except (NoContract, Reverted):
        return False


def _release(chain: Chain, dao: Dao, bundle: Cid, block: FinalBlock) -> Mapping[Cid, ReleaseFacts]:
    it = life(chain, dao, bundle, at=block)
    if not it.published:
        return {}
    images = it.images
    vote = it.vote
    return {
        bundle: ReleaseFacts(
            number=it.number,
            pipeline=it.pipeline,
            revoked=it.revoked,
            halted=it.halted_until > block.timestamp,
            expires=it.expires,
            emergency=it.expires != 0,
            proposal=0 if vote is None else vote.id,
            executed=vote is not None and vote.state is ProposalState.EXECUTED,
            laps=_laps(chain, dao, it, block) if it.activated else (),
            images=images.digest,
            builders=images.providers,
            needed=images.needed,
        )
    }


def _laps(chain: Chain, dao: Dao, it: Life, block: FinalBlock) -> tuple[Lap, ...]:
    """How long people had to look, from the times that the contracts keep.

    A release that went live by the emergency lane and was ratified later has all four laps.
    """
    laps: list[Lap] = []
    vote = it.vote if it.vote is not None and it.vote.state is ProposalState.EXECUTED else None
    if vote is None or it.activated < vote.executable:
        rules = contract("ReleaseRegistry").read(chain, block, dao.registry, "rules", it.bundle.digest)
        least = rules.struct("0").integer("emergencyFloor")
        laps.append(Lap("emergency", it.activated - it.review_starts, least))
    if vote is not None:
        floors = contract("AppGovernor").read(chain, block, dao.governor, "floors")
        floor = contract("AppTimelock").read(chain, block, dao.timelock, "floor").integer("0")
        laps += (
            Lap("review", vote.opens - it.review_starts, it.review_ends - it.review_starts),
            Lap("vote", vote.closes - vote.opens, floors.integer("1")),
            Lap("deployment", max(it.activated, vote.executable) - vote.closes, floor),
        )
    return tuple(laps)


def _node(chain: Chain, dao: Dao, account: Address, block: FinalBlock) -> Mapping[Address, NodeFacts]:
    clusters = contract("Clusters")
    node = clusters.read(chain, block, dao.clusters, "nodeOf", account).struct("0")
    cluster = node.integer("cluster")
    if not cluster:
        return {}
    provider = clusters.read(chain, block, dao.clusters, "providerOf", cluster).address("0")
    allowed = contract("ReleaseRegistry").read(chain, block, dao.registry, "isProvider", provider)
    promised = clusters.read(chain, block, dao.clusters, "needsAdmission", cluster).flag("0")
    return {
        account: NodeFacts(
            id=node.octets("nodeKey"),
            measurement=node.octets("measurement"),
            cluster=cluster,
            provider=provider,
            authorised=allowed.flag("0"),
            admitted=not promised or _admitted(chain, dao, account, block),
        )
    }


def _admitted(chain: Chain, dao: Dao, account: Address, block: FinalBlock) -> bool:
    expansions = contract("Clusters").read(chain, block, dao.clusters, "expansions").address("0")
    return admitted(chain, expansions, account, at=block)


def _measurement(chain: Chain, dao: Dao, measurement: bytes | None, block: FinalBlock) -> Mapping[bytes, int]:
    if measurement is None:
        return {}
    since = contract("Clusters").read(chain, block, dao.clusters, "measurementSince", measurement).integer("0")
    return {measurement: since} if since else {}


def _block(chain: Chain, height: int, newest: FinalBlock) -> Mapping[int, FinalBlock]:
    return {height: newest if height == newest.number else chain.block(height)}
