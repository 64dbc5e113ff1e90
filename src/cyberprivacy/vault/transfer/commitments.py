"""What a ledger is to remember of receipts: a salted digest each, which tells nobody anything.

It is written down in the transaction of the receipt, and from there into the ledger: once, even if
this process dies between.
Source: docs/spec/udi-1.md, "Receipts".
"""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from cyberprivacy.ledger.log import Ledger
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.tables import COMMITMENTS

KIND: Final = "transfer.receipt"
_KEPT: Final = COMMITMENTS


def commit(connection: Connection, leaf: bytes) -> None:
    """Have a leaf (32 bytes) written into the ledger; one that is known is not written again."""
    if connection.execute(select(_KEPT.c.leaf).where(_KEPT.c.leaf == leaf)).first() is None:
        connection.execute(insert(_KEPT).values(leaf=leaf, place=None))


def place_of(connection: Connection, leaf: bytes) -> int | None:
    """Where in the ledger a leaf stands; None as long as it does not."""
    found: int | None = connection.execute(select(_KEPT.c.place).where(_KEPT.c.leaf == leaf)).scalar()
    return found


class Commitments:
    """Brings leaves from the database into one ledger."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger
        self._fresh = True

    def write(self) -> int:
        """Write what is still to be written; how many entries that were.

        Raises:
            TryLater: the database or the ledger cannot now; what was written stays.
        """
        with self._database.reading() as connection:
            waiting = (
                connection.execute(select(_KEPT.c.leaf).where(_KEPT.c.place.is_(None)).order_by(_KEPT.c.leaf))
                .scalars()
                .all()
            )
        # Whoever died between the ledger and the database has left leaves that are there already.
        known = self._written() if waiting and self._fresh else {}
        self._fresh = False
        for leaf in waiting:
            place = known.get(leaf.hex())
            if place is None:
                place = self._ledger.append(KIND, {"leaf": leaf.hex()}).index
            with self._database.transaction() as connection:
                connection.execute(update(_KEPT).where(_KEPT.c.leaf == leaf).values(place=place))
        return len(waiting)

    def _written(self) -> dict[str, int]:
        return {str(each.facts["leaf"]): each.index for each in self._ledger.entries() if each.kind == KIND}
