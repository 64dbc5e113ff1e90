"""The end that takes records in: each chunk in one transaction, with the cursor and the head that it leads to.

Whenever this dies, the next chunk is the one that the cursor names, and no record came twice. Source:
docs/spec/udi-1.md, "Transfer".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, Row, insert, select, update

from cyberprivacy.bundle.datatype import BLOB
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.commitment import TRANSFER, Commitment
from cyberprivacy.vault.commitments import commit
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.tables import TRANSFER_REJECTS, TRANSFERS_IN
from cyberprivacy.vault.transfer.envelope import unseal
from cyberprivacy.vault.transfer.incoming import (
    came,
    closed,
    known,
    let_in,
    reject,
    rejected_of,
    row_of,
    this,
)
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

    def __init__(self, database: Database, shelf: Shelf, opener: X25519PrivateKey, signer: Signer) -> None:
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
            row = row_of(connection, owner, transfer)
            if row is not None and row.manifest == data:
                return manifest
            if row is not None and (row.grant != grant.id or closed(connection, row)):
                raise TransferRefused("the transfer is closed", code="transfer.closed")
            until = int(now) + grant.retention if grant.retention else None
            fresh = {"cursor": 0, "head": first_head(transfer), "taken": 0, "dup": 0, "receipt": None}
            fresh |= {"manifest": data, "begun": int(now), "until": until}
            if row is None:
                key = {"owner": owner, "id": transfer, "grant": manifest.grant}
                connection.execute(insert(_IN).values(**key, **fresh))
            else:
                connection.execute(update(_IN).where(this(owner, transfer)).values(fresh))
                let_in(connection, row)
        return manifest

    def take(
        self,
        grant: Grant,
        transfer: bytes,
        n: int,
        sealed: bytes,
        still: Callable[[Connection], None] = lambda _: None,
    ) -> Progress:
        """Apply one chunk, whole or not at all.

        One that was applied is not applied again, but for its rejected records.

        Args:
            grant: under which it comes.
            transfer: id, 16 bytes.
            n: place of the chunk.
            sealed: as it came.
            still: refuses, in the same transaction, unless the grant counts now.

        Raises:
            TransferRefused: no such transfer ("transfer.unknown"), an earlier chunk is missing ("transfer.order"),
                it is closed ("transfer.closed"), or too much was rejected ("transfer.rejects").
            BadParcel: not the chunk of the manifest ("chunk.*").
            TryLater: the database cannot now; nothing was changed.
        """
        with self._database.transaction() as connection:
            row = known(connection, grant.recipient.account, transfer)
            still(connection)
            manifest = Manifest.decode(row.manifest)
            if not 0 <= n < len(manifest.chunks) or n > row.cursor:
                raise TransferRefused("not the next chunk", code="transfer.order", n=n, next=row.cursor)
            if row.grant != grant.id or closed(connection, row):
                raise TransferRefused("the transfer is closed", code="transfer.closed")
            payload = unseal(sealed, self._opener, transfer=transfer, n=n)
            items = _checked(payload, manifest.chunks[n], grant)
            if n < row.cursor:
                self._again(connection, row, n, items)
            else:
                self._first(connection, row, n, items, payload)
            return _progress(connection, row.owner, transfer)

    def _first(self, connection: Connection, row: Row[Any], n: int, items: Sequence[Item], payload: bytes) -> None:
        """A chunk that was never applied: records, cursor and head together."""
        there, taken = self._apply(connection, row, n, items)
        if len(taken) + there < len(items) and len(rejected_of(connection, row.owner, row.id)) > MAX_REJECTS:
            raise TransferRefused("too many records cannot be taken", code="transfer.rejects", limit=MAX_REJECTS)
        after = {"cursor": n + 1, "head": next_head(row.head, payload)}
        after |= {"dup": row.dup + there, "taken": row.taken + len(taken)}
        connection.execute(update(_IN).where(this(row.owner, row.id)).values(after))

    def _again(self, connection: Connection, row: Row[Any], n: int, items: Sequence[Item]) -> None:
        """A chunk that was applied: what was rejected may be taken by now."""
        waiting = dict(rejected_of(connection, row.owner, row.id))
        items = [item for item in items if item.id in waiting]
        if items:
            let_in(connection, row, [item.id for item in items])
            there, taken = self._apply(connection, row, n, items)
            after = {"dup": row.dup + there, "taken": row.taken + len(taken)}
            connection.execute(update(_IN).where(this(row.owner, row.id)).values(after))

    def _apply(
        self, connection: Connection, row: Row[Any], n: int, items: Sequence[Item]
    ) -> tuple[int, list[bytes]]:
        """How many were there, and which came to be; the others are rejected from now on."""
        there, taken = 0, []
        outcomes = self._put(connection, row.owner, items)
        elsewhere = dict(rejected_of(connection, row.owner, row.id)) if any(map(_no, outcomes)) else {}
        for item, found in zip(items, outcomes, strict=True):
            if item.id in elsewhere:
                raise BadParcel("a record stands in two chunks", code="chunk.twice", id=item.id.hex())
            if isinstance(found, str):
                reject(connection, row, n, item.id, found)
            elif found is Put.THERE:
                there += 1
            else:
                taken.append(item.id)
        came(connection, row, n, taken)
        return there, taken

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
            row = known(connection, owner, transfer)
            manifest = Manifest.decode(row.manifest)
            if row.cursor < len(manifest.chunks):
                raise TransferRefused("chunks are missing", code="transfer.order", next=row.cursor)
            rejected = rejected_of(connection, owner, transfer)
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
            connection.execute(update(_IN).where(this(owner, transfer)).values(receipt=made))
            return made

    def close(self, owner: bytes, transfer: bytes, data: bytes, source_key: bytes) -> SignedReceipt:
        """Keep the receipt as the source signed it too.

        Raises:
            BadReceipt: another receipt than the last one ("receipt.other"), or a signature is not good.
        """
        came = SignedReceipt.decode(data)
        with self._database.transaction() as connection:
            row = known(connection, owner, transfer)
            mine = None if row.receipt is None else SignedReceipt.decode(row.receipt)
            if mine is None or (came.receipt, came.salt) != (mine.receipt, mine.salt):
                raise BadReceipt("not the receipt that was sent", code="receipt.other")
            came.check(self._signer.public, source_key)
            connection.execute(update(_IN).where(this(owner, transfer)).values(receipt=data))
            commit(connection, Commitment(TRANSFER, came.leaf))
        return came

    def progress(self, owner: bytes, transfer: bytes) -> Progress:
        """How far a transfer is.

        Raises:
            TransferRefused: there is none ("transfer.unknown").
        """
        with self._database.reading() as connection:
            return _progress(connection, owner, transfer)

    def rejected_in(self, owner: bytes, transfer: bytes) -> Sequence[int]:
        """Chunks in which records are that were rejected, in order."""
        found = select(_REJECTS.c.n).where(_REJECTS.c.owner == owner, _REJECTS.c.transfer == transfer).distinct()
        with self._database.reading() as connection:
            return connection.execute(found.order_by(_REJECTS.c.n)).scalars().all()


def _no(found: Put | str) -> bool:
    return isinstance(found, str)


def _progress(connection: Connection, owner: bytes, transfer: bytes) -> Progress:
    row = connection.execute(select(_IN).where(this(owner, transfer))).one_or_none()
    if row is None:
        raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())
    chunks = len(Manifest.decode(row.manifest).chunks)
    rejected = rejected_of(connection, owner, transfer)
    return Progress(row.cursor, chunks, row.taken, row.dup, rejected, closed(connection, row))


def _checked(payload: bytes, entry: Entry, grant: Grant) -> tuple[Item, ...]:
    """The records of a chunk that is the one of the manifest, and that the grant is about."""
    if sha256(payload).digest() != entry.digest or len(payload) != entry.size:
        raise BadParcel("not the chunk of the manifest", code="chunk.digest")
    items = tuple(unpack(payload))
    if len(items) != entry.count:
        raise BadParcel("another number of records than in the manifest", code="chunk.count", found=len(items))
    strange = sorted({item.data_type for item in items} - {scope.data_type for scope in grant.scopes} - {BLOB})
    if strange:
        raise BadParcel("records that the grant is not about", code="chunk.scope", types=strange[:8])
    return items
