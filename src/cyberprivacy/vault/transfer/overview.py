"""Transfers as their person sees them, at either side."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from cyberprivacy.vault.commitments import place_of
from cyberprivacy.vault.grantbook import GrantBook
from cyberprivacy.vault.tables import ARRIVALS, TRANSFERS_IN, TRANSFERS_OUT
from cyberprivacy.vault.transfer.incoming import rejected_of
from cyberprivacy.vault.transfer.manifest import Manifest
from cyberprivacy.vault.transfer.receipt import SignedReceipt
from cyberprivacy.vault.transfer.states import TransferRefused

_OUT: Final = TRANSFERS_OUT
_IN: Final = TRANSFERS_IN


class Way(Enum):
    """From here, or to here."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer.

    Attributes:
        other: application at the other side.
        mode: "copy" or "move". state: of the side that tells; why: reason code, "" while all is well;
            at the source, why it did not believe the last receipt.
        chunks: how many there are; done: how many are known to have arrived.
        total: records and parts of blobs; count: of these, that came to be; dup: that were there before.
        rejected: why a record was not taken, by its id.
        asked: POSIX seconds. due: when the source erases what has moved; None = nothing is to be erased.
        receipt: with both signatures; None before. place: where in this vault's ledger its digest stands.
    """

    id: bytes
    grant: bytes
    way: Way
    other: str
    mode: Literal["copy", "move"]
    state: str
    why: str
    chunks: int
    done: int
    total: int
    count: int
    dup: int
    rejected: tuple[tuple[bytes, str], ...]
    asked: int
    due: int | None
    receipt: SignedReceipt | None
    place: int | None


def listed(connection: Connection, owner: bytes, *, before: int, limit: int) -> Sequence[Transfer]:
    """An owner's transfers that were asked for before a time (POSIX seconds), newest first."""
    out = select(_OUT).where(_OUT.c.owner == owner, _OUT.c.asked < before)
    into = select(ARRIVALS).where(ARRIVALS.c.owner == owner, ARRIVALS.c.asked < before)
    found = [
        *(_out(connection, row) for row in connection.execute(out.order_by(_OUT.c.asked.desc()).limit(limit))),
        *(_in(connection, row) for row in connection.execute(into.order_by(ARRIVALS.c.asked.desc()).limit(limit))),
    ]
    return sorted(found, key=lambda each: (-each.asked, each.id))[:limit]


def one(connection: Connection, owner: bytes, transfer: bytes) -> Transfer:
    """One of an owner's transfers.

    Raises:
        TransferRefused: there is none ("transfer.unknown").
    """
    out = select(_OUT).where(_OUT.c.owner == owner, _OUT.c.id == transfer)
    into = select(ARRIVALS).where(ARRIVALS.c.owner == owner, ARRIVALS.c.id == transfer)
    if (row := connection.execute(out).one_or_none()) is not None:
        return _out(connection, row)
    if (row := connection.execute(into).one_or_none()) is not None:
        return _in(connection, row)
    raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())


def receipts(connection: Connection, owner: bytes) -> Sequence[bytes]:
    """The receipts of an owner's transfers that both sides have signed, as they travel."""
    columns = [(table.c.receipt, table.c.owner, table.c.id) for table in (_OUT, _IN)]
    found = [
        bytes(row)
        for receipt, mine, id_ in columns
        for row in connection.execute(
            select(receipt).where(mine == owner, receipt.is_not(None)).order_by(id_)
        ).scalars()
    ]
    return [each for each in found if SignedReceipt.decode(each).countersignature]


def _out(connection: Connection, row: Any) -> Transfer:
    grant = GrantBook(connection, row.owner).held(row.grant).grant
    chunks, total = _size(row.manifest)
    both = None if row.receipt is None else SignedReceipt.decode(row.receipt)
    said = None if both is None else both.receipt
    return Transfer(
        **_common(row, Way.OUT, grant.recipient.app, row.mode, both),
        why=row.why or "",
        chunks=chunks,
        done=chunks if said else 0,
        total=total,
        count=said.count if said else 0,
        dup=said.dup if said else 0,
        rejected=said.rejected if said else (),
        due=row.due if row.state == "undo" else None,
        place=None if both is None else place_of(connection, both.leaf),
    )


def _in(connection: Connection, order: Any) -> Transfer:
    grant = GrantBook(connection, order.owner).held(order.grant).grant
    row = connection.execute(select(_IN).where(_IN.c.owner == order.owner, _IN.c.id == order.id)).one_or_none()
    chunks, total = _size(None if row is None else row.manifest)
    last = None if row is None or row.receipt is None else SignedReceipt.decode(row.receipt)
    both = last if last is not None and last.countersignature else None
    mode = "move" if grant.mode.name == "MOVE" else "copy"
    return Transfer(
        **_common(order, Way.IN, grant.source.app, mode, both),
        why=order.why,
        chunks=chunks,
        done=row.cursor if row else 0,
        total=total,
        count=row.taken if row else 0,
        dup=row.dup if row else 0,
        rejected=rejected_of(connection, order.owner, order.id) if row else (),
        due=None,
        place=None if both is None else place_of(connection, both.leaf),
    )


def _common(row: Any, way: Way, other: str, mode: str, both: SignedReceipt | None) -> dict[str, Any]:
    named = {"id": row.id, "grant": row.grant, "way": way, "other": other, "mode": mode}
    return {**named, "state": row.state, "asked": row.asked, "receipt": both}


def _size(manifest: bytes | None) -> tuple[int, int]:
    """Chunks, and what is in them."""
    if manifest is None:
        return 0, 0
    read = Manifest.decode(manifest)
    return len(read.chunks), read.count
