"""What the ledger remembers of applications when a node starts: read once, however many it serves."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cyberprivacy.ledger.commitment import KINDS
from cyberprivacy.ledger.log import Entry
from cyberprivacy.proposal.release import Address

STEP: Final = "release."
"""Where kinds of entries begin that are steps of a release; entries of administrators or identities are none."""
PACE: Final = 256
"""Receipts of one application in any hour: these may have to be told again, so as many are remembered."""


@dataclass(frozen=True, slots=True)
class Past:
    """Of one DAO, oldest first.

    Attributes:
        steps: every step of its releases.
        receipts: the last `PACE` of what its people got receipts of.
    """

    steps: Sequence[Entry] = ()
    receipts: Sequence[Entry] = ()


def pasts(entries: Iterable[Entry]) -> Mapping[Address, Past]:
    """The past of each DAO that a ledger has entries of; whoever is not in it has none."""
    steps: defaultdict[Address, list[Entry]] = defaultdict(list)
    receipts: defaultdict[Address, deque[Entry]] = defaultdict(lambda: deque(maxlen=PACE))
    for each in entries:
        dao = Address(str(each.facts.get("dao", "")))
        if each.kind.startswith(STEP):
            steps[dao].append(each)
        elif each.kind in KINDS:
            receipts[dao].append(each)
    return {dao: Past(tuple(steps[dao]), tuple(receipts[dao])) for dao in steps.keys() | receipts.keys()}
