"""What must run, read from the chain so that a lying, lagging or captured endpoint changes nothing.

Only final blocks; never older than what was read before; never older than the reader's own clock allows;
every endpoint alike. Whatever is unclear is an error, which leaves running what runs. Only a clear answer
that nothing is live is `None`.
"""

from dataclasses import dataclass
from typing import Final, Literal

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.proposal.abi import ZERO, Fields, contract
from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.law import Dao, ProposalState, cid_of, dao_at, proposal_at, release_at, state_at
from cyberprivacy.proposal.release import SEAL, Address, ApprovedRelease, FinalBlock
from cyberprivacy.proposal.wire import BadAnswer

AHEAD: Final = 60
"""Seconds that a block may be ahead of the reader's clock: clocks differ a little."""

Nothing = Literal["", "never", "revoked", "halted", "expired"]


class Stale(TryLater):
    """The newest final block is too old, or from the future: the endpoint, the chain or our clock is wrong."""

    code = "chain.stale"
    hint = "What runs goes on. Check this machine's clock and whether the endpoint follows the chain."


class Rewound(TryLater):
    """The chain now ends before a block that was already read as final."""

    code = "chain.rewound"
    hint = "What runs goes on. The endpoint lags; if it stays so, use another."


class Rewritten(Untrusted):
    """A block that was final has been replaced by another."""

    code = "chain.rewritten"
    hint = "What runs goes on. This is another chain, or its finality failed: find out before going on."


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the chain found.

    Attributes:
        block: the final block that was read; give it back as `last` the next time.
        release: what must run; None = nothing may.
        why: why nothing may run: no release ever, revoked, halted, expired; "" while something must.
    """

    block: FinalBlock
    release: ApprovedRelease | None
    why: Nothing


def approved(
    chain: Chain, dao: Address, *, last: FinalBlock | None, now: int, max_age: int
) -> ApprovedRelease | None:
    """The release that must run, or None when the chain says that nothing may. See `read`."""
    return read(chain, dao, last=last, now=now, max_age=max_age).release


def read(chain: Chain, dao: Address, *, last: FinalBlock | None, now: int, max_age: int) -> Reading:
    """Look at the newest final block.

    Args:
        chain: one endpoint, or several that must agree.
        dao: address of the DAO's governor.
        last: the block of the previous reading; None = the first one.
        now: the reader's clock, seconds since 1970.
        max_age: seconds that the block may be behind that clock.

    Raises:
        Stale, Rewound: nothing can be said now.
        Rewritten, Disagree, BadAnswer, NotADao: somebody lies.
        Unreachable, NoContract: nobody answers, or the DAO is not final yet.

    Source: DESIGN section 3, "reading with finality".
    """
    block = final_block(chain, last=last, now=now, max_age=max_age)
    contracts = dao_at(chain, dao, block)
    live = contract("ReleaseRegistry").read(chain, block, contracts.registry, "active")
    bundle = live.octets("bundle")
    if bundle == ZERO:
        return Reading(block, None, _why_nothing(chain, contracts, block))
    record = release_at(chain, contracts, bundle, block)
    _check_record(live, record, block)
    expires = live.integer("expires")
    if expires and max(now, block.timestamp) >= expires:  # the chain's last word may be minutes old
        return Reading(block, None, "expired")
    return Reading(block, _release(chain, contracts, Cid(DAG_PB, bundle), record, block), "")


def final_block(chain: Chain, *, last: FinalBlock | None, now: int, max_age: int) -> FinalBlock:
    """The newest final block, if it is fresh and continues what was read before. See `read`."""
    block = chain.block()
    if last is not None and block.number < last.number:
        raise Rewound("the chain ends before what was final", read=last.number, now=block.number)
    if last is not None and chain.block(last.number).hash != last.hash:
        raise Rewritten("a final block was replaced", number=last.number, was="0x" + last.hash.hex())
    if now - block.timestamp > max_age:
        raise Stale("the newest final block is too old", age=now - block.timestamp, most=max_age)
    if block.timestamp - now > AHEAD:
        raise Stale("the newest final block is from the future", ahead=block.timestamp - now, most=AHEAD)
    return block


def _why_nothing(chain: Chain, dao: Dao, block: FinalBlock) -> Nothing:
    """Why `active()` is empty; an empty answer without a reason is not believed."""
    head = contract("ReleaseRegistry").read(chain, block, dao.registry, "head").octets("0")
    if head == ZERO:
        current = contract("ReleaseRegistry").read(chain, block, dao.registry, "current").octets("0")
        return "never" if current == ZERO else "expired"
    record = release_at(chain, dao, head, block)
    if record.flag("revoked"):
        return "revoked"
    if record.integer("haltedUntil") > block.timestamp:
        return "halted"
    raise BadAnswer("the chain names no live release and no reason", dao=dao.governor, block=block.number)


def _check_record(live: Fields, record: Fields, block: FinalBlock) -> None:
    """Two views of one contract must tell one story."""
    if (
        record.integer("activatedAt") == 0
        or record.flag("revoked")
        or record.integer("haltedUntil") > block.timestamp
        or record.integer("pipeline") != live.integer("pipeline")
        or record.integer("expires") != live.integer("expires")
    ):
        raise BadAnswer("the registry's record contradicts what it calls live", block=block.number)


def _release(chain: Chain, dao: Dao, bundle: Cid, record: Fields, block: FinalBlock) -> ApprovedRelease:
    emergency = record.integer("expires") != 0
    proposal = 0 if emergency else proposal_at(chain, dao, bundle.digest, block)
    if not emergency and (proposal == 0 or state_at(chain, dao, proposal, block) != ProposalState.EXECUTED):
        raise Untrusted(
            "a release is live that no executed vote approved",
            code="release.not-passed",
            hint="Report this: the contracts do not allow it, so the endpoint or the DAO is not what it seems.",
            bundle=str(bundle),
        )
    rules = contract("ReleaseRegistry").read(chain, block, dao.registry, "rules", bundle.digest).struct("0")
    builders = rules.integer("builders")
    return ApprovedRelease(
        chain_id=chain.chain_id,
        dao=dao.governor,
        registry=dao.registry,
        bundle=bundle,
        parent=cid_of(record.octets("parent")),
        number=record.integer("number"),
        pipeline=record.integer("pipeline"),
        proposal=proposal,
        emergency=emergency,
        expires=record.integer("expires"),
        images=_agreed_images(chain, dao, bundle, block, builders=builders),
        builders=builders,
        block=block,
        seal=SEAL,
    )


def _agreed_images(chain: Chain, dao: Dao, bundle: Cid, block: FinalBlock, *, builders: int) -> bytes | None:
    built = contract("Clusters").read(chain, block, dao.clusters, "images", dao.registry, bundle.digest)
    if built.flag("mismatch") or built.integer("providers") < builders:
        return None
    images = built.octets("0")
    return None if images == ZERO else images
