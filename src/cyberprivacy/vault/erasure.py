"""Erasing, step by step, until there is a receipt. A process that was killed goes on where the job's row says.

    rows gone or shut -> living keys wrapped anew -> dead ones overwritten -> epoch retired -> purged -> receipt

Many jobs go together: an epoch is retired once for all of them, and the database scrubbed once. The order is that
of the promise: first the key, as no copy of the ciphertext anywhere opens without it; then what we can reach.

Source: docs/spec/udi-1.md, "Erasing".
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from cyberprivacy.ledger.commitment import ERASURE, Commitment
from cyberprivacy.vault import orders
from cyberprivacy.vault.commitments import commit
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.erasing import Job, Scope, Step, What, ask
from cyberprivacy.vault.freshening import freshen
from cyberprivacy.vault.onward import onward
from cyberprivacy.vault.receipt import Signer, leaf, receipt
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.tables import ACCOUNTS, BLOB_PARTS, BLOBS, ERASURES, OWNERS, RECORDS

BATCH: Final = 1_000
"""Rows that one transaction deletes."""
DAY: Final = 86_400


class Erasure:
    """The erasing of one vault; one process runs it, one call at a time.

    Attributes:
        backup_days: how long the operator keeps copies of the database; receipts name the day.
    """

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        signer: Signer,
        *,
        backup_days: int = 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Erase in `database` and in the key store of `ring`; sign receipts."""
        self._database, self._ring, self._signer = database, ring, signer
        self._clock, self.backup_days = clock, backup_days

    def run(self, *, dirty_before: int = 0) -> tuple[Job, ...]:
        """Bring every job to its end; those that ended now, with their receipts.

        Also gives owners another generation whose records were deleted before `dirty_before` (POSIX seconds), so
        that plain deletions become final too: a nightly run passes the present.

        Raises:
            TryLater: a disk, or a reader that holds the database's log, was in the way; run it again.
            Untrusted: a key, or the key file, is damaged.
        """
        if dirty_before:  # looks at every owner
            self._ask_for_dirty(dirty_before)
        for owner in {job.subject for job in self._at(Step.ASKED)}:
            self._freshen(owner)
        shut = self._at(Step.SHUT)
        if shut:
            self._ring.store.destroy(holder for job in shut for holder in job.dead)
            self._move(shut, step=Step.OVERWRITTEN)
        overwritten = self._at(Step.OVERWRITTEN)
        if overwritten:
            epoch = self._ring.store.turn()
            self._move(overwritten, step=Step.RETIRED, epoch=epoch)
        for job in self._at(Step.RETIRED):
            self._purge(job)
            self._move([job], step=Step.PURGED)
        purged = self._at(Step.PURGED)
        if purged:
            self._database.scrub()
        return tuple(self._finish(job) for job in purged)

    def _at(self, step: Step) -> Sequence[Job]:
        with self._database.reading() as connection:
            rows = connection.execute(_AT, {"at": step.value}).all()
        return [Job.of(row) for row in rows]

    def _move(self, jobs: Sequence[Job], *, step: Step, epoch: int | None = None) -> None:
        """Jobs have come so far; many in one transaction, but others may write in between."""
        for start in range(0, len(jobs), BATCH):
            with self._database.transaction() as connection:
                for job in jobs[start : start + BATCH]:
                    _keep(connection, replace(job, step=step, epoch=job.epoch if epoch is None else epoch))

    def _ask_for_dirty(self, before: int) -> None:
        """A job for every owner whose deleted records have waited long enough."""
        with self._database.transaction() as connection:
            for owner in connection.execute(_DIRTY, {"before": before}).scalars().all():
                ask(connection, owner, Scope(What.DELETED), now=int(self._clock()))

    def _freshen(self, owner: bytes) -> None:
        """One generation for all jobs of an owner that were asked for so far."""
        with self._database.transaction() as connection:
            shut = connection.execute(_OPEN, {"wanted": owner}).first() is None
            # Whoever had all of the owner erased meanwhile takes these keys along.
            dead = () if shut else (freshen(connection, self._ring, owner),)
            for row in connection.execute(_ASKED, {"wanted": owner}).all():
                _keep(connection, replace(Job.of(row), step=Step.SHUT, dead=dead))

    def _purge(self, job: Job) -> None:
        """Rows of shut owners, in small transactions; with the last goes the owner, or the account."""
        if job.scope.what not in (What.OWNER, What.ACCOUNT):
            return
        for owner in job.owners:
            for table, key in (
                (RECORDS, RECORDS.c.id),
                (BLOB_PARTS, BLOB_PARTS.c.digest),
                (BLOBS, BLOBS.c.digest),
            ):
                some = select(key).where(table.c.owner == owner).limit(BATCH)
                while self._delete(delete(table).where(table.c.owner == owner, key.in_(some))) == BATCH:
                    pass
            self._delete(delete(OWNERS).where(OWNERS.c.id == owner))
        if job.scope.what is What.ACCOUNT:
            self._delete(delete(ACCOUNTS).where(ACCOUNTS.c.id == job.subject))

    def _delete(self, statement: Any) -> int:
        with self._database.transaction() as connection:
            return connection.execute(statement).rowcount

    def _finish(self, job: Job) -> Job:
        for holder in job.dead:  # whoever looked one up at the last moment holds it no longer either
            self._ring.forget(holder)
        now = int(self._clock())
        label = self._ring.store.root.label
        until = now + self.backup_days * DAY
        told = self._told(job, now)
        made = receipt(job, self._signer, root=label, now=now, backups_until=until, recipients=told)
        done = replace(job, step=Step.DONE, receipt=made)
        with self._database.transaction() as connection:
            _keep(connection, done, receipt=made, done=now)
            commit(connection, Commitment(ERASURE, leaf(made)))
        return done

    def _told(self, job: Job, now: int) -> list[dict[str, object]]:
        """The recipients that were told to erase what they had of owners that are gone, as far as they are.

        Of what came from elsewhere: those to whom it may have been given on.
        """
        if job.scope.what not in (What.OWNER, What.ACCOUNT, What.GRANT):
            return []
        with self._database.reading() as connection:
            if job.scope.what is What.GRANT:
                return onward(connection, job.subject, now=now)
            return [orders.shown(each) for each in orders.of(connection, job.owners)]


def _keep(connection: Connection, job: Job, **ended: object) -> None:
    connection.execute(update(ERASURES).where(ERASURES.c.id == job.id).values({**job.row(), **ended}))


_AT: Final = select(ERASURES).where(ERASURES.c.step == bindparam("at")).order_by(ERASURES.c.id)
_ASKED: Final = select(ERASURES).where(
    ERASURES.c.owner == bindparam("wanted"), ERASURES.c.step == Step.ASKED.value
)
_OPEN: Final = select(OWNERS.c.id).where(OWNERS.c.id == bindparam("wanted"), OWNERS.c.generation > 0)
_DIRTY: Final = select(OWNERS.c.id).where(OWNERS.c.dirty < bindparam("before"), OWNERS.c.generation > 0)
