"""Whether the digest of a receipt stands in a log: asked for, and judged here.

A vault that stands alone proves it itself, with its own key. That of a hosted application has none: the log of its
node is public, and this reads it, with the keys that its reader has been given.
"""

from dataclasses import dataclass
from typing import Any, Self

from cyberprivacy import canonical
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.ledger.commitment import ERASURE, TRANSFER, Commitment
from cyberprivacy.ledger.offline import MAX_FILE, OfflineProof
from cyberprivacy.ledger.proofs import inclusion_proof
from cyberprivacy.ledger.reading import LogReader
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.ledger.tiles import MAX_ENTRY
from cyberprivacy.ledger.trust import SeenHead, Trust
from cyberprivacy.vault import receipt
from cyberprivacy.vault.client.connection import Connection, read
from cyberprivacy.vault.client.person import about
from cyberprivacy.vault.receiptlog import verifier
from cyberprivacy.vault.transfer.receipt import SignedReceipt


@dataclass(frozen=True, slots=True)
class Claim:
    """That a log remembers a receipt.

    Attributes:
        path: of what was receipted; its proof, where the vault has one, is below.
        made: the receipt, as a log has it.
    """

    path: str
    made: Commitment

    @classmethod
    def of_transfer(cls, transfer: str, shown: object) -> Self:
        """Of a transfer (32 hex digits); the receipt as the vault shows it.

        Raises:
            Untrusted: it is none.
        """
        told: Any = shown
        leaf = SignedReceipt.decode(canonical.encode(told)).leaf
        return cls(f"/udi/v1/transfers/{transfer}", Commitment(TRANSFER, leaf))

    @classmethod
    def of_erasure(cls, erasure: str, shown: object) -> Self:
        """Of an erasure (32 hex digits); the receipt as the vault shows it."""
        told: Any = shown
        leaf = receipt.leaf(canonical.encode(told))
        return cls(f"/udi/v1/deletions/{erasure}", Commitment(ERASURE, leaf))


@dataclass(frozen=True, slots=True)
class Proven:
    """A receipt's digest in a log.

    Attributes:
        file: the proof, for whoever has a key.
        keys: of the log.
        index: place of the entry. size: entries in the log.
        witnesses: who has seen the head.
    """

    file: bytes
    keys: tuple[VerifierKey, ...]
    index: int
    size: int
    witnesses: tuple[str, ...] = ()


def proven(vault: Connection, claim: Claim, *, now: float) -> Proven:
    """The proof that a receipt is in the vault's own log, if it is one.

    Args:
        vault: that has it; in the owner's session, if it is of a transfer.
        claim: what is to be proven.
        now: POSIX seconds.

    Raises:
        Untrusted: the entry is another one ("my.proof"), the proof does not hold ("log.proof"), or the vault's key
            did not sign the head.
        Misuse: the log is that of the node which hosts it ("receipt.log").
        TryLater: the digest is not in the log yet ("receipt.place").
    """
    with vault.stream("GET", f"{claim.path}/proof") as answer:
        file = read(answer, MAX_FILE)
    key = verifier(about(vault).site, bytes.fromhex(str(vault.ask("GET", "/.well-known/udi")["key"])))
    proof = OfflineProof.parse(file)
    head = proof.check(Trust.of(key.name, [key]), now=now)
    return _judged(proof, head, claim, (key,))


def proven_at_node(reader: LogReader, head: SeenHead, claim: Claim, *, place: int, trust: Trust) -> Proven:
    """The proof that a receipt is in the log of the node that hosts the vault's application.

    Args:
        reader: of that log.
        head: that was believed; its keys and witnesses are those of `trust`.
        claim: what is to be proven.
        place: where the vault says that it stands.
        trust: keys of the log.

    Raises:
        Untrusted: another entry stands there ("my.proof"), or the log's files do not lead to the head.
        TryLater: the node has not published as far yet ("receipt.place"), or lacks a file.
    """
    size = head.checkpoint.size
    if place >= size:
        raise TryLater(
            "the log is not published as far yet", code="receipt.place", hint="Ask again.", place=place, size=size
        )
    (entry,) = reader.entries(place, place + 1)
    proof = OfflineProof(entry, place, inclusion_proof(reader.node, place, size), head.whole)
    return _judged(proof, head, claim, trust.log)


def _judged(proof: OfflineProof, head: SeenHead, claim: Claim, keys: tuple[VerifierKey, ...]) -> Proven:
    wanted = (claim.made.kind, claim.made.leaf.hex())
    match canonical.decode(proof.entry, limit=MAX_ENTRY):
        case {"kind": kind, "facts": {"leaf": found}} if (kind, found) == wanted:
            witnesses = tuple(sorted(head.witnesses))
            return Proven(proof.encode(), keys, proof.index, head.checkpoint.size, witnesses)
    raise Untrusted(
        "another entry stands there than that of this receipt",
        code="my.proof",
        hint="Keep the receipt and this proof, and show them to others.",
        index=proof.index,
    )
