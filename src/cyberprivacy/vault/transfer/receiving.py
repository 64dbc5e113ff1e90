"""The end that takes records in: each chunk in one transaction, with the cursor and the head that it leads to.

Whenever this dies, the next chunk is the one that the cursor names, and no record came twice. Source:
docs/spec/udi-1.md, "Transfer".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.tables import TRANSFER_REJECTS, TRANSFERS_IN
from cyberprivacy.vault.transfer.envelope import unseal
from cyberprivacy.vault.transfer.manifest import BadManifest, Manifest, first_head, next_head
from cyberprivacy.vault.transfer.parcel import BadParcel, Entry, Item, unpack
from cyberprivacy.vault.transfer.receipt import MAX_REJECTS, BadReceipt, Receipt, SignedReceipt
from cyberprivacy.vault.transfer.shelf import Put, Shelf
from cyberprivacy.vault.transfer.states import TransferRefused

_IN: Final = TRANSFERS_IN
_REJECTS: Final = TRANSFER_REJECTS


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is.

    Attributes:
        cursor: the next chunk. chunks: how many there are.
        count: records that came to be. dup: records that were there before.
        rejected: why a record was not taken, by its id.
        closed: whether the source has signed the receipt as well.
    """

    cursor: int
    chunks: int
    count: int
    dup: int
    rejected: tuple[tuple[bytes, str], ...]
    closed: bool

    @property
    def complete(self) -> bool:
        """Whether every record is here."""
        return self.cursor == self.chunks and not self.rejected


class Receiving:
    """Transfers to the owners of one place."""

    def __init__(
        self, database: Database, shelf: Shelf, opener: X25519PrivateKey, signer: Ed25519PrivateKey
    ) -> None:
        """Take in what is sealed to `opener`, and sign receipts with `signer`; evidence vouches for both."""
        self._database, self._shelf, self._opener, self._signer = database, shelf, opener, signer

    def begin(self, data: bytes, grant: Grant, source_key: bytes, *, now: float) -> Manifest:
        """Accept a manifest; the same one again changes nothing, another one of the same transfer begins anew.

        Args:
            data: the signed manifest as it came.
            grant: under which it comes; that it counts was checked before.
            source_key: Ed25519 key of the source, 32 bytes, as its evidence has it.
            now: POSIX seconds.

        Raises:
            BadManifest: malformed, not signed by the source, of another grant or account ("manifest.grant"), or
                sealed to another key than ours ("manifest.key").
            TransferRefused: it is closed ("transfer.closed").
        """
        manifest = Manifest.decode(data, source_key)
        about = (manifest.grant, manifest.source, manifest.recipient)
        if about != (grant.id, grant.source.account, grant.recipient.account):
            raise BadManifest("a manifest of another grant", code="manifest.grant", grant=manifest.grant.hex())
        if manifest.key != self._opener.public_key().public_bytes_raw():
            raise BadManifest("sealed to another key", code="manifest.key", key=manifest.key.hex())
        owner, transfer = manifest.recipient, manifest.transfer
        with self._database.transaction() as connection:
            row = _row(connection, owner, transfer)
            if row is not None and row.manifest == data:
                return manifest
            if row is not None and _closed(connection, row):
                raise TransferRefused("the transfer is closed", code="transfer.closed")
            connection.execute(delete(_IN).where(_is(owner, transfer)))
            fresh = {"cursor": 0, "head": first_head(transfer), "taken": 0, "dup": 0, "begun": int(now)}
            key = {"owner": owner, "id": transfer, "grant": manifest.grant}
            connection.execute(insert(_IN).values(**key, manifest=data, **fresh))
        return manifest

    def take(self, grant: Grant, transfer: bytes, n: int, sealed: bytes) -> Progress:
        """Apply one chunk, whole or not at all.

        One that was applied is not applied again, but for its rejected records.

        Args:
            grant: under which it comes; that it still counts is for the caller to ask.
            transfer: id, 16 bytes.
            n: place of the chunk.
            sealed: as it came.

        Raises:
            TransferRefused: no such transfer ("transfer.unknown"), an earlier chunk is missing ("transfer.order"),
                it is closed ("transfer.closed"), or too much was rejected ("transfer.rejects").
            BadParcel: not the chunk of the manifest ("chunk.*").
            TryLater: the database cannot now; nothing was changed.
        """
        with self._database.transaction() as connection:
            row = _known(connection, grant.recipient.account, transfer)
            manifest = Manifest.decode(row.manifest)
            if not 0 <= n < len(manifest.chunks) or n > row.cursor:
                raise TransferRefused("not the next chunk", code="transfer.order", n=n, next=row.cursor)
            if row.grant != grant.id or _closed(connection, row):
                raise TransferRefused("the transfer is closed", code="transfer.closed")
            payload = unseal(sealed, self._opener, transfer=transfer, n=n)
            items = _checked(payload, manifest.chunks[n], grant)
            if n < row.cursor:
                self._again(connection, row, items)
            else:
                self._first(connection, row, n, items, payload)
            return _progress(connection, row.owner, transfer)

    def _first(
        self, connection: Connection, row: Row[Any], n: int, items: tuple[Item, ...], payload: bytes
    ) -> None:
        """A chunk that was never applied: records, cursor and head together."""
        there = rejected = 0
        for item, found in zip(items, self._put(connection, row.owner, items), strict=True):
            if isinstance(found, str):
                rejected += 1
                said = {"owner": row.owner, "transfer": row.id, "record": item.id, "n": n, "code": found}
                connection.execute(insert(_REJECTS).values(said))
            else:
                there += found is Put.THERE
        if rejected and len(_rejected(connection, row.owner, row.id)) > MAX_REJECTS:
            raise TransferRefused("too many records cannot be taken", code="transfer.rejects", limit=MAX_REJECTS)
        after = {"cursor": n + 1, "head": next_head(row.head, payload), "dup": row.dup + there}
        taken = row.taken + len(items) - there - rejected
        connection.execute(update(_IN).where(_is(row.owner, row.id)).values(**after, taken=taken))

    def _again(self, connection: Connection, row: Row[Any], items: tuple[Item, ...]) -> None:
        """A chunk that was applied: what was rejected may be taken by now."""
        waiting = dict(_rejected(connection, row.owner, row.id))
        for item in items:
            if item.id not in waiting:
                continue
            (found,) = self._put(connection, row.owner, [item])
            which = and_(
                _REJECTS.c.owner == row.owner, _REJECTS.c.transfer == row.id, _REJECTS.c.record == item.id
            )
            if isinstance(found, str):
                connection.execute(update(_REJECTS).where(which).values(code=found))
                continue
            connection.execute(delete(_REJECTS).where(which))
            column = _IN.c.dup if found is Put.THERE else _IN.c.taken
            connection.execute(update(_IN).where(_is(row.owner, row.id)).values({column: column + 1}))

    def _put(self, connection: Connection, owner: bytes, items: Sequence[Item]) -> list[Put | str]:
        """What became of each record, or the code with which it was rejected.

        Mostly all are taken at once; if not, the guilty ones are found by halving.
        """
        try:
            with connection.begin_nested():
                return [*self._shelf.put(connection, owner, items)]
        except TryLater:
            raise
        except CyberPrivacyError as refusal:
            if len(items) == 1:
                return [refusal.code]
        half = len(items) // 2
        return self._put(connection, owner, items[:half]) + self._put(connection, owner, items[half:])

    def receipt(self, owner: bytes, transfer: bytes, *, now: float) -> bytes:
        """The receipt, signed: the same again and again, until a rejected record was taken.

        Raises:
            TransferRefused: no such transfer ("transfer.unknown"), or chunks are missing ("transfer.order").
        """
        with self._database.transaction() as connection:
            row = _known(connection, owner, transfer)
            manifest = Manifest.decode(row.manifest)
            if row.cursor < len(manifest.chunks):
                raise TransferRefused("chunks are missing", code="transfer.order", next=row.cursor)
            rejected = _rejected(connection, owner, transfer)
            if row.receipt is not None and SignedReceipt.decode(row.receipt).receipt.rejected == rejected:
                return bytes(row.receipt)
            said = Receipt(
                transfer=transfer,
                root=manifest.root,
                count=row.taken,
                dup=row.dup,
                rejected=rejected,
                head=row.head,
                at=int(now),
            )
            made = SignedReceipt.made(said, token_bytes(32), self._signer).encode()
            connection.execute(update(_IN).where(_is(owner, transfer)).values(receipt=made))
            return made

    def close(self, owner: bytes, transfer: bytes, data: bytes, source_key: bytes) -> SignedReceipt:
        """Keep the receipt as the source signed it too; log its `leaf`.

        Raises:
            BadReceipt: another receipt than the last one ("receipt.other"), or a signature is not good.
        """
        came = SignedReceipt.decode(data)
        with self._database.transaction() as connection:
            row = _known(connection, owner, transfer)
            mine = None if row.receipt is None else SignedReceipt.decode(row.receipt)
            if mine is None or (came.receipt, came.salt) != (mine.receipt, mine.salt):
                raise BadReceipt("not the receipt that was sent", code="receipt.other")
            came.check(self._signer.public_key().public_bytes_raw(), source_key)
            connection.execute(update(_IN).where(_is(owner, transfer)).values(receipt=data))
        return came

    def progress(self, owner: bytes, transfer: bytes) -> Progress:
        """How far a transfer is.

        Raises:
            TransferRefused: there is none ("transfer.unknown").
        """
        with self._database.reading() as connection:
            return _progress(connection, owner, transfer)


def _is(owner: bytes, transfer: bytes) -> ColumnElement[bool]:
    return and_(_IN.c.owner == owner, _IN.c.id == transfer)


def _row(connection: Connection, owner: bytes, transfer: bytes) -> Row[Any] | None:
    return connection.execute(select(_IN).where(_is(owner, transfer)).with_for_update()).one_or_none()


def _known(connection: Connection, owner: bytes, transfer: bytes) -> Row[Any]:
    row = _row(connection, owner, transfer)
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    return row


def _rejected(connection: Connection, owner: bytes, transfer: bytes) -> tuple[tuple[bytes, str], ...]:
    found = select(_REJECTS.c.record, _REJECTS.c.code).where(
        _REJECTS.c.owner == owner, _REJECTS.c.transfer == transfer
    )
    return tuple((row.record, row.code) for row in connection.execute(found.order_by(_REJECTS.c.record)))


def _closed(connection: Connection, row: Row[Any]) -> bool:
    """Whether both have signed that nothing is missing; what was rejected may still come."""
    if row.receipt is None or not SignedReceipt.decode(row.receipt).countersignature:
        return False
    return not _rejected(connection, row.owner, row.id)


def _progress(connection: Connection, owner: bytes, transfer: bytes) -> Progress:
    row = connection.execute(select(_IN).where(_is(owner, transfer))).one_or_none()
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    chunks = len(Manifest.decode(row.manifest).chunks)
    rejected = _rejected(connection, owner, transfer)
    return Progress(row.cursor, chunks, row.taken, row.dup, rejected, _closed(connection, row))


def _checked(payload: bytes, entry: Entry, grant: Grant) -> tuple[Item, ...]:
    """The records of a chunk that is the one of the manifest, and that the grant is about."""
    if sha256(payload).digest() != entry.digest or len(payload) != entry.size:
        raise BadParcel("not the chunk of the manifest", code="chunk.digest")
    items = tuple(unpack(payload))
    if len(items) != entry.count:
        raise BadParcel("another number of records than in the manifest", code="chunk.count", found=len(items))
    strange = sorted({item.data_type for item in items} - {scope.data_type for scope in grant.scopes})
    if strange:
        raise BadParcel("records that the grant is not about", code="chunk.scope", types=strange[:8])
    return items
