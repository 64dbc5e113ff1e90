"""The whole life of every release of a DAO: where it stands, what it waits for, and until when."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal.abi import ZERO, Fields, contract
from cyberprivacy.proposal.chain import Chain, LogServer, Reverted, Wanted
from cyberprivacy.proposal.law import Dao, ProposalState, cid_of, proposal_at, release_at, state_at
from cyberprivacy.proposal.refusals import refusal
from cyberprivacy.proposal.release import FinalBlock


class Stage(StrEnum):
    """Where a release stands."""

    PUBLISHED = "published"
    REVIEW = "in review"
    REVIEWED = "reviewed"
    PROPOSED = "proposed"
    VOTING = "voting"
    PASSED = "passed"
    QUEUED = "queued"
    EXECUTABLE = "executable"
    ACTIVE = "active"
    EMERGENCY = "active, not ratified"
    REPLACED = "replaced"
    STALE = "stale"
    DEFEATED = "defeated"
    HALTED = "halted"
    REVOKED = "revoked"
    EXPIRED = "expired"


LIVE: Final = frozenset({Stage.ACTIVE, Stage.EMERGENCY})


@dataclass(frozen=True, slots=True)
class Vote:
    """The vote on a release. Times in seconds since 1970; votes in the token's smallest unit.

    Attributes:
        id: proposal id.
        state: as the governor has it.
        opens, closes: when votes count.
        executable: end of the deployment lap; 0 = not queued.
        against, in_favour, abstaining: votes cast.
    """

    id: int
    state: ProposalState
    opens: int
    closes: int
    executable: int
    against: int
    in_favour: int
    abstaining: int


@dataclass(frozen=True, slots=True)
class Images:
    """What providers built from a bundle.

    Attributes:
        digest: what they all built; None = no report, or they differ.
        providers: how many reported.
        needed: how many must have.
        mismatch: two differ; the bundle is not served.
    """

    digest: bytes | None
    providers: int
    needed: int
    mismatch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One release, from publication to its end. Times in seconds since 1970; 0 = not (yet).

    Attributes:
        parent: bundle that it was measured against; None for the first.
        already_read: release whose lines were not counted again.
        stage: where it stands at the block that was read.
        waits_for: what must happen next, in words; "" if nothing.
        until: when the wait ends by itself; 0 = it waits for somebody.
        attested, seats: auditors' seats that spoke, of how many; `needed` of them start the clock.
        weight, ahead: weighted lines of this change, and of others to be read before it.
    """

    bundle: Cid
    parent: Cid | None
    already_read: Cid | None
    number: int
    pipeline: int
    stage: Stage
    waits_for: str
    until: int
    published: int
    attested: int
    needed: int
    seats: int
    weight: int
    ahead: int
    review_starts: int
    review_ends: int
    vote: Vote | None
    activated: int
    expires: int
    halted_until: int
    revoked: bool
    images: Images


def lives(chain: Chain, logs: LogServer, dao: Dao, *, at: FinalBlock, first: int = 0) -> tuple[Life, ...]:
    """Every release of a DAO in the order of publication.

    Which there are, a log server tells; what each is, state says. A server that hides the live one is refused.

    Args:
        chain: state.
        logs: who tells which releases there are.
        dao: whose.
        at: the block to read.
        first: height from which to look for publications.
    """
    releases = contract("ReleaseRegistry")
    wanted = Wanted(dao.registry, (releases.topic("ReleasePublished"),), first, at.number)
    bundles = [Cid(0x70, log.topics[1]) for log in logs.logs(wanted) if len(log.topics) == 3]
    head = cid_of(releases.read(chain, at, dao.registry, "head").octets("0"))
    if head is not None and head not in bundles and first == 0:
        raise Untrusted("a log server hides the release that is live", code="chain.logs", bundle=str(head))
    return tuple(life(chain, dao, bundle, at=at) for bundle in dict.fromkeys(bundles))


def life(chain: Chain, dao: Dao, bundle: Cid, *, at: FinalBlock) -> Life:
    """One release; `stage` is "published" with `published` 0 if the DAO does not know it."""
    releases = contract("ReleaseRegistry")
    record = release_at(chain, dao, bundle.digest, at)
    seats = contract("AuditorSeats").read(chain, at, dao.seats, "size").integer("0")
    plain = Life(
        bundle=bundle,
        parent=cid_of(record.octets("parent")),
        already_read=cid_of(record.octets("alreadyRead")),
        number=record.integer("number"),
        pipeline=record.integer("pipeline"),
        stage=Stage.PUBLISHED,
        waits_for="",
        until=0,
        published=record.integer("publishedAt"),
        attested=len(releases.read(chain, at, dao.registry, "attestations", bundle.digest).many("0")),
        needed=seats // 2 + 1,
        seats=seats,
        weight=record.integer("weight"),
        ahead=record.integer("ahead"),
        review_starts=record.integer("clockStart"),
        review_ends=record.integer("reviewEnds"),
        vote=_vote(chain, dao, bundle, at),
        activated=record.integer("activatedAt"),
        expires=record.integer("expires"),
        halted_until=record.integer("haltedUntil"),
        revoked=record.flag("revoked"),
        images=_images(chain, dao, bundle, at),
    )
    head = releases.read(chain, at, dao.registry, "head").octets("0")
    governor = contract("AppGovernor")
    delay = governor.read(chain, at, dao.governor, "votingDelay").integer("0")
    period = governor.read(chain, at, dao.governor, "votingPeriod").integer("0")
    return _placed(plain, head=head, delay=delay, rest=delay + period, now=at.timestamp)


def _placed(it: Life, *, head: bytes, delay: int, rest: int, now: int) -> Life:
    """The same release with its stage; pure."""
    stage, waits_for, until = _after_life(it, head, now) or _before_life(it, head, delay, rest, now)
    return replace(it, stage=stage, waits_for=waits_for, until=until)


def _after_life(it: Life, head: bytes, now: int) -> tuple[Stage, str, int] | None:
    """Where something stands that is or was live, or was stopped; None for what is on its way."""
    if it.revoked or it.halted_until > now:
        return (Stage.REVOKED, "", 0) if it.revoked else (Stage.HALTED, "the halt to end", it.halted_until)
    if not it.activated:
        return None
    ran_out = it.expires != 0 and now >= it.expires
    if it.bundle.digest != head:
        return Stage.EXPIRED if ran_out else Stage.REPLACED, "", 0
    if it.expires:
        step = _before_life(it, head, 0, 0, now)[1]
        return Stage.EMERGENCY, f"ratification, or it dies; next: {step}", it.expires
    return Stage.ACTIVE, _builders(it.images), 0


def _builders(images: Images) -> str:
    if images.mismatch:
        return "providers that built different images to agree"
    if images.digest is None:
        return f"builders: {images.providers} of {images.needed} reported"
    return ""


def _before_life(it: Life, head: bytes, delay: int, rest: int, now: int) -> tuple[Stage, str, int]:
    if it.review_starts == 0:
        return Stage.PUBLISHED, f"auditors: {it.attested} of {it.needed} attested", 0
    if head not in (it.parent.digest if it.parent else ZERO, it.bundle.digest):
        return Stage.STALE, "publication on what runs now", 0  # whatever its vote says: it cannot be executed
    if it.vote is not None and it.vote.state not in (ProposalState.CANCELED, ProposalState.DEFEATED):
        return _in_vote(it.vote, now)
    if it.review_ends > now + delay:
        return Stage.REVIEW, "the review lap to end", it.review_ends - delay
    if it.vote is not None:
        return _after_defeat(it.vote, rest, now)
    return Stage.REVIEWED, "somebody to propose it", 0


def _after_defeat(vote: Vote, rest: int, now: int) -> tuple[Stage, str, int]:
    """Voters get as long a rest after a vote that was lost as a vote takes; after one that was cancelled, none."""
    again = vote.closes + rest if vote.state is ProposalState.DEFEATED else 0
    if now < again:
        return Stage.DEFEATED, "the voters' rest to end", again
    return Stage.DEFEATED, "somebody to propose it again", 0


def _in_vote(vote: Vote, now: int) -> tuple[Stage, str, int]:
    match vote.state:
        case ProposalState.PENDING:
            return Stage.PROPOSED, "the vote to open", vote.opens
        case ProposalState.ACTIVE:
            return Stage.VOTING, "votes", vote.closes
        case ProposalState.SUCCEEDED:
            return Stage.PASSED, "somebody to queue it", 0
        case ProposalState.QUEUED if now < vote.executable:
            return Stage.QUEUED, "the deployment lap to end", vote.executable
        case ProposalState.QUEUED:
            return Stage.EXECUTABLE, "somebody to execute it", 0
        case _:
            return Stage.PASSED, "", 0


def _vote(chain: Chain, dao: Dao, bundle: Cid, at: FinalBlock) -> Vote | None:
    proposal = proposal_at(chain, dao, bundle.digest, at)
    return vote_at(chain, dao, proposal, at) if proposal else None


def vote_at(chain: Chain, dao: Dao, proposal: int, at: FinalBlock) -> Vote:
    """Where any proposal stands.

    Raises:
        Misuse: there is no such proposal ("law.no-proposal").
    """

    def ask(function: str) -> Fields:
        return contract("AppGovernor").read(chain, at, dao.governor, function, proposal)

    try:
        state = state_at(chain, dao, proposal, at)
    except Reverted as error:
        raise refusal(error.data) from error
    votes = ask("proposalVotes")
    return Vote(
        id=proposal,
        state=state,
        opens=ask("proposalSnapshot").integer("0"),
        closes=ask("proposalDeadline").integer("0"),
        executable=ask("proposalEta").integer("0"),
        against=votes.integer("0"),
        in_favour=votes.integer("1"),
        abstaining=votes.integer("2"),
    )


def _images(chain: Chain, dao: Dao, bundle: Cid, at: FinalBlock) -> Images:
    built = contract("Clusters").read(chain, at, dao.clusters, "images", dao.registry, bundle.digest)
    rules = contract("ReleaseRegistry").read(chain, at, dao.registry, "rules", bundle.digest).struct("0")
    needed, mismatch = rules.integer("builders"), built.flag("mismatch")
    agreed = not mismatch and built.integer("providers") >= needed and built.octets("0") != ZERO
    return Images(built.octets("0") if agreed else None, built.integer("providers"), needed, mismatch)
