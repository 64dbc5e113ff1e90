"""Another generation of an owner's key: what was deleted stays under the old one, which is then destroyed.

Only keys of 60 bytes are wrapped anew, never bodies: a few microseconds a record. It is one transaction, so a
crash leaves the old generation or the new one, whole. Idempotency keys of records that are gone go too.
"""

from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection, Table, bindparam, delete, exists, select, update

from cyberprivacy.vault import owners, sealing
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.tables import ARRIVALS, BLOBS, IDEMPOTENCY, RECORDS

_BATCH: Final = 1_000


def freshen(connection: Connection, ring: KeyRing, owner: bytes) -> Holder:
    """Wrap every living key of an owner under a new generation; the old one, which is still to be destroyed.

    Raises:
        NoOwner: none, or being erased.
        Untrusted: a key does not open.
    """
    taken = owners.take(connection, owner)
    old, new = taken.holder, Holder(owner, taken.generation + 1)
    if not ring.store.holds(new):  # a crash may have left it: nothing is under it yet
        ring.store.create([new])
    _forget_gone(connection, owner)
    before, after = ring.key(old), ring.key(new)
    _rewrap(connection, RECORDS, (RECORDS.c.id,), RECORDS.c.key, owner, (before, after))
    _rewrap(connection, BLOBS, (BLOBS.c.digest,), BLOBS.c.key, owner, (before, after))
    _rewrap(connection, ARRIVALS, (ARRIVALS.c.id,), ARRIVALS.c.key, owner, (before, after))
    named = (IDEMPOTENCY.c.key, IDEMPOTENCY.c.n)
    _rewrap(connection, IDEMPOTENCY, named, IDEMPOTENCY.c.fingerprint, owner, (before, after))
    taken.generation, taken.dirty = new.generation, None
    owners.keep(connection, taken)
    return old


def _forget_gone(connection: Connection, owner: bytes) -> None:
    """Idempotency keys, with all of their list, that made a record which is no more."""
    gone = IDEMPOTENCY.alias()
    record = exists().where(RECORDS.c.owner == gone.c.owner, RECORDS.c.id == gone.c.record)
    keys = select(gone.c.key).where(gone.c.owner == owner, ~record)
    connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.owner == owner, IDEMPOTENCY.c.key.in_(keys)))


def _rewrap(
    connection: Connection,
    table: Table,
    named: tuple[Column[Any], ...],
    wrapped: Column[bytes],
    owner: bytes,
    keys: tuple[AESGCM, AESGCM],
) -> None:
    """Every wrapped key in one column of an owner's rows; `named` are what tells the rows apart."""
    mine = [table.c.owner == bindparam("owned")]
    change = (
        update(table)
        .where(*mine, *(column == bindparam(f"at_{column.name}") for column in named))
        .values({wrapped.name: bindparam("fresh")})
    )
    held = select(*named, wrapped).where(*mine, wrapped.is_not(None))
    rows = connection.execute(held, {"owned": owner}).all()
    for start in range(0, len(rows), _BATCH):
        connection.execute(change, list(_changes(rows[start : start + _BATCH], named, owner, keys)))


def _changes(
    rows: Iterable[Any], named: tuple[Column[Any], ...], owner: bytes, keys: tuple[AESGCM, AESGCM]
) -> Iterable[dict[str, Any]]:
    before, after = keys
    for *name, wrapped in rows:
        at = {f"at_{column.name}": part for column, part in zip(named, name, strict=True)}
        yield {"owned": owner, **at, "fresh": sealing.wrap(after, sealing.unwrap(before, wrapped))}
