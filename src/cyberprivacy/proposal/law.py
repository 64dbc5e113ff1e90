"""The contracts of one DAO, found from its address and checked against one another."""

from dataclasses import dataclass
from enum import IntEnum

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal.abi import ZERO, Fields, contract
from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.release import Address, FinalBlock


class NotADao(Untrusted):
    """The contracts behind an address do not belong together."""

    code = "dao.contracts"
    hint = "Use the address of the DAO's governor, as its factory announced it."


class ProposalState(IntEnum):
    """Where a proposal stands. Source: OpenZeppelin 5, IGovernor.ProposalState."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXPIRED = 6
    EXECUTED = 7


@dataclass(frozen=True, slots=True)
class Dao:
    """The contracts of one application's DAO. Its governor's address is the DAO's.

    Attributes:
        governor: AppGovernor.
        registry: ReleaseRegistry.
        token: AppVotes or AppMembership.
        timelock: AppTimelock.
        seats: AuditorSeats.
        clusters: the shared Clusters.
    """

    governor: Address
    registry: Address
    token: Address
    timelock: Address
    seats: Address
    clusters: Address


def dao_at(chain: Chain, governor: Address, at: FinalBlock) -> Dao:
    """The contracts of a DAO at a block.

    Raises:
        NotADao: they do not name one another.
        NoContract: nothing is there (yet).
    """
    law, releases = contract("AppGovernor"), contract("ReleaseRegistry")
    registry = law.read(chain, at, governor, "registry").address("0")
    dao = Dao(
        governor=governor,
        registry=registry,
        token=law.read(chain, at, governor, "token").address("0"),
        timelock=law.read(chain, at, governor, "timelock").address("0"),
        seats=releases.read(chain, at, registry, "seats").address("0"),
        clusters=releases.read(chain, at, registry, "clusters").address("0"),
    )
    named = releases.read(chain, at, registry, "governor").address("0")
    if named != governor:
        raise NotADao("the registry belongs to another DAO", dao=governor, registry=registry, named=named)
    if releases.read(chain, at, registry, "timelock").address("0") != dao.timelock:
        raise NotADao("registry and governor have different timelocks", dao=governor, registry=registry)
    return dao


def road_at(chain: Chain, dao: Dao, at: FinalBlock) -> int:
    """Seconds from a proposal to its execution, at least: delay, vote and deployment lap."""
    law = contract("AppGovernor")
    waits = (law.read(chain, at, dao.governor, name).integer("0") for name in ("votingDelay", "votingPeriod"))
    return sum(waits) + contract("AppTimelock").read(chain, at, dao.timelock, "getMinDelay").integer("0")


@dataclass(frozen=True, slots=True)
class Before:
    """What counts as read when a bundle is measured.

    Attributes:
        published: whether the DAO knows the bundle; if not, this is what the chain would say if it were
            published now.
        parent: what it replaces; None for the first.
        already_read: a release whose lap is over and whose lines are not counted again; None = no such credit.
        number, pipeline: as published; 0 = not published.
    """

    published: bool
    parent: Cid | None
    already_read: Cid | None
    number: int = 0
    pipeline: int = 0

    @property
    def read(self) -> tuple[Cid, ...]:
        """The bundles in the order in which `review.measure` takes them."""
        return tuple(cid for cid in (self.parent, self.already_read) if cid is not None)


def before(chain: Chain, dao: Dao, bundle: Cid, at: FinalBlock) -> Before:
    """What a bundle is measured against: not what its author says, but what the registry has recorded."""
    record = release_at(chain, dao, bundle.digest, at)
    if record.integer("publishedAt"):
        return Before(
            published=True,
            parent=cid_of(record.octets("parent")),
            already_read=cid_of(record.octets("alreadyRead")),
            number=record.integer("number"),
            pipeline=record.integer("pipeline"),
        )
    head = contract("ReleaseRegistry").read(chain, at, dao.registry, "head").octets("0")
    return Before(published=False, parent=cid_of(head), already_read=None)


def release_at(chain: Chain, dao: Dao, bundle: bytes, at: FinalBlock) -> Fields:
    """The registry's record of a bundle; all zero if it is not known there."""
    return contract("ReleaseRegistry").read(chain, at, dao.registry, "release", bundle).struct("0")


def proposal_at(chain: Chain, dao: Dao, bundle: bytes, at: FinalBlock) -> int:
    """The id of the vote on a bundle; 0 = none."""
    return contract("AppGovernor").read(chain, at, dao.governor, "updateProposal", bundle).integer("0")


def state_at(chain: Chain, dao: Dao, proposal: int, at: FinalBlock) -> ProposalState:
    """Where a proposal stands.

    Raises:
        Reverted: there is no such proposal.
    """
    return ProposalState(contract("AppGovernor").read(chain, at, dao.governor, "state", proposal).integer("0"))


def cid_of(digest: bytes) -> Cid | None:
    """The bundle that 32 bytes on chain name; None for zero."""
    return None if digest == ZERO else Cid(DAG_PB, digest)
