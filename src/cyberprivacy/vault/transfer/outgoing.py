"""The rows of transfers that go out."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, select, update

from cyberprivacy.vault.tables import TRANSFER_CHUNKS, TRANSFERS_OUT
from cyberprivacy.vault.transfer.states import State, TransferRefused

_OUT: Final = TRANSFERS_OUT
_CHUNKS: Final = TRANSFER_CHUNKS


def row_of(connection: Connection, owner: bytes, transfer: bytes, *, lock: bool = True) -> Row[Any] | None:
    """A transfer, or None; if locked, nobody else changes it until the transaction ends."""
    found = select(_OUT).where(_this(owner, transfer))
    return connection.execute(found.with_for_update() if lock else found).one_or_none()


def known(connection: Connection, owner: bytes, transfer: bytes, *, lock: bool = True) -> Row[Any]:
    """A transfer that there is.

    Raises:
        TransferRefused: there is none ("transfer.unknown").
    """
    row = row_of(connection, owner, transfer, lock=lock)
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    return row


def change(connection: Connection, owner: bytes, transfer: bytes, **values: object) -> None:
    """Write down what changed."""
    connection.execute(update(_OUT).where(_this(owner, transfer)).values(**values))


def records_of(connection: Connection, owner: bytes, transfer: bytes) -> Sequence[tuple[bytes, int]]:
    """Id and revision of every record that was sent."""
    found = select(_CHUNKS.c.records).where(chunks_of(owner, transfer)).order_by(_CHUNKS.c.n)
    packed = b"".join(connection.execute(found).scalars())
    return [(packed[at : at + 16], int.from_bytes(packed[at + 16 : at + 24])) for at in range(0, len(packed), 24)]


def _this(owner: bytes, transfer: bytes) -> ColumnElement[bool]:
    return and_(_OUT.c.owner == owner, _OUT.c.id == transfer)


def chunks_of(owner: bytes, transfer: bytes) -> ColumnElement[bool]:
    """Which chunks are a transfer's."""
    return and_(_CHUNKS.c.owner == owner, _CHUNKS.c.transfer == transfer)


def end(connection: Connection, row: Row[Any], state: State) -> None:
    """Let go of the chunks."""
    connection.execute(delete(_CHUNKS).where(chunks_of(row.owner, row.id)))
    change(connection, row.owner, row.id, state=state.value)
