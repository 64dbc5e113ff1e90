"""What users contribute to an application's statistics: one number for each who agreed, never a record.

The numbers go to the node, which adds noise before anybody sees an answer (`admin.statistics`). Names beside them
are made anew for each question, so that two answers cannot be laid side by side.
Source: docs/spec/udi-1.md, "Statistics"; docs/reference/administration.md.
"""

import hmac
import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from cyberprivacy import strict_json
from cyberprivacy.bundle.declared import FromRecords
from cyberprivacy.vault import owners
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.tables import COUNTED, OWNERS, RECORDS
from cyberprivacy.vault.types import MAX_BODY

_LARGEST: Final = 1 << 53
_NAME: Final = 8
"""Bytes of a name: a quarter of a million differ, and their list stays short."""


def since(connection: Connection, owner: bytes) -> int | None:
    """Since when somebody is counted, POSIX seconds; None if they are not."""
    found: int | None = connection.execute(select(COUNTED.c.since).where(COUNTED.c.owner == owner)).scalar()
    return found


def agree(connection: Connection, owner: bytes, *, now: int) -> None:
    """Count somebody from now on; who is counted already stays so.

    Raises:
        NoOwner: nobody is known here under this id.
    """
    owners.take(connection, owner)
    if since(connection, owner) is None:
        connection.execute(insert(COUNTED).values(owner=owner, since=now))


def disagree(connection: Connection, owner: bytes) -> None:
    """Count somebody no longer."""
    connection.execute(delete(COUNTED).where(COUNTED.c.owner == owner))


def contributions(
    connection: Connection, records: Records, app: str, asked: FromRecords, *, now: int
) -> list[tuple[str, int]]:
    """A number for each user of an application who agreed and has such a record, in no order that matters.

    Args:
        connection: reads.
        records: of the vault.
        app: the application.
        asked: as its release declares it.
        now: POSIX seconds.

    Raises:
        Untrusted: a key is gone, or a row is not what was sealed.
    """
    oldest = max(0, now - asked.within) if asked.within else 0
    if asked.take == "records":
        found = _numbers(connection, app, asked.type, oldest)
    else:
        found = _read(_those(connection, records, app, asked.type, oldest), asked)
    secret = os.urandom(32)
    return sorted((hmac.digest(secret, owner, sha256)[:_NAME].hex(), number) for owner, number in found)


def _numbers(connection: Connection, app: str, kind: str, oldest: int) -> Iterator[tuple[bytes, int]]:
    """How many records each has, of which none needs to be opened."""
    counted = (
        select(RECORDS.c.owner, func.count())
        .where(RECORDS.c.owner.in_(_AGREED.where(OWNERS.c.app == app)))
        .where(RECORDS.c.type == kind, RECORDS.c.changed >= oldest)
        .group_by(RECORDS.c.owner)
    )
    return ((owner, number) for owner, number in connection.execute(counted))


def _those(
    connection: Connection, records: Records, app: str, kind: str, oldest: int
) -> Iterator[tuple[bytes, Record]]:
    agreed = _AGREED.where(OWNERS.c.app == app)
    return records.of_several(connection, agreed, kind=kind, since=oldest)


def _read(found: Iterable[tuple[bytes, Record]], asked: FromRecords) -> Iterator[tuple[bytes, int]]:
    """The sum or the latest of a field of each owner's records; whose records have none is left out."""
    for owner, theirs in groupby(found, key=itemgetter(0)):
        values = [
            (record.changed, record.id, value)
            for _, record in theirs
            if (value := _number(record, asked.field)) is not None
        ]
        if values:
            number = max(values)[2] if asked.take == "latest" else sum(value for _, _, value in values)
            yield owner, min(max(number, -_LARGEST), _LARGEST)


def _number(record: Record, field: str) -> int | None:
    """A field as a whole number; JSON does not say whether 1.0 is one, so its value decides."""
    body = strict_json.read(record.body, limit=MAX_BODY)
    value = body.get(field) if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


_AGREED: Final = (
    select(COUNTED.c.owner).join(OWNERS, OWNERS.c.id == COUNTED.c.owner).where(OWNERS.c.generation > 0)
)
