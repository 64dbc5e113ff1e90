"""Where a vault keeps everything but its keys: one SQLite file, or PostgreSQL. Same tables, same statements.

* `transaction()` is for changes. On SQLite there is one writer at a time; on PostgreSQL whoever changes what an
  owner has locks that owner's row first (`records`), so two devices are one after the other on both.
* `reading()` is one snapshot: all that is read in it was true at one moment.

Every commit is on disk before it is acknowledged (SQLite: WAL, `synchronous=FULL`; PostgreSQL: its own default).
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.vault import migrations
from cyberprivacy.vault.bell import Bell
from cyberprivacy.vault.turns import Part, Turns

BUSY: Final = 10
"""Seconds to wait for another writer before giving up."""
THREADS: Final = 40
"""Connections to SQLite that are kept: as many as threads serve. Making one costs more than using it."""

_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # freed bytes of a page are overwritten, not only unlinked
    "temp_store=MEMORY",
    "trusted_schema=OFF",
)
_FULL: Final = ("SQLITE_FULL", "53100")
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "40001", "40P01", "55P03")
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
_PLACE: Final = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "42501", "25006")


class Database:
    """An open database whose tables are those of this program."""

    def __init__(self, engine: Engine, looking: Engine) -> None:
        """Take an engine, and one for looks at the same tables; `open` makes them, and the tables."""
        self._engine = engine
        self._turns = Turns(engine, looking, BUSY)
        self.bell = Bell()

    @classmethod
    def open(cls, url: str) -> Self:
        """Open, and bring the tables to this program's version.

        Args:
            url: `sqlite:///relative.db`, `sqlite:////absolute.db`, or `postgresql://user@host/name`. Without
                password: libpq reads it from PGPASSFILE.

        Raises:
            Misuse: no such kind of database ("database.url"), a password in it ("database.password"), made by a
                newer program ("database.newer"), or it cannot be there ("database.place").
            TryLater: it does not answer, is busy or full.
            Untrusted: "database.damaged".
        """
        address = _address(url)
        engine = _engine(address)
        database = cls(engine, _engine(address, looks=True) if engine.dialect.name == "sqlite" else engine)
        try:
            with refusals(opening=True), database._turns.begun(writes=True) as connection:
                migrations.run(connection)
        except BaseException:
            database.close()
            raise
        return database

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        name = self._engine.url.database
        return Path(name) if self._engine.dialect.name == "sqlite" and name else None

    @property
    def version(self) -> object:
        """What was seen of anything but records is still so while this is the same object (see `Turns`)."""
        return self._turns.version

    @property
    def seen(self) -> object:
        """The version that this context sees, or an older one; to be asked for before looking."""
        return self._turns.seen

    def transaction(self, *, checked: bool = False) -> AbstractContextManager[Connection]:
        """All that is changed inside happens, or none of it.

        `checked`: only records are changed, and none before all that the block may refuse is checked; cheaper, see
        `Part` and `version`.

        Raises:
            TryLater: "database.busy", "database.full", "database.unreachable"; nothing was changed, except that a
                commit whose answer was lost may have happened.
            Untrusted: "database.damaged".
        """
        shared = self._turns.shared
        return (
            self._alone(writes=True, more=not checked)
            if shared is None
            else _Within(shared, writes=True, checked=checked)
        )

    def reading(self) -> AbstractContextManager[Connection]:
        """One snapshot, which nothing can be written through; raises as `transaction`."""
        shared = self._turns.shared
        return self._alone(writes=False) if shared is None else _Within(shared, writes=False)

    @contextmanager
    def _alone(self, *, writes: bool, more: bool = False) -> Iterator[Connection]:
        try:
            with refusals(), self._turns.begun(writes=writes) as connection:
                yield connection
        finally:
            if more:  # also if it failed: a commit whose answer was lost may have happened
                self._turns.version = object()
        if writes:
            self.bell.ring()

    @contextmanager
    def together(self, *, writes: bool) -> Iterator[None]:
        """One commit, or one snapshot, for all of this context inside; each `transaction` stays all or nothing.

        Nothing of it may be told to anybody before the end.

        Raises:
            TryLater: as `transaction`, then nothing of all that happened.
        """
        with refusals(), self._turns.together(writes=writes):
            yield
        if writes:
            self.bell.ring()

    def scrub(self) -> None:
        """Rid the database's own files of what was deleted; takes as long as the database is large on PostgreSQL.

        SQLite overwrites deleted bytes itself (`secure_delete`), but the log still holds them until it is emptied.
        PostgreSQL keeps dead rows until VACUUM; its WAL keeps them until the server recycles it, which nobody
        outside the server can hasten: that is what the key store is for.

        Raises:
            TryLater: "database.busy": a reader still needs the log; else as `transaction`.
        """
        with refusals(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
                if busy:
                    raise DatabaseBusy("somebody still reads", code="database.busy")
            else:
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                alone.execute(text("VACUUM"))
                alone.execute(text("CHECKPOINT"))

    def close(self) -> None:
        """Let go of every connection."""
        self._turns.close()


class _Within(Part):
    """As its base; what a driver says is told in the project's words."""

    __slots__ = ()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, DBAPIError):
            told = _told(error, opening=False)
            if told is not None:
                raise told from None


class DatabaseBusy(TryLater):
    """The database cannot do that right now."""

    code = "database.unreachable"
    hint = "Try again; if it stays so, look at the database's own log and at the disk."


class DatabaseDamaged(Untrusted):
    """The database's files are not what the database wrote."""

    code = "database.damaged"
    hint = "Stop the vault and restore the newest backup of the database; keys are kept apart and stay."


class NoDatabase(Misuse):
    """There cannot be a database of ours at this address."""

    code = "database.url"
    hint = "Name sqlite:///FILE or postgresql://USER@HOST/NAME."


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one of its key is there, or comes from elsewhere at this moment; whether it was new."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    made = insert(table).values(row).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(made).first() is not None


@contextmanager
def refusals(*, opening: bool = False) -> Iterator[None]:
    """Tell what a driver says in the project's words; what is a bug of ours passes as it is.

    Whoever opens a database hears where it should have been; a stranger who calls a vault does not.
    """
    try:
        yield
    except DBAPIError as error:
        told = _told(error, opening=opening)
        if told is None:
            raise
        raise told from None


def _told(error: DBAPIError, *, opening: bool) -> CyberPrivacyError | None:
    """A driver's error as one of ours, None if it is no matter of disk, network or engine."""
    cause = error.orig
    name = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if name.startswith(_FULL):
        return DatabaseBusy("no room is left for the database", code="database.full", reason=name)
    if name.startswith(_BUSY):
        return DatabaseBusy("another writer was in the way", code="database.busy", reason=name)
    if name.startswith(_DAMAGED):
        return DatabaseDamaged("the database is damaged", reason=name)
    if name.startswith(_PLACE):
        return NoDatabase("the database cannot be used", code="database.place", reason=name)
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        said = str(cause).strip().splitlines()[:1] if opening else []
        return DatabaseBusy("the database does not answer", reason=name or "".join(said) or type(cause).__name__)
    return None


def _address(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise NoDatabase("not the address of a database") from None
    if parsed.drivername not in ("sqlite", "postgresql") or not parsed.database or parsed.database == ":memory:":
        raise NoDatabase("not a database that a vault can use", kind=parsed.drivername)
    if parsed.password is not None or "password" in parsed.query:
        raise NoDatabase(
            "an address with a password in it is seen by everybody on this machine",
            code="database.password",
            hint="Put the password into the file that PGPASSFILE names, mode 0600.",
        )
    return parsed.set(
        drivername={"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}[parsed.drivername]
    )


def _engine(address: URL, *, looks: bool = False) -> Engine:
    """On SQLite looks have connections of their own: one that is made read-only forgets what it has prepared."""
    if address.drivername == "postgresql+psycopg":
        return create_engine(address, pool_pre_ping=True, pool_size=8, connect_args={"connect_timeout": BUSY})
    _private(Path(address.database or ""))
    engine = create_engine(address, pool_size=THREADS, connect_args={"timeout": BUSY})
    event.listen(engine, "connect", _prepare)
    if looks:
        event.listen(engine, "connect", _only_look)
    return engine


def _private(file: Path) -> None:
    """Make the file for its owner alone; SQLite gives its log and its index the same mode."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise NoDatabase("the database cannot be there", code="database.place", reason=error.strerror) from None


def _prepare(connection: Any, _record: object) -> None:
    """Settings of one SQLite connection; transactions are begun by `turns`, never by the driver."""
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError("not a connection of sqlite3")
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _only_look(connection: sqlite3.Connection, _record: object) -> None:
    """Nothing can be written through this one."""
    connection.execute("PRAGMA query_only=ON").fetchall()
