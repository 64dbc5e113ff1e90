"""Changes of one owner's records, one list in one transaction. `records` is the entrance.

The order: owner, idempotency key, judging, quota, rows, outbox. An idempotency key's row keeps the fingerprint of
its request wrapped like a record's key. In the clear it would tell, of a record that was erased, whether a guess
at its content is right.
"""

import hmac
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import owners, sealing
from cyberprivacy.vault.change import BadChange, Change, Create, Delete, Done, Ids, Update, fingerprint
from cyberprivacy.vault.sealing import Draw, KeyRing
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.tables import IDEMPOTENCY, OUTBOX, RECORDS
from cyberprivacy.vault.types import Types


class NoRecord(Misuse):
    """This owner has no such record (any more)."""

    code = "record.none"
    hint = "List the records; it may have been deleted, or be another owner's."


class OverQuota(Misuse):
    """An owner has as much as an owner may have."""

    code = "quota.bytes"
    hint = "Delete something, or ask the operator for more room."


@dataclass(frozen=True, slots=True)
class Quota:
    """What one owner may have; bytes are counted before sealing."""

    records: int = 1_000_000
    bytes: int = 10 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What records are changed with: keys, types, room, time, chance, and the names of new ones."""

    ring: KeyRing
    types: Types
    quota: Quota
    clock: Callable[[], float] = time.time
    draw: Draw = os.urandom
    ids: Ids = field(default_factory=Ids)


class Changing:
    """One list of changes under way, within one transaction: rows are collected, then written kind by kind."""

    def __init__(self, means: Means, connection: Connection, owner: bytes) -> None:
        """Take the owner; raises NoOwner, NoKey."""
        self._means, self._connection = means, connection
        self._owner = owners.take(connection, owner)
        self._user = means.ring.key(self._owner.holder)
        self._sealed = sealing.sealer(self._user, owner, means.draw)
        self._now = int(means.clock())
        self._new: list[dict[str, object]] = []
        self._changed: list[dict[str, object]] = []
        self._gone: list[dict[str, object]] = []
        self._events: list[dict[str, object]] = []

    def answered(self, key: str, changes: Sequence[Change]) -> tuple[Done, ...] | None:
        """The answer that these very changes had under this key; None if nobody used it.

        Raises:
            BadChange: it was used for other changes ("idempotency.other").
        """
        rows = _KEYED.rows(self._connection, owned=self._owner.id, used=key)
        if not rows:
            return None
        if not hmac.compare_digest(sealing.unwrap(self._user, rows[0][0]), fingerprint(changes)):
            raise BadChange(
                "this idempotency key was used for something else",
                code="idempotency.other",
                hint="Use a new key for each request.",
                key=key,
            )
        return tuple(Done(record, rev) for _, record, rev in rows)

    def remember(self, key: str, changes: Sequence[Change], done: Sequence[Done]) -> None:
        """Keep an answer for whoever sends the same again."""
        kept = sealing.wrap(self._user, fingerprint(changes), draw=self._means.draw)
        row = {"owner": self._owner.id, "key": key, "fingerprint": kept, "at": self._now}
        answers = [{**row, "n": n, "record": each.record, "rev": each.rev} for n, each in enumerate(done)]
        _REMEMBERED.run(self._connection, *answers)

    def make(self, changes: Sequence[Change]) -> tuple[Done, ...]:
        """All of them."""
        if all(isinstance(each, Create) for each in changes):
            changes = [self._judged(each) for each in changes]  # all before any is sealed: see `_judged`
        done = tuple(self._one(change) for change in changes)
        quota = self._means.quota
        if self._owner.records > quota.records:
            raise OverQuota("too many records", code="quota.records", most=quota.records)
        if self._owner.bytes > quota.bytes:
            raise OverQuota("too many bytes", most=quota.bytes)
        self._write()
        return done

    def _write(self) -> None:
        """From here on nothing is refused but an id that is taken."""
        if self._new:
            try:
                _NEW.run(self._connection, *self._new)
            except IntegrityError:
                raise BadChange("a record of this id is there already", code="record.exists") from None
        for statement, rows in ((_CHANGED, self._changed), (_GONE, self._gone), (_TOLD, self._events)):
            if rows:
                statement.run(self._connection, *rows)
        owners.keep(self._connection, self._owner)

    def _one(self, change: Change) -> Done:
        match change:
            case Create():
                return self._create(change)
            case Update():
                return self._update(change)
            case Delete():
                return self._delete(change)

    def _judged(self, change: Change) -> Change:
        """A new record whose body was found to be of its type.

        Many are judged first, and then sealed: where the two take turns, each pushes the other out of the
        processor's caches, and both take longer.
        """
        if not isinstance(change, Create) or change.judged:
            return change
        self._means.types.get(self._connection, change.type).check(change.body)
        return Create(change.type, change.body, change.record, judged=True)

    def _create(self, change: Create) -> Done:
        self._judged(change)
        record = change.record or self._means.ids.new(self._means.draw, self._means.clock)
        kind, body, now = change.type, change.body, self._now
        key, sealed = self._sealed(record, kind, 1, body)
        self._new.append({
            "owner": self._owner.id, "id": record, "type": kind, "rev": 1, "key": key, "sealed": sealed,
            "bytes": len(body), "created": now, "changed": now,
        })  # fmt: skip
        self._owner.records += 1
        self._owner.bytes += len(body)
        return self._told("created", kind, record, 1)

    def _update(self, change: Update) -> Done:
        kind, size = self._seen(change.record, change.rev)
        self._means.types.get(self._connection, kind).check(change.body)
        rev = change.rev + 1
        key, sealed = self._sealed(change.record, kind, rev, change.body)
        where = {"owned": self._owner.id, "wanted": change.record, "changed": self._now}
        row = {"rev": rev, "key": key, "sealed": sealed, "bytes": len(change.body)}
        self._changed.append({**where, **row})
        self._owner.bytes += len(change.body) - size
        return self._told("updated", kind, change.record, rev)

    def _delete(self, change: Delete) -> Done:
        kind, size = self._seen(change.record, change.rev)
        self._gone.append({"owned": self._owner.id, "wanted": change.record})
        self._owner.records -= 1
        self._owner.bytes -= size
        self._owner.dirty = self._owner.dirty or self._now
        return self._told("deleted", kind, change.record, change.rev + 1)

    def _seen(self, record: bytes, rev: int) -> tuple[str, int]:
        """Type and size of a record that is still as the caller saw it."""
        row = _STATE.row(self._connection, owned=self._owner.id, wanted=record)
        if row is None:
            raise NoRecord("no such record", record=record.hex())
        kind, now, size = row
        if now != rev:
            raise BadChange("somebody has changed it since", code="record.rev", seen=rev, now=now)
        return kind, size

    def _told(self, change: str, kind: str, record: bytes, rev: int) -> Done:
        self._owner.seq += 1
        self._events.append({
            "owner": self._owner.id, "seq": self._owner.seq, "change": change, "type": kind, "record": record,
            "rev": rev, "at": self._now,
        })  # fmt: skip
        return Done(record, rev)


_NEW: Final = Statement(insert(RECORDS))
_TOLD: Final = Statement(insert(OUTBOX))
_REMEMBERED: Final = Statement(insert(IDEMPOTENCY))
_MINE: Final = (RECORDS.c.owner == bindparam("owned"), RECORDS.c.id == bindparam("wanted"))
_STATE: Final = Statement(select(RECORDS.c.type, RECORDS.c.rev, RECORDS.c.bytes).where(*_MINE))
_CHANGED: Final = Statement(
    update(RECORDS)
    .where(*_MINE)
    .values({each: bindparam(each) for each in ("rev", "key", "sealed", "bytes", "changed")})
)
_GONE: Final = Statement(delete(RECORDS).where(*_MINE))
_KEYED: Final = Statement(
    select(IDEMPOTENCY.c.fingerprint, IDEMPOTENCY.c.record, IDEMPOTENCY.c.rev)
    .where(IDEMPOTENCY.c.owner == bindparam("owned"), IDEMPOTENCY.c.key == bindparam("used"))
    .order_by(IDEMPOTENCY.c.n)
)
