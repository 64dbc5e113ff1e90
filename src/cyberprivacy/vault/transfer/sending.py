"""The end that hands records out: a snapshot in sealed chunks, a manifest, and what follows from the receipt.

The chunks are kept sealed to the recipient until the transfer ends, so a chunk is the same however often it is
asked for, and nobody here can read it. Source: docs/spec/udi-1.md, "Transfer".
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from cyberprivacy.canonical import NotCanonical
from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.commitment import TRANSFER, Commitment
from cyberprivacy.vault.commitments import commit
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant, Mode
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.tables import TRANSFER_CHUNKS, TRANSFERS_OUT
from cyberprivacy.vault.transfer.envelope import seal
from cyberprivacy.vault.transfer.manifest import MAX_CHUNKS, Manifest, first_head, next_head
from cyberprivacy.vault.transfer.outgoing import change, chunks_of, end, known, records_of, row_of
from cyberprivacy.vault.transfer.parcel import Entry, Parcel, pack
from cyberprivacy.vault.transfer.receipt import BadReceipt, SignedReceipt, compare
from cyberprivacy.vault.transfer.snapshot import Source, selected
from cyberprivacy.vault.transfer.states import UNDO, State, Status, TransferRefused

_OUT: Final = TRANSFERS_OUT
_CHUNKS: Final = TRANSFER_CHUNKS


@dataclass(frozen=True, slots=True)
class Ask:
    """What a recipient asks for.

    Attributes:
        transfer: id that it chose, 16 bytes; the same one again is the same transfer.
        grant: that counts, for this, now.
        key: X25519 key to seal to, 32 bytes; evidence vouches for it.
        signer: Ed25519 key of its receipts, 32 bytes; evidence vouches for it, too.
    """

    transfer: bytes
    grant: Grant
    key: bytes
    signer: bytes


class Sending:
    """Transfers from the owners of one place."""

    def __init__(self, database: Database, source: Source, signer: Signer) -> None:
        """Sign manifests and receipts with `signer`; evidence vouches for it."""
        self._database, self._source, self._signer = database, source, signer

    def open(self, ask: Ask, permit: Callable[[Connection], None], *, now: float) -> Manifest:
        """Begin a transfer, or go on with one that was begun; its manifest.

        A recipient that comes back with another key was born anew: its chunks are made again.

        Args:
            ask: what is asked for.
            permit: counts the use of the grant, in the transaction that begins the transfer.
            now: POSIX seconds.

        Raises:
            TransferRefused: the id belongs to another grant ("transfer.id"), or the transfer has ended
                ("transfer.ended"); or too much for one transfer ("transfer.size").
            TryLater: somebody else asks for the same at the same time ("transfer.busy"), or the database
                cannot now.
            BadParcel: no key to seal to ("transfer.key"), or a record that cannot travel ("chunk.record-size").
        """
        owner = ask.grant.source.account
        with self._database.transaction() as connection:
            row = row_of(connection, owner, ask.transfer)
            if row is None:
                permit(connection)
                mode = "move" if ask.grant.mode is Mode.MOVE else "copy"
                fresh = {"grant": ask.grant.id, "mode": mode, "state": State.PREPARING.value, "asked": int(now)}
                keys = {"key": ask.key, "signer": ask.signer}
                connection.execute(insert(_OUT).values(owner=owner, id=ask.transfer, **fresh, **keys))
            elif row.grant != ask.grant.id:
                raise TransferRefused("this id is taken", code="transfer.id", transfer=ask.transfer.hex())
            elif not State(row.state).running:
                raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)
            elif (row.key, row.signer) == (ask.key, ask.signer) and row.manifest is not None:
                return Manifest.decode(row.manifest)
            else:
                again = {"key": ask.key, "signer": ask.signer, "manifest": None, "receipt": None}
                change(connection, owner, ask.transfer, state=State.PREPARING.value, **again)
        return self._prepare(ask, now)

    def _prepare(self, ask: Ask, now: float) -> Manifest:
        """Write the chunks of one snapshot, each as it comes; the manifest last, which makes them count.

        The writer's queue is free between chunks. Who asks twice at once starts anew, and the first one stops.
        """
        owner, attempt = ask.grant.source.account, token_bytes(32)
        with self._database.transaction() as connection:
            _preparing(known(connection, owner, ask.transfer))
            connection.execute(delete(_CHUNKS).where(chunks_of(owner, ask.transfer)))
            change(connection, owner, ask.transfer, head=attempt)
        entries: list[Entry] = []
        head = first_head(ask.transfer)
        with self._database.reading() as snapshot:
            found = selected(self._source, snapshot, owner, ask.grant)
            for n, parcel in enumerate(pack(found.items)):
                self._keep(ask, n, parcel, attempt)
                entries.append(parcel.entry)
                head = next_head(head, parcel.payload)
        manifest = Manifest(
            transfer=ask.transfer,
            grant=ask.grant.id,
            seq=found.seq,
            source=owner,
            recipient=ask.grant.recipient.account,
            key=ask.key,
            chunks=tuple(entries),
            at=int(now),
        )
        with self._database.transaction() as connection:
            _still(connection, ask, attempt)
            signed = manifest.signed(self._signer)
            change(connection, owner, ask.transfer, state=State.OPEN.value, manifest=signed, head=head)
        return manifest

    def _keep(self, ask: Ask, n: int, parcel: Parcel, attempt: bytes) -> None:
        if n == MAX_CHUNKS:
            raise TransferRefused("too much for one transfer", code="transfer.size", chunks=n)
        row = {
            "owner": ask.grant.source.account,
            "transfer": ask.transfer,
            "n": n,
            "sealed": seal(parcel.payload, ask.key, transfer=ask.transfer, n=n),
            "records": b"".join(record + rev.to_bytes(8) for record, rev in parcel.records),
        }
        with self._database.transaction() as connection:
            _still(connection, ask, attempt)
            connection.execute(insert(_CHUNKS).values(row))

    def manifest(self, owner: bytes, transfer: bytes) -> bytes:
        """The signed manifest.

        Raises:
            TransferRefused: "transfer.unknown"; or it is not ready ("transfer.preparing").
        """
        with self._database.reading() as connection:
            row = known(connection, owner, transfer, lock=False)
        if row.manifest is None:
            raise TransferRefused("the transfer is not ready", code="transfer.preparing", hint="Ask again.")
        return bytes(row.manifest)

    def chunk(self, owner: bytes, transfer: bytes, n: int) -> bytes:
        """A sealed chunk: the same bytes each time. Whether the grant still counts is for the caller to ask.

        Raises:
            TransferRefused: "transfer.unknown"; there is none of this number ("transfer.chunk"); it has ended
                ("transfer.ended").
        """
        with self._database.reading() as connection:
            row = known(connection, owner, transfer, lock=False)
            if not State(row.state).serving:
                raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)
            found = connection.execute(
                select(_CHUNKS.c.sealed).where(chunks_of(owner, transfer), _CHUNKS.c.n == n)
            )
            sealed = found.scalar_one_or_none()
        if sealed is None:
            raise TransferRefused("no such chunk", code="transfer.chunk", n=n)
        return bytes(sealed)

    def received(self, owner: bytes, transfer: bytes, data: bytes, *, now: float) -> SignedReceipt:
        """Judge a receipt, and sign it as well. The same one again gets the same answer.

        A complete one ends a copy, and starts the 72 hours of a move. Why one is not believed is kept.

        Raises:
            BadReceipt: it is not true (`receipt.compare`), not signed by who asked, or rejects what an earlier
                one had taken ("receipt.regress").
            TransferRefused: "transfer.unknown", "transfer.ended".
        """
        try:
            return self._judged(owner, transfer, SignedReceipt.decode(data), now)
        except (BadReceipt, NotCanonical) as error:
            with self._database.transaction() as connection:
                change(connection, owner, transfer, why=error.code)
            raise

    def _judged(self, owner: bytes, transfer: bytes, came: SignedReceipt, now: float) -> SignedReceipt:
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            before = None if row.receipt is None else SignedReceipt.decode(row.receipt)
            if before is not None and (before.receipt, before.salt) == (came.receipt, came.salt):
                came.check(row.signer, None)
                return before
            if not State(row.state).serving:
                raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)
            came.check(row.signer, None)
            sent = {record for record, _ in records_of(connection, owner, transfer)}
            compare(came.receipt, Manifest.decode(row.manifest), bytes(row.head), sent)
            if before is not None and not came.receipt.refused <= before.receipt.refused:
                raise BadReceipt("it rejects what was taken before", code="receipt.regress")
            both = came.countersigned(self._signer)
            self._settle(connection, row, both, now)
        return both

    def _settle(self, connection: Connection, row: Row[Any], both: SignedReceipt, now: float) -> None:
        if both.receipt.rejected:
            after: dict[str, object] = {"state": State.INCOMPLETE.value}
        elif row.mode == "copy":
            after = {"state": State.DONE.value}
            connection.execute(delete(_CHUNKS).where(chunks_of(row.owner, row.id)))
        else:
            after = {"state": State.UNDO.value, "due": int(now) + UNDO}
            connection.execute(update(_CHUNKS).where(chunks_of(row.owner, row.id)).values(sealed=b""))
        change(connection, row.owner, row.id, receipt=both.encode(), why=None, **after)
        commit(connection, Commitment(TRANSFER, both.leaf))

    def cancel(self, owner: bytes, transfer: bytes) -> None:
        """Hand out nothing more; what was taken is the recipient's to erase.

        Raises:
            TransferRefused: "transfer.unknown", "transfer.ended".
        """
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            if not State(row.state).running:
                raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)
            end(connection, row, State.CANCELLED)

    def status(self, owner: bytes, transfer: bytes) -> Status:
        """Where a transfer is.

        Raises:
            TransferRefused: there is none ("transfer.unknown").
        """
        with self._database.reading() as connection:
            row = known(connection, owner, transfer, lock=False)
        receipt = None if row.receipt is None else SignedReceipt.decode(row.receipt)
        return Status(State(row.state), row.due, receipt)


def _preparing(row: Row[Any]) -> None:
    """Refuse to go on with what was cancelled meanwhile."""
    if row.state != State.PREPARING.value:
        raise TransferRefused("the transfer has ended", code="transfer.ended", state=row.state)


def _still(connection: Connection, ask: Ask, attempt: bytes) -> None:
    row = known(connection, ask.grant.source.account, ask.transfer)
    _preparing(row)
    if row.head != attempt:
        raise TryLater("the transfer is being prepared by somebody else", code="transfer.busy", hint="Ask again.")
