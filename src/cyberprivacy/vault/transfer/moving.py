"""After a move: 72 hours in which it can be taken back, then what has moved is erased at the source."""

from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import Connection, select

from cyberprivacy.vault.database import Database
from cyberprivacy.vault.tables import TRANSFERS_OUT
from cyberprivacy.vault.transfer.outgoing import end, known, records_of
from cyberprivacy.vault.transfer.states import State, TransferRefused

_OUT: Final = TRANSFERS_OUT


class Eraser(Protocol):
    """Erases what has moved away."""

    def erase(self, connection: Connection, owner: bytes, records: Sequence[tuple[bytes, int]]) -> Sequence[bytes]:
        """Erase records of these ids and revisions; ids of those that have changed since and stay."""
        ...


class Moving:
    """Moves away from the owners of one place whose recipients have everything."""

    def __init__(self, database: Database, eraser: Eraser) -> None:
        """Erase by `eraser`."""
        self._database, self._eraser = database, eraser

    def undo(self, owner: bytes, transfer: bytes, *, now: float) -> None:
        """Keep what would have been erased; the person tells the recipient to erase by a `Revoke`.

        Raises:
            TransferRefused: "transfer.unknown"; nothing to undo, or too late ("transfer.undo").
        """
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            if row.state != State.UNDO.value or now >= row.due:
                raise TransferRefused("there is nothing to undo", code="transfer.undo", state=row.state)
            end(connection, row, State.KEPT)

    def due(self, *, now: float, limit: int = 100) -> Sequence[tuple[bytes, bytes]]:
        """Owner and id of moves whose time to undo is over."""
        found = select(_OUT.c.owner, _OUT.c.id).where(_OUT.c.state == State.UNDO.value, _OUT.c.due <= int(now))
        with self._database.reading() as connection:
            return [(row.owner, row.id) for row in connection.execute(found.order_by(_OUT.c.due).limit(limit))]

    def finish(self, owner: bytes, transfer: bytes, *, now: float) -> Sequence[bytes]:
        """Erase what has moved, in one transaction; ids of records that changed since and stay.

        Raises:
            TransferRefused: "transfer.unknown", or not due ("transfer.due").
        """
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            if row.state != State.UNDO.value or now < row.due:
                raise TransferRefused("nothing is to be erased now", code="transfer.due", state=row.state)
            stayed = self._eraser.erase(connection, owner, records_of(connection, owner, transfer))
            end(connection, row, State.ERASED)
        return stayed
