"""What is kept of an account, application by application."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select

from cyberprivacy.vault.tables import OWNERS, RECORDS


@dataclass(frozen=True, slots=True)
class Kind:
    """How many records of a type, and their bytes before sealing, 0 where those were not asked for."""

    type: str
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What one application keeps.

    Attributes:
        owner: how it knows the account, 32 bytes.
        seq: of the last event.
        bytes: of records and blobs, before sealing.
    """

    app: str
    owner: bytes
    seq: int
    records: int
    bytes: int
    kinds: Sequence[Kind]


def holdings(connection: Connection, account: bytes, *, sizes: bool = True) -> Sequence[Holding]:
    """What is kept of an account, by name of the application, but for those where it is being erased.

    Without `sizes` it is not said how many bytes there are of each type: to count, an index is enough.
    """
    mine = select(OWNERS).where(OWNERS.c.account == account, OWNERS.c.generation > 0).order_by(OWNERS.c.app)
    return [
        Holding(row.app, row.id, row.seq, row.records, row.bytes, _kinds(connection, row.id, sizes=sizes))
        for row in connection.execute(mine).all()
    ]


def count(connection: Connection, owner: bytes, kind: str) -> int:
    """How many records of a type an owner has."""
    counted = select(func.count()).where(RECORDS.c.owner == owner, RECORDS.c.type == kind)
    return connection.execute(counted).scalar_one()


def _kinds(connection: Connection, owner: bytes, *, sizes: bool) -> Sequence[Kind]:
    counted = (
        select(RECORDS.c.type, func.count(), func.sum(RECORDS.c.bytes) if sizes else literal(0))
        .where(RECORDS.c.owner == owner)
        .group_by(RECORDS.c.type)
        .order_by(RECORDS.c.type)
    )
    return [Kind(row[0], row[1], int(row[2])) for row in connection.execute(counted)]
