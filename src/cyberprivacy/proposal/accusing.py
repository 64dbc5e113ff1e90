"""From the evidence that watchers keep to the call that takes the stake.

A checkpoint carries, beside the log's own signatures, a line by the cluster's on-chain key (`ledger.headkey`).
Two checkpoints of which neither grew from the other, both with such a line, are all that the contract needs.
"""

from dataclasses import dataclass

from cyberprivacy import wallet
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.headkey import LATEST, LINE_SIZE, OnChain
from cyberprivacy.ledger.note import Note, Signature
from cyberprivacy.ledger.proofs import check_consistency
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.proposal import providers
from cyberprivacy.proposal.calls import Call
from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.clusters import cluster_at, was_head_key
from cyberprivacy.proposal.heads import Head, Past, Signed
from cyberprivacy.proposal.market import Market
from cyberprivacy.proposal.release import Address, FinalBlock


class NotOnChain(Untrusted):
    """A head bears no signature of a cluster that this chain knows."""

    code = "accuse.not-on-chain"
    hint = "Only what the on-chain key of a cluster signed can cost its stake; the file is a proof all the same."


@dataclass(frozen=True, slots=True)
class Accusation:
    """What the chain will hear.

    Attributes:
        cluster: whose log has two pasts.
        provider: who loses its stake.
        calls: to be made by anybody; a tenth of the stake is his.
    """

    cluster: int
    provider: Address
    calls: tuple[Call, ...]


def signed_heads(note: Note, *, chain_id: int, anchor: Address) -> tuple[Signed, ...]:
    """The heads in a checkpoint that head keys signed for this anchor; whose keys they are, the chain knows.

    Raises:
        BadNote: no checkpoint.
    """
    point = Checkpoint.parse(note.text)
    found = (_signed(point, line, chain_id, anchor) for line in note.signatures)
    return tuple(each for each in found if each is not None)


def accusation(chain: Chain, market: Market, evidence: ForkEvidence, *, at: FinalBlock) -> Accusation:
    """The call that punishes a fork.

    Raises:
        ProofRefused, BadNote: the evidence does not hold.
        NoFork: the longer log grew from the shorter one.
        NotOnChain: the heads are not signed by keys of one cluster.
        Misuse: there is no such cluster.
    """
    notes = [Note.parse(each) for each in (evidence.shorter, evidence.longer)]
    short, long = (Checkpoint.parse(each.text) for each in notes)
    check_consistency(
        old=short.size, new=long.size, old_root=evidence.past, new_root=long.root, proof=evidence.proof
    )
    ours, theirs = (signed_heads(each, chain_id=chain.chain_id, anchor=market.anchor) for each in notes)
    for one in ours:
        for other in theirs:
            if one.head.cluster == other.head.cluster and _both(chain, market, one, other, at):
                it = cluster_at(chain, market.clusters, one.head.cluster, at=at)
                why = Past(evidence.past, evidence.proof)
                return Accusation(
                    one.head.cluster, it.provider, providers.punish(market.providers, one, other, why)
                )
    raise NotOnChain("the heads are not signed by keys of one cluster of this chain")


def _both(chain: Chain, market: Market, one: Signed, other: Signed, at: FinalBlock) -> bool:
    keys = (each.signer(chain.chain_id, market.anchor) for each in (one, other))
    return all(was_head_key(chain, market.clusters, one.head.cluster, key, at=at) for key in keys)


def _signed(point: Checkpoint, line: Signature, chain_id: int, anchor: Address) -> Signed | None:
    """The signed head that a line holds; None if it is another kind of line, or for another anchor."""
    value = line.value
    if len(value) != LINE_SIZE or line.name != point.origin:
        return None
    head = Head(int.from_bytes(value[:8]), point.size, point.root, int.from_bytes(value[8:16]))
    if not 0 < head.time <= LATEST:
        return None
    made = Signed(head, value[16:])
    try:
        key = bytes.fromhex(made.signer(chain_id, anchor)[2:])
    except wallet.BadSignature:
        return None
    place = OnChain(chain_id, bytes.fromhex(anchor[2:]), head.cluster, key)
    return made if VerifierKey(point.origin, Kind.HEAD, place.encode()).made(line) else None
