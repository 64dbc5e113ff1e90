"""Asking for something to be erased: from this moment nobody can read it; a job does the rest (`erasure`).

Source: docs/spec/udi-1.md, "Erasing".
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, insert, literal, select, update

from cyberprivacy import canonical
from cyberprivacy.errors import Misuse
from cyberprivacy.vault import owners, under
from cyberprivacy.vault.change import new_id
from cyberprivacy.vault.changing import NoRecord
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.tables import ACCOUNTS, BLOBS, ERASURES, GRANTS, OUTBOX, OWNERS, RECORDS

_MANY: Final = 500
"""Ids in one statement."""


class NoErasure(Misuse):
    """There is no such job, or nothing to erase."""

    code = "erasure.none"
    hint = "Look at what is there first: it may be gone already."


class What(Enum):
    """How much goes."""

    RECORD = "record"
    TYPE = "type"
    GRANT = "grant"
    """What came from elsewhere under a grant, and is under no other that counts."""
    DELETED = "deleted"
    """Nothing more than what was deleted before: it becomes final."""
    OWNER = "owner"
    """All that one application holds of an account."""
    ACCOUNT = "account"
    """All that every application of this vault holds, and the account itself."""


class Step(Enum):
    """How far a job is. Every step can be taken again."""

    ASKED = "asked"
    """Rows of records are gone; living keys are still to be wrapped under another generation."""
    SHUT = "shut"
    """Nothing that lives is under the dead keys any more; they are still to be overwritten."""
    OVERWRITTEN = "overwritten"
    """Older copies of the key file still hold the dead keys."""
    RETIRED = "retired"
    """Nobody can open anything; ciphertext is still there."""
    PURGED = "purged"
    """Rows are gone; the database's log may still hold them."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Scope:
    """What goes: `name` is a record's or a grant's id in hex, or a type; empty for the rest."""

    what: What
    name: str = ""

    def document(self) -> dict[str, str]:
        """As it stands in receipts."""
        return {"name": self.name, "what": self.what.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An erasure under way.

    Attributes:
        id: 16 bytes.
        subject: owner, or account, 32 bytes.
        asked: POSIX seconds.
        owners: all whose keys die with it.
        dead: keys that die.
        counts: of what goes: "records", "blobs", "bytes", "grants".
        epoch: that was retired after the keys were overwritten; 0 before.
        receipt: signed, canonical JSON; None before the end.
    """

    id: bytes
    subject: bytes
    scope: Scope
    step: Step
    asked: int
    owners: tuple[bytes, ...]
    dead: tuple[Holder, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    epoch: int = 0
    receipt: bytes | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From the table's row."""
        scope: Any = canonical.decode(row.scope)
        notes: Any = canonical.decode(row.notes)
        return cls(
            id=row.id,
            subject=row.owner,
            scope=Scope(What(scope["what"]), scope["name"]),
            step=Step(row.step),
            asked=row.asked,
            owners=tuple(bytes.fromhex(each) for each in notes["owners"]),
            dead=tuple(Holder(bytes.fromhex(owner), generation) for owner, generation in notes["dead"]),
            counts=notes["counts"],
            epoch=notes["epoch"],
            receipt=row.receipt,
        )

    def row(self) -> dict[str, object]:
        """For the table, less what ends a job."""
        notes = {
            "owners": [each.hex() for each in self.owners],
            "dead": [[each.owner.hex(), each.generation] for each in self.dead],
            "counts": dict(self.counts),
            "epoch": self.epoch,
        }
        scope = canonical.encode(self.scope.document())
        named = {"id": self.id, "owner": self.subject, "scope": scope, "asked": self.asked}
        return {**named, "step": self.step.value, "notes": canonical.encode(notes)}


def ask(connection: Connection, subject: bytes, scope: Scope, *, now: int) -> bytes:
    """Begin an erasure, in the caller's transaction; the id of the job.

    Args:
        connection: of the transaction.
        subject: an owner's id; an account's for `What.ACCOUNT`.
        scope: what goes.
        now: POSIX seconds.

    Raises:
        NoOwner, NoRecord: as they say.
        NoErasure: nothing is there of this scope.
    """
    job = Job(
        id=new_id(os.urandom, lambda: now),
        subject=subject,
        scope=scope,
        step=Step.ASKED,
        asked=now,
        owners=(subject,),
        dead=(),
    )
    match scope.what:
        case What.RECORD | What.TYPE:
            job = _some(connection, job)
        case What.GRANT:
            job = _came(connection, job)
        case What.OWNER:
            job = _shut(connection, job, [owners.take(connection, subject).id])
        case What.DELETED:
            owners.take(connection, subject)
        case What.ACCOUNT:
            account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == subject)
            if connection.execute(account.with_for_update()).first() is None:
                raise NoErasure("no such account", account=subject.hex())
            mine = select(OWNERS.c.id).where(OWNERS.c.account == subject, OWNERS.c.generation > 0)
            job = _shut(connection, job, connection.execute(mine.with_for_update()).scalars().all())
    connection.execute(insert(ERASURES).values(job.row()))
    return job.id


def find(connection: Connection, job: bytes) -> Job:
    """A job, under way or done.

    Raises:
        NoErasure: there is none of this id.
    """
    row = connection.execute(select(ERASURES).where(ERASURES.c.id == job)).first()
    if row is None:
        raise NoErasure("no such erasure", erasure=job.hex())
    return Job.of(row)


def latest(connection: Connection, subject: bytes, scope: Scope) -> Job | None:
    """The newest job of a subject with this scope, whatever became of it; None if there was none."""
    mine = (ERASURES.c.owner == subject, ERASURES.c.scope == canonical.encode(scope.document()))
    row = connection.execute(select(ERASURES).where(*mine).order_by(ERASURES.c.id.desc()).limit(1)).first()
    return None if row is None else Job.of(row)


def ask_for_unreadable(connection: Connection, store: KeyStore, *, now: int) -> tuple[bytes, ...]:
    """Begin to erase all owners whose keys are gone, as after a database was restored; the ids of the jobs.

    Only for an operator who knows that the key file is the newest: with an older one, owners would go whose keys
    are in the newer. Whoever was erased can come again only after this.
    """
    jobs: list[bytes] = []
    mine = select(OWNERS.c.id, OWNERS.c.generation).where(OWNERS.c.generation > 0).with_for_update()
    for owner, generation in connection.execute(mine).all():
        if not store.holds(Holder(owner, generation)):
            job = ask(connection, owner, Scope(What.OWNER), now=now)
            begun = find(connection, job)
            later = tuple(Holder(owner, each) for each in store.generations(owner))
            kept = replace(begun, dead=tuple(dict.fromkeys((*begun.dead, *later))))
            connection.execute(update(ERASURES).where(ERASURES.c.id == job).values(kept.row()))
            jobs.append(job)
    return tuple(jobs)


def _some(connection: Connection, job: Job) -> Job:
    """Rows of some records go at once, each with its event; what is left lives on under another generation."""
    chosen = RECORDS.c.type == job.scope.name
    if job.scope.what is What.RECORD:
        chosen = RECORDS.c.id == _record(job.scope.name)
    gone = _go(connection, job, chosen)
    if gone.counts["records"] == 0:
        raise NoErasure("nothing of this scope is here", kind=job.scope.what.value, name=job.scope.name[:140])
    return gone


def _came(connection: Connection, job: Job) -> Job:
    """What came under a grant; that it was little, or nothing, is said in the receipt."""
    ids, total = under.records(connection, job.subject, _record(job.scope.name)), job
    for at in range(0, len(ids), _MANY):
        total = _go(connection, total, RECORDS.c.id.in_(ids[at : at + _MANY]))
    return total if ids else _go(connection, job, false())


def _go(connection: Connection, job: Job, which: ColumnElement[bool]) -> Job:
    """Some records of the job's owner go; the job with what it counted, and what went now."""
    owner = owners.take(connection, job.subject)
    chosen = and_(RECORDS.c.owner == owner.id, which)
    total = select(func.count(), func.coalesce(func.sum(RECORDS.c.bytes), 0)).where(chosen)
    count, size = connection.execute(total).one()
    number = literal(owner.seq) + func.row_number().over(order_by=RECORDS.c.id)
    told = select(
        RECORDS.c.owner,
        number,
        literal("deleted"),
        RECORDS.c.type,
        RECORDS.c.id,
        RECORDS.c.rev + 1,
        literal(job.asked),
    ).where(chosen)
    columns = ["owner", "seq", "change", "type", "record", "rev", "at"]
    connection.execute(insert(OUTBOX).from_select(columns, told))
    connection.execute(delete(RECORDS).where(chosen))
    owner.seq, owner.records, owner.bytes = owner.seq + count, owner.records - count, owner.bytes - int(size)
    owner.dirty = owner.dirty or job.asked
    owners.keep(connection, owner)
    before = job.counts or {"blobs": 0, "bytes": 0, "grants": 0, "records": 0}
    went = {"bytes": before["bytes"] + int(size), "records": before["records"] + count}
    return replace(job, counts={**before, **went})


def _record(name: str) -> bytes:
    try:
        return bytes.fromhex(name)
    except ValueError:
        raise NoRecord("not the id of a record", record=name[:40]) from None


def _shut(connection: Connection, job: Job, mine: Iterable[bytes]) -> Job:
    """Owners are shut: whoever comes from now on finds nobody."""
    gone = tuple(mine)
    total = {"blobs": 0, "bytes": 0, "grants": 0, "records": 0}
    dead: list[Holder] = []
    for each in gone:
        owner = owners.take(connection, each)
        total["records"] += owner.records
        total["bytes"] += owner.bytes
        for name, table in (("blobs", BLOBS), ("grants", GRANTS)):
            counted = select(func.count()).select_from(table).where(table.c.owner == each)
            total[name] += connection.execute(counted).scalar_one()
        # The next generation's slot is there if a freshening was cut off.
        dead += [owner.holder, Holder(each, owner.generation + 1)]
    connection.execute(update(OWNERS).where(OWNERS.c.id.in_(gone)).values(generation=0))
    return replace(job, step=Step.SHUT, owners=gone, dead=tuple(dead), counts=total)
