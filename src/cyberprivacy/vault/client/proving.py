"""Whether the digest of a receipt stands in the vault's log: asked for, and judged here."""

from dataclasses import dataclass
from typing import Any, Final

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.offline import MAX_FILE, OfflineProof
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.ledger.tiles import MAX_ENTRY
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.vault.client.connection import Connection, read
from cyberprivacy.vault.client.person import about
from cyberprivacy.vault.receiptlog import verifier
from cyberprivacy.vault.transfer.receipt import SignedReceipt

KIND: Final = "transfer.receipt"


@dataclass(frozen=True, slots=True)
class Proven:
    """A receipt's digest in a log.

    Attributes:
        file: the proof, for whoever has the key.
        key: of the log.
        index: place of the entry. size: entries in the log.
    """

    file: bytes
    key: VerifierKey
    index: int
    size: int


def proven(vault: Connection, transfer: str, receipt: object, *, now: float) -> Proven:
    """The proof that the receipt of a transfer (32 hex digits) is in the vault's log, if it is one.

    Args:
        vault: at either side, in the owner's session.
        transfer: whose receipt it is.
        receipt: as the vault shows it.
        now: POSIX seconds.

    Raises:
        Untrusted: the entry is another one ("my.proof"), the proof does not hold ("log.proof"), or the vault's key
            did not sign the head.
        TryLater: the digest is not in the log yet ("transfer.place").
    """
    with vault.stream("GET", f"/udi/v1/transfers/{transfer}/proof") as answer:
        file = read(answer, MAX_FILE)
    told: Any = receipt
    leaf = SignedReceipt.decode(canonical.encode(told)).leaf
    key = verifier(about(vault).site, bytes.fromhex(str(vault.ask("GET", "/.well-known/udi")["key"])))
    proof = OfflineProof.parse(file)
    head = proof.check(Trust.of(key.name, [key]), now=now)
    match canonical.decode(proof.entry, limit=MAX_ENTRY):
        case {"kind": kind, "facts": {"leaf": found}} if (kind, found) == (KIND, leaf.hex()):
            return Proven(file, key, proof.index, head.checkpoint.size)
    raise Untrusted(
        "the vault proves another entry than that of this receipt",
        code="my.proof",
        hint="Keep the receipt and this proof, and show them to others.",
        index=proof.index,
    )
