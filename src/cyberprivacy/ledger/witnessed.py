"""Log before act, as a type: whoever acts takes a `WitnessedEntry`, and only this module makes one.

It stands for an entry in a signed head that the log's quorum has cosigned, with everything that proves it. A log
that asks nobody has a quorum of 0: then the entry is public, and says that no other has seen it.
"""

from dataclasses import InitVar, dataclass
from typing import Final

from cyberprivacy.ledger.log import Entry
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.proofs import check_inclusion
from cyberprivacy.ledger.trust import Trust, judge
from cyberprivacy.seal import Seal

_SEAL: Final = Seal("the ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedEntry:
    """An entry of the log in a head that the quorum of witnesses has cosigned. Made only by `witnessed`.

    It says what is about to happen, and that this is public. Whether it happened is another entry.

    Attributes:
        entry: what was logged.
        proof: inclusion in the head, hashes of 32 bytes, lowest first.
        note: the signed checkpoint with its cosignatures.
        witnesses: who cosigned, sorted; never fewer than `quorum`.
        quorum: how many the log asks for; 0 = nobody outside this log has to have seen it.
    """

    entry: Entry
    proof: tuple[bytes, ...]
    note: bytes
    witnesses: tuple[str, ...]
    quorum: int
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _SEAL.check(seal)


def witnessed(entry: Entry, proof: tuple[bytes, ...], note: bytes, trust: Trust, *, now: float) -> WitnessedEntry:
    """Check everything that the type promises.

    Args:
        entry: of the log with `trust.origin`.
        proof: its inclusion.
        note: the signed checkpoint with cosignatures.
        trust: whose signatures, and how many witnesses.
        now: seconds since 1970.

    Raises:
        Untrusted: the head is not believed, or the entry is not in it.
    """
    head = judge(note, trust, now=now)
    check_inclusion(
        leaf=leaf_hash(entry.encode()),
        index=entry.index,
        size=head.checkpoint.size,
        proof=proof,
        root=head.checkpoint.root,
    )
    return WitnessedEntry(
        entry=entry,
        proof=proof,
        note=head.note.encode(),
        witnesses=tuple(sorted(head.witnesses)),
        quorum=trust.quorum,
        seal=_SEAL,
    )
