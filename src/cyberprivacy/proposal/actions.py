"""All that people and nodes do on chain. Each function says what it does, and is refused in words.

`Acting` joins who acts (a desk with a signer), what they see (a chain) and whose DAO it is.
"""

from dataclasses import dataclass
from typing import Final, NoReturn

from cyberprivacy.cid import Cid
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.abi import ZERO, contract
from cyberprivacy.proposal.agreeing import Ledger
from cyberprivacy.proposal.law import Dao, ProposalState
from cyberprivacy.proposal.life import Vote, vote_at
from cyberprivacy.proposal.refusals import NotYet
from cyberprivacy.proposal.sending import Desk, Receipt
from cyberprivacy.proposal.text import Proposal

AGAINST: Final = 0
IN_FAVOUR: Final = 1
ABSTAIN: Final = 2


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody who acts on a DAO.

    Attributes:
        desk: sends their transactions.
        chain: what they see; with head "latest", so that they see what they just did.
        dao: on which DAO.
    """

    desk: Desk
    chain: Ledger
    dao: Dao

    def state(self, proposal: int) -> Vote:
        """Where a proposal stands.

        Raises:
            Misuse: there is no such proposal ("law.no-proposal").
        """
        return vote_at(self.chain, self.dao, proposal, self.chain.block())


def publish(
    acting: Acting,
    bundle: Cid,
    *,
    parent: Cid | None,
    number: int,
    pipeline: int,
    already_read: Cid | None = None,
) -> Receipt:
    """Put a bundle before the auditors and the public, as one of the DAO's publishers.

    Args:
        acting: a publisher.
        bundle: what is published.
        parent: bundle that it was measured against; None for the first.
        number: release number, above everything that was ever live.
        pipeline: pipeline template number.
        already_read: release whose lap has elapsed and whose lines need not be read again.
    """
    read = already_read.digest if already_read else ZERO
    onto = parent.digest if parent else ZERO
    return _release(acting, "publish", bundle.digest, onto, number, pipeline, read)


def attest(acting: Acting, bundle: Cid, *, lines: int, complexity: int, severity: int, report: bytes) -> Receipt:
    """Vouch, as an auditor, that a bundle is public, and for its size.

    Args:
        acting: an auditor who held a seat when the bundle was published.
        bundle: what was read.
        lines: objective size of the change.
        complexity: 100 (plain) to 300 (hard), in hundredths.
        severity: 0 none to 4 critical: of what it repairs.
        report: digest of the written statement, 32 bytes.
    """
    return _release(acting, "attest", bundle.digest, lines, complexity, severity, report)


def activate_emergency(acting: Acting, bundle: Cid) -> Receipt:
    """Bring a small urgent repair live; anybody may, once the law's conditions are met."""
    return _release(acting, "activateEmergency", bundle.digest)


def halt(acting: Acting, bundle: Cid) -> Receipt:
    """Ask, as an auditor, to stop a bundle; a majority of seats stops it at once."""
    return _release(acting, "halt", bundle.digest)


def propose(acting: Acting, proposal: Proposal) -> Receipt:
    """Put something to the vote. `text.update` and `text.revocation` compose proposals."""
    law = contract("AppGovernor")
    data = law.encode("propose", proposal.targets, proposal.values, proposal.calldatas, _text(proposal))
    try:
        return acting.desk.send(acting.dao.governor, data)
    except NotYet as early:
        if early.until:  # the law looks at the moment in which the vote would open
            delay = law.read(acting.chain, acting.chain.block(), acting.dao.governor, "votingDelay").integer("0")
            early.facts["until"] = early.until - delay
        raise


def vote(acting: Acting, proposal: int, support: int, *, reason: str = "") -> Receipt:
    """Cast a vote: 0 against, 1 in favour, 2 abstain.

    Raises:
        NotYet: the vote has not opened.
        Misuse: it has closed, or the account has voted.
    """
    it = acting.state(proposal)
    if it.state == ProposalState.PENDING:
        raise NotYet("the vote has not opened", code="law.vote-not-open", until=it.opens + 1)
    if it.state != ProposalState.ACTIVE:
        _wrong_state(it, "vote")
    law = contract("AppGovernor")
    data = (
        law.encode("castVoteWithReason", proposal, support, reason)
        if reason
        else law.encode("castVote", proposal, support)
    )
    return acting.desk.send(acting.dao.governor, data)


def queue(acting: Acting, proposal: Proposal) -> Receipt:
    """Start the deployment lap of a proposal that passed.

    Raises:
        NotYet: the vote is not over.
        Misuse: it did not pass, or is queued already.
    """
    it = acting.state(proposal.id)
    if it.state in (ProposalState.PENDING, ProposalState.ACTIVE):
        raise NotYet("the vote is not over", code="law.vote-open", until=it.closes + 1)
    if it.state != ProposalState.SUCCEEDED:
        _wrong_state(it, "queue")
    return _carry(acting, "queue", proposal)


def execute(acting: Acting, proposal: Proposal) -> Receipt:
    """Carry out a proposal whose deployment lap is over; an update goes live with it.

    Raises:
        NotYet: the deployment lap is not over.
        Misuse: it was not queued, or was executed before.
    """
    it = acting.state(proposal.id)
    if it.state == ProposalState.QUEUED:
        now = acting.chain.block().timestamp
        if now < it.executable:
            raise NotYet("the deployment lap is not over", code="law.deployment-lap-open", until=it.executable)
    if it.state != ProposalState.QUEUED:
        _wrong_state(it, "execute")
    return _carry(acting, "execute", proposal)


def _carry(acting: Acting, function: str, proposal: Proposal) -> Receipt:
    data = contract("AppGovernor").encode(
        function, proposal.targets, proposal.values, proposal.calldatas, proposal.text_hash
    )
    return acting.desk.send(acting.dao.governor, data)


def _release(acting: Acting, function: str, *arguments: object) -> Receipt:
    return acting.desk.send(acting.dao.registry, contract("ReleaseRegistry").encode(function, *arguments))


def _text(proposal: Proposal) -> str:
    try:
        return proposal.text.decode()
    except UnicodeDecodeError:
        raise Misuse("a text must be UTF-8", code="proposal.text-form") from None


def _wrong_state(it: Vote, verb: str) -> NoReturn:
    raise Misuse(
        f"cannot {verb}: the proposal is {it.state.name.lower()}",
        code="law.proposal-state",
        hint="`status` shows what it waits for.",
        proposal=str(it.id),
        state=it.state.name.lower(),
    )
