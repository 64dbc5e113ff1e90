"""Records: what a person wrote, kept sealed, changed all together or not at all, told of in the outbox.

Every call takes part in the caller's transaction (`Database.transaction`, `Database.reading`), so that an import,
or a transfer's cursor, stands or falls with its records. Changes of one owner come one after the other: each
begins by taking the owner's row.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Select, bindparam, delete, literal_column, select

from cyberprivacy.vault import sealing
from cyberprivacy.vault.change import BadChange, Change, Done, check_batch, check_key
from cyberprivacy.vault.changing import Changing, Means, NoRecord
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.sealing import Place, Sealed
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.tables import IDEMPOTENCY, OWNERS, RECORDS

PAGE: Final = 1_000
"""Records on one page, at most."""


class Record(NamedTuple):
    """A record as it is read.

    Attributes:
        id: 16 bytes.
        type: data type with its version.
        rev: from 1.
        body: the bytes that were written.
        created, changed: POSIX seconds.
    """

    id: bytes
    type: str
    rev: int
    body: bytes
    created: int
    changed: int


class Records:
    """The records of one vault."""

    def __init__(self, means: Means) -> None:
        """Judge, seal and count by `means`."""
        self._means = means

    def change(
        self, connection: Connection, owner: bytes, changes: Sequence[Change], *, key: str | None = None
    ) -> tuple[Done, ...]:
        """Make changes, all of them or none; what became of each, in their order.

        The same changes again under an idempotency key change nothing and have the same answer.

        Raises:
            NoOwner, NoRecord, NoType, BadRecord, BadJson, OverQuota: as they say.
            BadChange: malformed; another revision than the caller saw ("record.rev"); an id that is taken
                ("record.exists"); other changes under a key that was used ("idempotency.other").
            NoKey: the owner's key is gone.
        """
        check_batch(changes)
        if key is None:
            return Changing(self._means, connection, owner).make(changes)
        check_key(key)
        changing = Changing(self._means, connection, owner)
        done = changing.answered(key, changes)
        if done is None:
            done = changing.make(changes)
            changing.remember(key, changes, done)
        return done

    def read(self, connection: Connection, owner: bytes, record: bytes) -> Record:
        """One record.

        Raises:
            NoRecord: this owner has none of this id.
            Untrusted: the owner's key is gone, or the row is not what was sealed.
        """
        row = _ONE.row(connection, owned=owner, wanted=record)
        if row is None:
            raise NoRecord("no such record", record=record.hex())
        return _opened(self._key(owner, row), owner, row)

    def among(self, connection: Connection, owner: bytes, ids: Sequence[bytes]) -> Mapping[bytes, Record]:
        """Those records of a list of ids (at most `PAGE`) that this owner has, by their ids; raises as `read`."""
        if not ids or _BETWEEN.row(connection, owned=owner, least=min(ids), most=max(ids)) is None:
            return {}  # what is imported for the first time is looked for with one step, not with one for each
        rows = connection.execute(_AMONG, {"owned": owner, "ids": ids}).all()
        return {row.id: _opened(self._key(owner, tuple(row)), owner, tuple(row)) for row in rows}

    def page(
        self,
        connection: Connection,
        owner: bytes,
        *,
        kind: str | None = None,
        after: bytes = b"",
        limit: int = 100,
    ) -> Sequence[Record]:
        """Records of one type, or of all, in the order of their ids, which is that of their times.

        The last id of a page is `after` of the next one; a page of fewer than `limit` (1 to `PAGE`) is the last.

        Raises:
            Untrusted: as `read`.
        """
        if not 1 <= limit <= PAGE:
            raise BadChange("not the length of a page", code="record.limit", hint=f"1 to {PAGE}.", limit=limit)
        query = _ALL if kind is None else _KIND
        rows = query.rows(connection, owned=owner, kind=kind, after=after, most=limit)
        if not rows:
            return ()
        opened = sealing.opener(self._key(owner, rows[0]), owner)
        return [
            Record(record, type_, rev, opened(record, type_, rev, key, sealed), created, changed)
            for record, type_, rev, key, sealed, created, changed, _ in rows
        ]

    def all(self, connection: Connection, owner: bytes, *, kind: str | None = None) -> Iterator[Record]:
        """Every record, page by page, in the order of their ids."""
        after = b""
        while page := self.page(connection, owner, kind=kind, after=after, limit=PAGE):
            yield from page
            after = page[-1].id

    def of_several(
        self, connection: Connection, owned: Select[tuple[bytes]], *, kind: str, since: int
    ) -> Iterator[tuple[bytes, Record]]:
        """Records of one type of several owners (a query of their ids), owner by owner.

        Those that last changed before `since` (POSIX seconds) are left out.

        Raises:
            Untrusted: as `read`.
        """
        query = (
            _COLUMNS.add_columns(RECORDS.c.owner)
            .where(RECORDS.c.owner.in_(owned), RECORDS.c.type == kind, RECORDS.c.changed >= since)
            .order_by(RECORDS.c.owner, RECORDS.c.id)
        )
        for row in connection.execution_options(yield_per=PAGE).execute(query):
            *shown, owner = row
            yield owner, _opened(self._key(owner, tuple(shown)), owner, tuple(shown))

    def forget_answers(self, connection: Connection, *, before: int) -> int:
        """Drop idempotency keys that were used before this time (POSIX seconds); how many rows that were."""
        return connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.at < before)).rowcount

    def _key(self, owner: bytes, row: tuple[Any, ...]) -> AESGCM:
        return self._means.ring.key(Holder(owner, row[-1]))


def _opened(user: AESGCM, owner: bytes, row: tuple[Any, ...]) -> Record:
    record, kind, rev, key, sealed, created, changed, _ = row
    body = sealing.unseal(user, Place(owner, record, kind, rev), Sealed(key, sealed))
    return Record(record, kind, rev, body, created, changed)


_COLUMNS: Final = select(
    RECORDS.c.id,
    RECORDS.c.type,
    RECORDS.c.rev,
    RECORDS.c.key,
    RECORDS.c.sealed,
    RECORDS.c.created,
    RECORDS.c.changed,
    OWNERS.c.generation,
).join(OWNERS, OWNERS.c.id == RECORDS.c.owner)
_SHOWN: Final = _COLUMNS.where(RECORDS.c.owner == bindparam("owned"))
_PAGE: Final = _SHOWN.where(RECORDS.c.id > bindparam("after")).order_by(RECORDS.c.id).limit(bindparam("most"))
_BETWEEN: Final = Statement(
    select(RECORDS.c.id)
    .where(RECORDS.c.owner == bindparam("owned"), RECORDS.c.id.between(bindparam("least"), bindparam("most")))
    .limit(literal_column("1"))
)
_AMONG: Final = _SHOWN.where(RECORDS.c.id.in_(bindparam("ids", expanding=True)))
_ONE: Final = Statement(_SHOWN.where(RECORDS.c.id == bindparam("wanted")))
_ALL: Final = Statement(_PAGE)
_KIND: Final = Statement(_PAGE.where(RECORDS.c.type == bindparam("kind")))
