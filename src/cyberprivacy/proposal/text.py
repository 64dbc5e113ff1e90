"""What was put to the vote, in full: text and actions, proven by the proposal's id.

The chain keeps only a hash of them, inside the id; the words are in a log. So any server may tell them:
what it tells is hashed again and compared with the id that state knows.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.proposal.abi import Fields, contract, decode
from cyberprivacy.proposal.calls import Call
from cyberprivacy.proposal.chain import Chain, Log, LogServer, Wanted
from cyberprivacy.proposal.law import Dao, proposal_at, release_at
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.wire import BadAnswer

TITLE: Final = "Software Update"
MAX_TITLE: Final = 160
"""Bytes of a title, as the governor has it."""
MAX_TEXT: Final = 64 << 10
"""Bytes of a whole text: what a person can be expected to read, and a transaction to carry."""

_CREATED: Final[tuple[Mapping[str, Any], ...]] = tuple(
    # `description` as bytes: nothing on chain makes it UTF-8, and one bad proposal must not hide the others.
    {"name": name, "type": kind}
    for name, kind in (
        ("proposalId", "uint256"),
        ("proposer", "address"),
        ("targets", "address[]"),
        ("values", "uint256[]"),
        ("signatures", "string[]"),
        ("calldatas", "bytes[]"),
        ("voteStart", "uint256"),
        ("voteEnd", "uint256"),
        ("description", "bytes"),
    )
)
_CREATED_TOPIC: Final = keccak(
    text="ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)"
)


class TextLied(Untrusted):
    """A text is not the one that belongs to a proposal, or not what its actions do."""

    code = "proposal.text"
    hint = "Do not act on this text; ask another endpoint for it."


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a vote decides on.

    Attributes:
        targets: contracts to call, in order.
        values: wei sent with each call.
        calldatas: what each is called with.
        text: the whole description, as bytes; line 1 is the title.
    """

    targets: tuple[Address, ...]
    values: tuple[int, ...]
    calldatas: tuple[bytes, ...]
    text: bytes

    @property
    def text_hash(self) -> bytes:
        """What the chain keeps of the text."""
        return keccak(self.text)

    @property
    def id(self) -> int:
        """The proposal's id. Source: OpenZeppelin 5, Governor.hashProposal."""
        types = ["address[]", "uint256[]", "bytes[]", "bytes32"]
        return int.from_bytes(keccak(encode(types, (self.targets, self.values, self.calldatas, self.text_hash))))

    @property
    def title(self) -> str:
        """The first line, safe to print on a terminal."""
        return printable(self.text.split(b"\n", 1)[0].decode("utf-8", "replace"))

    def facts(self) -> dict[str, str]:
        """Its id and title, for people and documents; the id is a text, as it is past 2**53."""
        return {"proposal": str(self.id), "title": self.title}

    @property
    def body(self) -> str:
        """The text after its title, and after the bundle's line if it is an update; safe to print."""
        rest = self.text.decode("utf-8", "replace").split("\n")[1:]
        if rest and rest[0].startswith("ipfs://"):
            rest = rest[1:]
        return "\n".join(printable(line) for line in rest).strip("\n")


def update(dao: Dao, bundle: Cid, *, name: str, body: str) -> Proposal:
    """The proposal "Software Update": its one action activates the bundle that its second line names.

    Raises:
        Misuse: the title or the text is too long, or the title is not one line.
    """
    action = contract("ReleaseRegistry").encode("activate", bundle.digest)
    return _compose(dao.registry, action, f"{TITLE}: {name}", f"ipfs://{bundle}\n\n{body}")


def revocation(dao: Dao, bundle: Cid, *, body: str) -> Proposal:
    """The proposal that withdraws a bundle for good."""
    action = contract("ReleaseRegistry").encode("revoke", bundle.digest)
    return _compose(dao.registry, action, "Revoke a release", f"ipfs://{bundle}\n\n{body}")


def motion(calls: Sequence[Call], *, title: str, body: str) -> Proposal:
    """A proposal that a DAO carries out itself, through its timelock; never a software update.

    Raises:
        Misuse: the title or the text is too long, or the title is not one line.
    """
    made = _compose(calls[0].to, calls[0].data, title, f"\n{body}")
    targets, data = tuple(each.to for each in calls), tuple(each.data for each in calls)
    return replace(made, targets=targets, values=(0,) * len(calls), calldatas=data)


def find_proposal(
    chain: Chain, logs: LogServer, dao: Dao, proposal: int, *, at: FinalBlock, first: int = 0
) -> Proposal:
    """The text and the actions of a proposal, whoever tells them.

    Args:
        chain: state; the id is asked for nowhere else.
        logs: who tells the text.
        dao: whose proposal.
        proposal: its id.
        at: the block up to which to look.
        first: the block from which to look.

    Raises:
        TextLied: the server tells another text for this id.
        TryLater: the server does not have it.
    """
    for log in logs.logs(Wanted(dao.governor, (_CREATED_TOPIC,), first, at.number)):
        told = _told(log)
        if told is None or told[0] != proposal:
            continue
        if told[1].id != proposal:
            raise TextLied("a log server tells another text or another action", proposal=str(proposal))
        return told[1]
    raise TryLater(
        "no server has the text of this proposal",
        code="proposal.no-text",
        hint="Old logs are not kept everywhere; ask an archive.",
        proposal=str(proposal),
        chain=chain.chain_id,
    )


def update_of(chain: Chain, logs: LogServer, dao: Dao, bundle: Cid, *, at: FinalBlock) -> Proposal:
    """The vote on a bundle: which proposal it is, state says; its text and action are proven to be of it.

    Raises:
        TextLied: title, second line or action is not what the law demands, or the text is another's.
        Misuse: nobody has proposed this bundle.
        TryLater: no server has the text.
    """
    proposal = proposal_at(chain, dao, bundle.digest, at)
    if proposal == 0:
        raise Misuse("nobody has proposed this bundle", code="law.no-proposal", bundle=str(bundle))
    published = release_at(chain, dao, bundle.digest, at).integer("publishedAt")
    first = height_at(chain, published, last=at)
    found = find_proposal(chain, logs, dao, proposal, at=at, first=first)
    check_update(found, dao, bundle)
    return found


def check_update(proposal: Proposal, dao: Dao, bundle: Cid) -> None:
    """Refuse a proposal that is not "Software Update", with this bundle in line 2 and in its only action.

    Raises:
        TextLied: it is not. The governor checks the same; here its captured or lying copy would fail.
    """
    action = contract("ReleaseRegistry").encode("activate", bundle.digest)
    if (proposal.targets, proposal.values, proposal.calldatas) != ((dao.registry,), (0,), (action,)):
        raise TextLied("the action is not the activation of this bundle", bundle=str(bundle))
    title, _, rest = proposal.text.partition(b"\n")
    if not title.startswith(TITLE.encode()) or len(title) > MAX_TITLE:
        raise TextLied(
            "the title is not that of a software update", title=printable(title.decode(errors="replace"))
        )
    if rest.partition(b"\n")[0] != f"ipfs://{bundle}".encode():
        raise TextLied("the second line names another bundle", bundle=str(bundle))


def bundle_of(proposal: Proposal, dao: Dao) -> Cid | None:
    """The bundle that a proposal activates; None if it does something else."""
    if proposal.targets != (dao.registry,) or len(proposal.calldatas) != 1:
        return None
    arguments = contract("ReleaseRegistry").arguments("activate", proposal.calldatas[0])
    return None if arguments is None else Cid(DAG_PB, arguments.octets("0"))


def height_at(chain: Chain, timestamp: int, *, last: FinalBlock) -> int:
    """The first height whose block is not older than `timestamp`; about 25 questions on the longest chain."""
    low, high = 0, last.number
    while low < high:
        middle = (low + high) // 2
        if chain.block(middle).timestamp < timestamp:
            low = middle + 1
        else:
            high = middle
    return low


def printable(text: str) -> str:
    """One line without anything that moves a terminal's cursor or turns the reading direction."""
    return "".join(each if unicodedata.category(each)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for each in text)


def _compose(target: Address, action: bytes, title: str, rest: str) -> Proposal:
    if len(title.encode()) > MAX_TITLE or re.search(r"[\x00-\x1f\x7f]", title):
        raise Misuse("the title is not one line of at most 160 bytes", code="proposal.title", hint="Shorten it.")
    text = f"{title}\n{rest.rstrip()}\n".encode()
    if len(text) > MAX_TEXT:
        raise Misuse("the text is too long", code="proposal.long", hint="Put it into the bundle.", most=MAX_TEXT)
    return Proposal((target,), (0,), (action,), text)


def _told(log: Log) -> tuple[int, Proposal] | None:
    """What a log says that a proposal is; None if it is nothing of the kind."""
    try:
        fields = decode("ProposalCreated", _CREATED, log.data)
    except BadAnswer:
        return None
    return fields.integer("proposalId"), _proposal(fields)


def _proposal(fields: Fields) -> Proposal:
    return Proposal(
        fields.many("targets"), fields.many("values"), fields.many("calldatas"), fields.octets("description")
    )
