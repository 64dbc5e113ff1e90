"""Transactions of one database: whose turn it is to write, and what shares one.

SQLite has one writer. Those who wait for it queue up here, each woken when it is its turn; SQLite's own way, to
look again after a while, lets some wait for seconds. A commit waits for the disk, so one thread may do what many
have asked for and end it with one commit: `together`. In it each change is still all or nothing by itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    """A transaction that one thread has open for several changes, or for several looks.

    Attributes:
        writes: whether anything may be changed in it.
        failed: the engine refused to go on with it.
    """

    connection: Connection
    writes: bool
    failed: bool = False

    def check(self) -> None:
        """Refuse to go on with what has failed; raises Undone."""
        if self.failed:
            raise Undone("another change made all fail that shared its commit")


class Turns:
    """The transactions of one database, by an engine for changes and one for looks.

    Whoever waits longer than `patience` seconds for their turn is told so.
    """

    def __init__(self, engine: Engine, looking: Engine, patience: float) -> None:
        self._engine, self._looking, self._patience = engine, looking, patience
        self._turn = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of its own, or its part of the one that this thread has open.

        Raises:
            Undone: that one failed before.
            WaitedTooLong: as it says.
        """
        shared = self.shared
        if shared is None:
            with self._in_turn(), self._engine.begin() as connection:
                yield connection
        elif shared.writes:
            with _part(shared) as connection:
                yield connection
        else:
            raise Misuse("a change within a look", code="database.order", hint="")

    @contextmanager
    def together(self, *, writes: bool) -> Iterator[None]:
        """All transactions of this thread within the block are parts of one, which ends with it.

        Nothing that was done inside may be told to anybody before.

        Raises:
            Undone: none of it happened. WaitedTooLong: as it says.
        """
        with self._turn_to_write() if writes else self.snapshot() as connection:
            self._mine.shared = shared = Shared(connection, writes)
            try:
                yield
            finally:
                self._mine.shared = None
            shared.check()

    @property
    def shared(self) -> Shared | None:
        """What this thread has open for several changes or looks."""
        found: Shared | None = getattr(self._mine, "shared", None)
        return found

    @contextmanager
    def _turn_to_write(self) -> Iterator[Connection]:
        with self._in_turn(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction of its own that can only look."""
        with self._looking.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """On SQLite, the only writer of this process."""
        if self._engine.dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise WaitedTooLong("another writer was in the way")
        try:
            yield
        finally:
            self._turn.release()


@contextmanager
def _part(shared: Shared) -> Iterator[Connection]:
    """A change that is undone by itself, if it has to be."""
    with _unless_failed(shared):
        _BEGIN.run(shared.connection)
        try:
            yield shared.connection
        except BaseException:
            try:
                _UNDO.run(shared.connection)
                _END.run(shared.connection)
            except DBAPIError:  # the engine has undone more than this part: what led to that is told
                shared.failed = True
            raise
        _END.run(shared.connection)


@contextmanager
def _unless_failed(shared: Shared) -> Iterator[None]:
    shared.check()
    try:
        yield
    except DBAPIError:  # the engine may have ended the transaction by itself
        shared.failed = True
        raise


_BEGIN: Final = Statement(text("SAVEPOINT part"))
_UNDO: Final = Statement(text("ROLLBACK TO SAVEPOINT part"))
_END: Final = Statement(text("RELEASE SAVEPOINT part"))
