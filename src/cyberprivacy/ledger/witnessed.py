"""Log before act: an entry that enough others have seen, as a type. Who acts takes one, so nobody acts unseen."""

from dataclasses import InitVar, dataclass
from typing import Final

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.log import Entry
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.proofs import check_inclusion
from cyberprivacy.ledger.trust import Trust, judge
from cyberprivacy.seal import Seal

SEAL: Final = Seal("ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedEntry:
    """An entry of the log in a head that a quorum of witnesses has cosigned. Made only by `ledger`.

    It says what is about to happen, and that this is public. Whether it happened is another entry.

    Attributes:
        entry: what was logged.
        proof: inclusion in the head, hashes of 32 bytes, lowest first.
        note: the signed checkpoint with its cosignatures.
        witnesses: who cosigned, sorted.
    """

    entry: Entry
    proof: tuple[bytes, ...]
    note: bytes
    witnesses: tuple[str, ...]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)


def witnessed(entry: Entry, proof: tuple[bytes, ...], note: bytes, trust: Trust, *, now: float) -> WitnessedEntry:
    """Check everything that the type promises.

    Args:
        entry: of the log with `trust.origin`.
        proof: its inclusion.
        note: the signed checkpoint with cosignatures.
        trust: whose signatures, and how many witnesses: one at least.
        now: seconds since 1970.

    Raises:
        Misuse: "ledger.witnesses": a quorum of nobody.
        Untrusted: the head is not believed, or the entry is not in it.
    """
    if trust.quorum < 1:
        raise Misuse("nobody is asked to witness, so nothing is witnessed", code="ledger.witnesses")
    head = judge(note, trust, now=now)
    check_inclusion(
        leaf=leaf_hash(entry.encode()),
        index=entry.index,
        size=head.checkpoint.size,
        proof=proof,
        root=head.checkpoint.root,
    )
    return WitnessedEntry(
        entry=entry, proof=proof, note=head.note.encode(), witnesses=tuple(sorted(head.witnesses)), seal=SEAL
    )
