"""What is kept of an account, application by application."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from cyberprivacy.vault.tables import OWNERS, RECORDS


@dataclass(frozen=True, slots=True)
class Kind:
    """How many records of a type, and their bytes before sealing."""

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


def holdings(connection: Connection, account: bytes) -> Sequence[Holding]:
    """What is kept of an account, by name of the application, but for those where it is being erased."""
    mine = select(OWNERS).where(OWNERS.c.account == account, OWNERS.c.generation > 0).order_by(OWNERS.c.app)
    return [
        Holding(row.app, row.id, row.seq, row.records, row.bytes, _kinds(connection, row.id))
        for row in connection.execute(mine).all()
    ]


def count(connection: Connection, owner: bytes, kind: str) -> int:
    """How many records of a type an owner has."""
    counted = select(func.count()).where(RECORDS.c.owner == owner, RECORDS.c.type == kind)
    return connection.execute(counted).scalar_one()


def _kinds(connection: Connection, owner: bytes) -> Sequence[Kind]:
    counted = (
        select(RECORDS.c.type, func.count(), func.sum(RECORDS.c.bytes))
        .where(RECORDS.c.owner == owner)
        .group_by(RECORDS.c.type)
        .order_by(RECORDS.c.type)
    )
    return [Kind(row[0], row[1], int(row[2])) for row in connection.execute(counted)]
