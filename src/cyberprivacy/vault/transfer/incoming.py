"""The rows of transfers that come in."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from cyberprivacy.vault.tables import TRANSFER_REJECTS, TRANSFER_TAKEN, TRANSFERS_IN
from cyberprivacy.vault.transfer.receipt import SignedReceipt
from cyberprivacy.vault.transfer.states import TransferRefused

_IN: Final = TRANSFERS_IN
_REJECTS: Final = TRANSFER_REJECTS
_TAKEN: Final = TRANSFER_TAKEN


def this(owner: bytes, transfer: bytes) -> ColumnElement[bool]:
    """Which row is a transfer's."""
    return and_(_IN.c.owner == owner, _IN.c.id == transfer)


def row_of(connection: Connection, owner: bytes, transfer: bytes) -> Row[Any] | None:
    """A transfer, or None; nobody else changes it until the transaction ends."""
    return connection.execute(select(_IN).where(this(owner, transfer)).with_for_update()).one_or_none()


def known(connection: Connection, owner: bytes, transfer: bytes) -> Row[Any]:
    """A transfer that there is.

    Raises:
        TransferRefused: there is none ("transfer.unknown").
    """
    row = row_of(connection, owner, transfer)
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    return row


def closed(connection: Connection, row: Row[Any]) -> bool:
    """Whether both have signed that nothing is missing; what was rejected may still come."""
    if row.receipt is None or not SignedReceipt.decode(row.receipt).countersignature:
        return False
    return not rejected_of(connection, row.owner, row.id)


def rejected_of(connection: Connection, owner: bytes, transfer: bytes) -> tuple[tuple[bytes, str], ...]:
    """Which records were not taken, and why; in order of their ids."""
    found = select(_REJECTS.c.record, _REJECTS.c.code).where(
        _REJECTS.c.owner == owner, _REJECTS.c.transfer == transfer
    )
    return tuple((row.record, row.code) for row in connection.execute(found.order_by(_REJECTS.c.record)))


def reject(connection: Connection, row: Row[Any], n: int, record: bytes, code: str) -> None:
    """A record of chunk n is not taken."""
    said = {"owner": row.owner, "transfer": row.id, "record": record, "n": n, "code": code}
    connection.execute(insert(_REJECTS).values(said))


def let_in(connection: Connection, row: Row[Any], records: Sequence[bytes] | None = None) -> None:
    """Records are not rejected any more; None = all of the transfer."""
    mine = delete(_REJECTS).where(_REJECTS.c.owner == row.owner, _REJECTS.c.transfer == row.id)
    connection.execute(mine if records is None else mine.where(_REJECTS.c.record.in_(records)))


def came(connection: Connection, row: Row[Any], n: int, records: Sequence[bytes]) -> None:
    """Records of chunk n came to be here."""
    if not records:
        return
    mine = and_(_TAKEN.c.owner == row.owner, _TAKEN.c.transfer == row.id, _TAKEN.c.n == n)
    before = connection.execute(select(_TAKEN.c.records).where(mine)).scalar()
    if before is None:
        said = {"owner": row.owner, "transfer": row.id, "n": n, "records": b"".join(records)}
        connection.execute(insert(_TAKEN).values(said))
    else:
        connection.execute(update(_TAKEN).where(mine).values(records=before + b"".join(records)))


def under(connection: Connection, owner: bytes, grant: bytes) -> Sequence[bytes]:
    """Ids of the records that came to be under a grant."""
    transfers = select(_IN.c.id).where(_IN.c.owner == owner, _IN.c.grant == grant)
    found = select(_TAKEN.c.records).where(_TAKEN.c.owner == owner, _TAKEN.c.transfer.in_(transfers))
    packed = b"".join(connection.execute(found).scalars())
    return [packed[at : at + 16] for at in range(0, len(packed), 16)]


def forget(connection: Connection, owner: bytes, grant: bytes) -> None:
    """Nothing that came under a grant is here any more; its receipts stay."""
    transfers = select(_IN.c.id).where(_IN.c.owner == owner, _IN.c.grant == grant)
    connection.execute(delete(_TAKEN).where(_TAKEN.c.owner == owner, _TAKEN.c.transfer.in_(transfers)))
    connection.execute(update(_IN).where(_IN.c.owner == owner, _IN.c.grant == grant).values(until=None))
