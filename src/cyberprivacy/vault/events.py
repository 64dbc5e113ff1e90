"""What has changed, told in order to those who may know: the outbox as CloudEvents, from any place on.

An event names a record and its revision, never what is in it; who may read fetches it. Told at least once: whoever
listens keeps the last number that it has dealt with, and asks for what comes after. Source: docs/spec/udi-1.md,
"Events"; CloudEvents 1.0, JSON format.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, select

from cyberprivacy import canonical, strict_json
from cyberprivacy.vault.changing import NoRecord
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.tables import OUTBOX

MAX_BATCH: Final = 500
RECHECK: Final = 30.0
"""Seconds after which a silent stream asks again whether it may go on."""

Permit = Callable[[Connection], Sequence[Scope] | None]
"""The scopes under which somebody listens now; None = the owner. Raises what ends the stream."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    Attributes:
        owner: whose record, as this application knows them; 32 bytes.
        seq: place among the owner's changes, from 1.
        change: "created", "updated" or "deleted".
        record: id, 16 bytes.
        rev: its revision then.
        at: POSIX seconds.
    """

    owner: bytes
    seq: int
    change: str
    data_type: str
    record: bytes
    rev: int
    at: int

    def encode(self) -> bytes:
        """The CloudEvent, canonical JSON."""
        return canonical.encode(
            {
                "specversion": "1.0",
                "id": str(self.seq),
                "source": f"urn:udi:account:{self.owner.hex()}",
                "type": f"{self.data_type}.{self.change}",
                "subject": self.record.hex(),
                "time": datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "datacontenttype": "application/json",
                "data": {"rev": self.rev},
            }
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Events, and how far the outbox was read for them: the next ones come after `cursor`."""

    events: tuple[Event, ...]
    cursor: int


class Feed:
    """The events of one owner (pairwise id, 32 bytes) for one listener."""

    def __init__(self, database: Database, records: Records, owner: bytes, permit: Permit) -> None:
        """Tell what `permit` allows; it is asked again for each batch."""
        self._database, self._records, self._owner, self._permit = database, records, owner, permit

    def next(self, after: int, *, limit: int = 100) -> Batch:
        """What came after a place, in order.

        Raises:
            CyberPrivacyError: what `permit` raises.
        """
        with self._database.reading() as connection:
            scopes = self._permit(connection)
            found = select(OUTBOX).where(OUTBOX.c.owner == self._owner, OUTBOX.c.seq > after)
            rows = connection.execute(found.order_by(OUTBOX.c.seq).limit(min(limit, MAX_BATCH))).all()
            events = [Event(r.owner, r.seq, r.change, r.type, r.record, r.rev, r.at) for r in rows]
            told = tuple(each for each in events if scopes is None or self._granted(connection, each, scopes))
        return Batch(told, events[-1].seq if events else after)

    def waiting(self, after: int) -> bool:
        """Whether anything came after a place; nobody is told what."""
        with self._database.reading() as connection:
            found = select(OUTBOX.c.seq).where(OUTBOX.c.owner == self._owner, OUTBOX.c.seq > after)
            return connection.execute(found.limit(1)).first() is not None

    async def follow(
        self, after: int, wait: Callable[[], Awaitable[None]], *, clock: Callable[[], float] = time.monotonic
    ) -> AsyncIterator[Batch]:
        """Batch after batch, for ever; one without events at least every 30 s, as a sign of life.

        Args:
            after: the last number that the listener has dealt with; 0 = none.
            wait: returns when something may have come, after a second at most.
            clock: seconds, for `RECHECK`.

        Raises:
            CyberPrivacyError: what `permit` raises; the stream ends.
        """
        asked = -RECHECK
        while True:
            silent = clock() - asked >= RECHECK
            if silent or await asyncio.to_thread(self.waiting, after):
                batch = await asyncio.to_thread(self.next, after)
                asked, after = clock(), batch.cursor
                if batch.events or silent:
                    yield batch
            else:
                await wait()

    def _granted(self, connection: Connection, event: Event, scopes: Sequence[Scope]) -> bool:
        mine = [s.selector for s in scopes if s.data_type == event.data_type and Action.SUBSCRIBE in s.actions]
        if not mine or event.change == "deleted" or any(str(selector) == "all" for selector in mine):
            # Of what is gone nobody can say whether it was selected; that it is gone, who has it must know.
            return bool(mine)
        try:
            record = self._records.read(connection, self._owner, event.record)
        except NoRecord:
            return False
        value = strict_json.read(record.body, limit=len(record.body))
        return any(selector.matches(value, record.changed) for selector in mine)
