"""What came under a grant goes again: when its time is over, or when the person takes it back and wants it so."""

from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import Connection, select

from cyberprivacy.vault.database import Database
from cyberprivacy.vault.tables import TRANSFERS_IN
from cyberprivacy.vault.transfer.arrivals import undo
from cyberprivacy.vault.transfer.incoming import forget, under

_IN: Final = TRANSFERS_IN


class Remover(Protocol):
    """Erases records whatever has become of them."""

    def remove(self, connection: Connection, owner: bytes, records: Sequence[bytes]) -> int:
        """Erase records of these ids; how many were still there."""
        ...


class Retention:
    """Keeps one place's promises about what was transferred to it."""

    def __init__(self, database: Database, remover: Remover) -> None:
        """Erase by `remover`."""
        self._database, self._remover = database, remover

    def overdue(self, *, now: float, limit: int = 100) -> Sequence[tuple[bytes, bytes]]:
        """Owner and grant of what has been kept for as long as it may be."""
        found = select(_IN.c.owner, _IN.c.grant).where(_IN.c.until <= int(now)).distinct()
        with self._database.reading() as connection:
            return [(row.owner, row.grant) for row in connection.execute(found.limit(limit))]

    def erase(self, owner: bytes, grant: bytes) -> int:
        """Erase all that came under a grant, in one transaction; how many records there were.

        Records that were here before, and those that the person wrote here, stay.
        """
        with self._database.transaction() as connection:
            return self._erase(connection, owner, grant)

    def tidy(self, *, now: float) -> None:
        """Erase all that is overdue."""
        for owner, grant in self.overdue(now=now):
            self.erase(owner, grant)

    def take_back(self, connection: Connection, owner: bytes, grant: bytes) -> None:
        """The same in the transaction in which the person takes the grant back: nothing more comes under it."""
        self._erase(connection, owner, grant)
        undo(connection, owner, grant)

    def _erase(self, connection: Connection, owner: bytes, grant: bytes) -> int:
        gone = self._remover.remove(connection, owner, under(connection, owner, grant))
        forget(connection, owner, grant)
        return gone
