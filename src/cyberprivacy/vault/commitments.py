"""What a ledger is to remember of receipts: a digest each.

It is written down in the transaction of the receipt. From there it goes into a ledger: this vault's own
(`receiptlog`), or that of the node that hosts it (`hosted`). Source: docs/spec/udi-1.md, "Receipts in a ledger".
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, insert, select, update

from cyberprivacy.ledger.commitment import Commitment
from cyberprivacy.vault.tables import COMMITMENTS

_KEPT: Final = COMMITMENTS


def commit(connection: Connection, made: Commitment) -> None:
    """Have a leaf written into the ledger; one that is known is not written again."""
    if connection.execute(select(_KEPT.c.leaf).where(_KEPT.c.leaf == made.leaf)).first() is None:
        connection.execute(insert(_KEPT).values(kind=made.kind, leaf=made.leaf, place=None))


def place_of(connection: Connection, leaf: bytes) -> int | None:
    """Where in the ledger a leaf stands; None as long as it does not."""
    found: int | None = connection.execute(select(_KEPT.c.place).where(_KEPT.c.leaf == leaf)).scalar()
    return found


def waiting(connection: Connection, limit: int | None = None) -> list[Commitment]:
    """What is in no ledger yet, in an order that tells nothing."""
    rows = connection.execute(
        select(_KEPT.c.kind, _KEPT.c.leaf).where(_KEPT.c.place.is_(None)).order_by(_KEPT.c.leaf).limit(limit)
    )
    return [Commitment(row.kind, row.leaf) for row in rows]


def placed(connection: Connection, places: Iterable[tuple[bytes, int]]) -> None:
    """Note where leaves stand; what stands somewhere stays there, and what is not known here is passed over."""
    for leaf, place in places:
        note = update(_KEPT).where(_KEPT.c.leaf == leaf, _KEPT.c.place.is_(None))
        connection.execute(note.values(place=place))
