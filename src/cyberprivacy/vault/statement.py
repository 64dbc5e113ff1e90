"""Statements that every request runs, put into the driver's words once.

The toolkit's own way of running a statement costs six times what SQLite needs for it. These are written with the
toolkit, like all others, and only run without it; they take and give plain values.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement


class Statement:
    """One statement; values are given by the names of its parameters."""

    def __init__(self, statement: ClauseElement) -> None:
        """Take a statement whose values are all parameters (`bindparam`), or an insert of whole rows."""
        self._statement = statement
        self._words: dict[str, _Words] = {}

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Run it; what it finds, each a tuple in the order of its columns.

        Raises:
            DBAPIError: what the driver says, as the toolkit would; without the values.
        """
        words, driver = self._in_words(connection), _driver(connection)
        try:
            found: list[tuple[Any, ...]] = driver.execute(words.text, words.given(values)).fetchall()
        except words.error as error:
            raise _told(connection, words, error) from error
        return found

    def row(self, connection: Connection, **values: object) -> tuple[Any, ...] | None:
        """As `rows`; the first, or None."""
        found = self.rows(connection, **values)
        return found[0] if found else None

    def run(self, connection: Connection, *each: Mapping[str, object]) -> None:
        """Run it for each of these values, or once if it takes none; raises as `rows`."""
        words, driver = self._in_words(connection), _driver(connection)
        try:
            if len(each) < 2:
                driver.execute(words.text, words.given(each[0] if each else {}))
            else:
                driver.cursor().executemany(words.text, [words.given(values) for values in each])
        except words.error as error:
            raise _told(connection, words, error) from error

    def _in_words(self, connection: Connection) -> "_Words":
        dialect = connection.dialect
        found = self._words.get(dialect.name)
        if found is None:
            made = self._statement.compile(dialect=dialect)
            if not isinstance(made, SQLCompiler):
                raise TypeError("not a statement that reads or changes rows")
            own = {name: value for name, value in made.params.items() if value is not None}
            error: type[Exception] = dialect.loaded_dbapi.Error
            found = self._words[dialect.name] = _Words(str(made), _picker(made.positiontup), own, error)
        return found


class _Words(NamedTuple):
    """A statement as one driver takes it.

    Attributes:
        pick: puts its values in order; None where the driver takes them by name.
        own: values that the statement itself brings along.
        error: what the driver raises.
    """

    text: str
    pick: Callable[[Mapping[str, object]], Sequence[object]] | None
    own: Mapping[str, object]
    error: type[Exception]

    def given(self, values: Mapping[str, object]) -> Any:
        """The values as the driver takes them."""
        every = {**self.own, **values} if self.own else values
        return every if self.pick is None else self.pick(every)


def _picker(names: Sequence[str] | None) -> Callable[[Mapping[str, object]], Sequence[object]] | None:
    if names is None:
        return None
    if len(names) < 2:  # of one name the tool below gives the value itself
        return lambda values: [values[name] for name in names]
    return itemgetter(*names)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _told(connection: Connection, words: _Words, error: Exception) -> BaseException:
    """What the driver says as the toolkit would say it, without the values."""
    return DBAPIError.instance("", None, error, words.error, hide_parameters=True, dialect=connection.dialect)
