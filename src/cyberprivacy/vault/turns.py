"""Transactions of one database: whose turn it is to write, and what shares one.

SQLite has one writer. Those who wait for it queue up here, each woken when it is its turn; SQLite's own way, to
look again after a while, lets some wait for seconds. A commit waits for the disk, so one thread may do what many
have asked for and end it with one commit: `together`. In it each change is still all or nothing by itself.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.vault.statement import Statement


class WaitedTooLong(TryLater):
    """It was always another writer's turn."""

    code = "database.busy"
    hint = "Try again; if it stays so, look at the database's own log and at the disk."


class Undone(TryLater):
    """A change was undone because of another that was to share its commit."""

    code = "database.undone"
    hint = "Send it again."


@dataclass(slots=True)
class Shared:
    """A transaction that is open for several changes, or for several looks, which are made one after the other.

    Attributes:
        writes: whether anything may be changed in it.
        version: of the database before it began; see `Turns`.
        more: whether more than records may have been changed in it.
        failed: the engine refused to go on with it, or what was to be undone cannot be.
    """

    connection: Connection
    writes: bool
    version: object
    more: bool = False
    failed: bool = False

    def check(self) -> None:
        """Refuse to go on with what has failed; raises Undone."""
        if self.failed:
            raise Undone("another change made all fail that shared its commit")

    @property
    def changed(self) -> int | None:
        """A number that grows with each row that is changed; None where the driver does not count."""
        found: int | None = getattr(self.connection.connection.dbapi_connection, "total_changes", None)
        return found


class Part:
    """A change, or a look, within what is open for several. A change that fails is undone alone.

    Each request has some, so it is no generator. Entering raises Undone: what it is a part of failed before.
    To be able to undo one, SQLite copies each page that it touches. That is spared where nothing is changed before
    all is `checked`: if that is not kept, all fail that are open. Such a part changes records, and nothing else.
    """

    __slots__ = ("_checked", "_noted", "_shared", "_writes")

    def __init__(self, shared: Shared, *, writes: bool, checked: bool = False) -> None:
        """Take what is open; raises Misuse where a change is asked for within a look ("database.order")."""
        if writes and not shared.writes:
            raise Misuse("a change within a look", code="database.order", hint="")
        self._shared, self._writes, self._checked = shared, writes, checked
        shared.more |= writes and not checked

    def __enter__(self) -> Connection:
        self._shared.check()
        self._noted = self._shared.changed if self._checked else None
        if self._writes and self._noted is None:
            _BEGIN.run(self._shared.connection)
        return self._shared.connection

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, DBAPIError):  # the engine may have ended the transaction by itself
            self._shared.failed = True
        if self._noted is not None:
            if error is not None and self._shared.changed != self._noted:
                self._shared.failed = True
        elif self._writes:
            try:
                if error is not None:
                    _UNDO.run(self._shared.connection)
                _END.run(self._shared.connection)
            except DBAPIError:  # the engine has undone more than this part: what led to that is told
                self._shared.failed = True


class Turns:
    """The transactions of one database, by an engine for changes and one for looks.

    Whoever waits longer than `patience` seconds for their turn is told so.

    Attributes:
        version: another object after each transaction of this process that may have changed more than records, and
            before anybody is told of that change. What was seen since is what is there, but for records.
    """

    def __init__(self, engine: Engine, looking: Engine, patience: float) -> None:
        self._engines, self._patience = {True: engine, False: looking}, patience
        self._alone = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()
        self._idle: dict[bool, list[Connection]] = {True: [], False: []}
        self._mine: ContextVar[Shared | None] = ContextVar("mine", default=None)
        self.version = object()

    @property
    def shared(self) -> Shared | None:
        """What this context has open for several changes or looks."""
        return self._mine.get()

    @property
    def seen(self) -> object:
        """The version that this context sees, or an older one."""
        shared = self._mine.get()
        return self.version if shared is None else shared.version

    def begun(self, *, writes: bool) -> AbstractContextManager[Connection]:
        """A transaction of its own; without `writes` it can only look. Raises WaitedTooLong within."""
        return self._in_turn(writes=writes) if self._alone else self._at_once(writes=writes)

    @contextmanager
    def together(self, *, writes: bool) -> Iterator[None]:
        """All transactions of this context within the block are parts of one, which ends with it.

        So are those of a copy of this context in another thread, for which the block has to wait. Nothing that was
        done inside may be told to anybody before.

        Raises:
            Undone: none of it happened. WaitedTooLong: as it says.
        """
        version, shared = self.version, None
        try:
            with self.begun(writes=writes) as connection:
                shared = Shared(connection, writes, version)
                before = self._mine.set(shared)
                try:
                    yield
                finally:
                    self._mine.reset(before)
                shared.check()
        finally:
            if shared is not None and shared.more:
                self.version = object()

    @contextmanager
    def _in_turn(self, *, writes: bool) -> Iterator[Connection]:
        """On SQLite: the only writer of this process.

        Connections stay at hand. To the toolkit each has one transaction that never ends: to take one from a pool,
        to begin and to end take five times as long in its own way as SQLite needs.
        """
        if writes and not self._turn.acquire(timeout=self._patience):
            raise WaitedTooLong("another writer was in the way")
        try:
            connection = self._at_hand(writes=writes)
            try:
                (_WRITE if writes else _LOOK).run(connection)
                yield connection
                _COMMIT.run(connection)
            except BaseException:
                connection.close()  # which undoes what was done
                raise
            self._idle[writes].append(connection)
        finally:
            if writes:
                self._turn.release()

    def _at_hand(self, *, writes: bool) -> Connection:
        try:
            return self._idle[writes].pop()
        except IndexError:
            connection = self._engines[writes].connect()
            connection.begin()
            return connection

    @contextmanager
    def _at_once(self, *, writes: bool) -> Iterator[Connection]:
        """On PostgreSQL, which has others wait by itself."""
        with self._engines[writes].connect() as connection:
            if not writes:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Let go of every connection."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()
        for engine in self._engines.values():
            engine.dispose()


_LOOK: Final = Statement(text("BEGIN"))
_WRITE: Final = Statement(text("BEGIN IMMEDIATE"))  # who has read first could not become a writer any more
_COMMIT: Final = Statement(text("COMMIT"))
_BEGIN: Final = Statement(text("SAVEPOINT part"))
_UNDO: Final = Statement(text("ROLLBACK TO SAVEPOINT part"))
_END: Final = Statement(text("RELEASE SAVEPOINT part"))
