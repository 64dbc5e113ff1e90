"""What a recipient remembers of each grant that it follows, and how it takes in what comes: exactly once.

A change and the place to go on from are one transaction, so whenever this process dies, the next one asks for
the change after the last that was applied. Records keep their bytes; their ids here follow from the source's,
so that no source can name, and change, a record that came from elsewhere.
"""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.change import Change, Create, Delete, Update
from cyberprivacy.vault.changing import NoRecord
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.tables import FOLLOWED, FOLLOWINGS


class State(Enum):
    """How it stands with a following."""

    FOLLOWING = "following"
    WAITING = "waiting"
    ENDED = "ended"


class NotFollowed(Misuse):
    """This place follows no such grant."""

    code = "following.unknown"
    hint = "Hand the grant in first."


@dataclass(frozen=True, slots=True)
class Following:
    """One grant under which records come here.

    Attributes:
        owner: whose, as this application knows them, 32 bytes.
        source: site of the vault that holds the records.
        cursor: the last change there that was dealt with.
        received: changes that were applied. refused: records that could not be taken.
        why: reason code of the state; "" while all is well.
        begun, heard: POSIX seconds.
    """

    owner: bytes
    grant: Grant
    source: str
    cursor: int
    received: int
    refused: int
    state: State
    why: str
    begun: int
    heard: int


@dataclass(frozen=True, slots=True)
class Came:
    """A change at the source, and what the record is now; None = it is gone, or not to be read.

    Attributes:
        seq: of the change.
        record: id at the source, 16 bytes.
        kind: data type with its version.
    """

    seq: int
    record: bytes
    kind: str
    body: bytes | None


class Followings:
    """The followings of one place."""

    def __init__(self, database: Database, records: Records) -> None:
        self._database, self._records = database, records

    def begin(self, connection: Connection, owner: bytes, document: bytes, source: str, now: int) -> None:
        """Remember a grant that was admitted in this transaction."""
        row = {"owner": owner, "grant": SignedGrant.decode(document).grant.id, "document": document}
        counts = dict.fromkeys(("cursor", "received", "refused"), 0)
        state = {"state": State.FOLLOWING.value, "why": "", "begun": now, "heard": now}
        connection.execute(insert(FOLLOWINGS).values(**row, source=source, **counts, **state))

    def all(self, owner: bytes | None = None) -> list[Following]:
        """Every following, or one person's, oldest first."""
        found = select(FOLLOWINGS).order_by(FOLLOWINGS.c.begun, FOLLOWINGS.c.grant)
        if owner is not None:
            found = found.where(FOLLOWINGS.c.owner == owner)
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(found)]

    def one(self, owner: bytes, grant: bytes) -> Following:
        """One following.

        Raises:
            NotFollowed: there is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(FOLLOWINGS).where(_is(owner, grant))).first()
        if row is None:
            raise NotFollowed("no such following", grant=grant.hex())
        return _read(row)

    def stands(self, owner: bytes, grant: bytes, state: State, why: str, now: int) -> None:
        """Write down how it stands; what has ended stays ended."""
        with self._database.transaction() as connection:
            connection.execute(
                update(FOLLOWINGS)
                .where(_is(owner, grant), FOLLOWINGS.c.state != State.ENDED.value)
                .values(state=state.value, why=why[:64], heard=now)
            )

    def apply(self, following: Following, came: Came, now: int) -> None:
        """Take a change in, or pass it by if it was dealt with before; whatever becomes of it is counted.

        Raises:
            TryLater: not now; the same change comes again.
        """
        owner, grant = following.owner, following.grant
        try:
            with self._database.transaction() as connection:
                if self._steps(connection, owner, grant.id, came.seq, now, "received"):
                    self._take(connection, following, came)
        except TryLater:
            raise
        except CyberPrivacyError:
            # The transaction is gone and the record with it: what a person should know is that one is missing.
            with self._database.transaction() as connection:
                self._steps(connection, owner, grant.id, came.seq, now, "refused")

    def _take(self, connection: Connection, following: Following, came: Came) -> None:
        owner, id_ = following.owner, local_id(following.grant.source.account, came.record)
        try:
            there = self._records.read(connection, owner, id_)
        except NoRecord:
            there = None
        change: Change | None = None
        if there is None and came.body is not None:
            change = Create(came.kind, came.body, id_)
        elif there is not None and came.body is None:
            change = Delete(id_, there.rev)
        elif there is not None and came.body is not None and there.body != came.body:
            change = Update(id_, there.rev, came.body)
        if change is not None:
            self._records.change(connection, owner, [change])
        self._note(connection, following, id_, gone=came.body is None)

    def _note(self, connection: Connection, following: Following, record: bytes, *, gone: bool) -> None:
        """Write down under which grant a record came, for when that is to be erased."""
        row = {"owner": following.owner, "grant": following.grant.id, "record": record}
        mine = and_(*(FOLLOWED.c[name] == value for name, value in row.items()))
        if gone:
            connection.execute(delete(FOLLOWED).where(mine))
        elif connection.execute(select(FOLLOWED.c.record).where(mine)).first() is None:
            connection.execute(insert(FOLLOWED).values(row))

    def _steps(self, connection: Connection, owner: bytes, grant: bytes, seq: int, now: int, counted: str) -> bool:
        """Go on to a change; False where this was done before, or nothing more may come."""
        counter = FOLLOWINGS.c[counted]
        stepped = connection.execute(
            update(FOLLOWINGS)
            .where(_is(owner, grant), FOLLOWINGS.c.cursor < seq, FOLLOWINGS.c.state != State.ENDED.value)
            .values({"cursor": seq, counted: counter + 1, "heard": now})
        )
        return stepped.rowcount == 1


def local_id(source: bytes, record: bytes) -> bytes:
    """The id here, 16 bytes, of a record of a source's account (32 bytes) with this id (16 bytes) there.

    It sorts by time as the other does.
    """
    return record[:6] + sha256(b"udi/1 followed\0" + source + record).digest()[:10]


def _is(owner: bytes, grant: bytes) -> ColumnElement[bool]:
    return and_(FOLLOWINGS.c.owner == owner, FOLLOWINGS.c.grant == grant)


def _read(row: Row[Any]) -> Following:
    return Following(
        owner=row.owner,
        grant=SignedGrant.decode(row.document).grant,
        source=row.source,
        cursor=row.cursor,
        received=row.received,
        refused=row.refused,
        state=State(row.state),
        why=row.why,
        begun=row.begun,
        heard=row.heard,
    )
