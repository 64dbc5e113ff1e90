"""What a security application remembers: whom it protects and how it knows them, and what was asked of it.

SQLite, durable before anybody is answered. Of a person it holds an account's id, the salt of its own card, and
what the checks need; no name, no address.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import RLock
from typing import Final

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.security.checks import Checks

MOST: Final = 1_000_000
"""People."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS protected (
    id BLOB PRIMARY KEY, vault TEXT NOT NULL, account BLOB NOT NULL, salt BLOB NOT NULL, paper BLOB NOT NULL,
    phone BLOB NOT NULL, used INTEGER NOT NULL, wrong INTEGER NOT NULL, closed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request (
    id BLOB PRIMARY KEY, protected BLOB NOT NULL REFERENCES protected, act TEXT NOT NULL, key TEXT NOT NULL,
    asked INTEGER NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS protected_account ON protected (account);
CREATE INDEX IF NOT EXISTS request_protected ON request (protected);
CREATE INDEX IF NOT EXISTS request_waiting ON request (due) WHERE state = 'waiting';
"""


class Unknown(Misuse):
    """Nobody is protected under this number, or there is no such request."""

    code = "security.unknown"
    hint = "Both numbers stand where they were shown: on the paper, and with the answer to the request."


class Act(Enum):
    """What a security application does by itself, when its time has come."""

    FREEZE = "freeze"
    RECOVER = "recover"


class Standing(Enum):
    """What has become of a request."""

    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """Somebody's account, and how its owner is known.

    Attributes:
        id: 16 random bytes, on the paper: without it nobody even comes to the checks.
        vault: address of the vault at which the account's events are handed in.
        account: 32 bytes.
        salt: of the card by which the account knows this guardian, 32 bytes.
        wrong: failed checks since the last good one.
        closed: nobody is checked before this time, POSIX seconds.
    """

    id: bytes
    vault: str
    account: bytes
    salt: bytes
    checks: Checks
    wrong: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that was asked for.

    Attributes:
        id: 16 bytes.
        protected: for whom, 16 bytes.
        key: the new key of a recovery; None for a freeze.
        asked, due: when, and before when nothing happens; POSIX seconds.
        code: why it was refused, or what it waits for beside its time; "" for nothing.
    """

    id: bytes
    protected: bytes
    act: Act
    key: Key | None
    asked: int
    due: int
    state: Standing = Standing.WAITING
    code: str = ""


class Book:
    """The open book; threads may share it."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin it."""
        self._lock = RLock()
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """All that is written in this block is written, or nothing; nobody else reads or writes meanwhile."""
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def protect(self, one: Protected) -> None:
        """Remember somebody.

        Raises:
            TryLater: there is no room for anybody else ("security.full").
        """
        with self.alone():
            if self._file.execute("SELECT count(*) FROM protected").fetchone()[0] >= MOST:
                raise TryLater("this desk has no room for more people", code="security.full")
            self._file.execute(
                "INSERT INTO protected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (one.id, one.vault, one.account, one.salt, *_checks(one.checks), one.wrong, one.closed),
            )

    def protected(self, id_: bytes) -> Protected:
        """Whoever is protected under this number.

        Raises:
            Unknown: nobody.
        """
        with self._lock:
            row = self._file.execute("SELECT * FROM protected WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise Unknown("nobody is protected under this number")
        id_, vault, account, salt, paper, phone, used, wrong, closed = row
        known = Checks(paper, phone, used)
        return Protected(id=id_, vault=vault, account=account, salt=salt, checks=known, wrong=wrong, closed=closed)

    def checked(self, one: Protected) -> None:
        """Remember how a check went."""
        values = (*_checks(one.checks), one.wrong, one.closed, one.id)
        with self._lock:
            self._file.execute(
                "UPDATE protected SET paper = ?, phone = ?, used = ?, wrong = ?, closed = ? WHERE id = ?", values
            )

    def ask(self, protected: bytes, act: Act, key: Key | None, asked: int, due: int) -> Request:
        """Remember a request."""
        made = Request(id=secrets.token_bytes(16), protected=protected, act=act, key=key, asked=asked, due=due)
        self._put("INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)", made)
        return made

    def keep(self, request: Request) -> None:
        """Remember what has become of a request."""
        self._put("INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)", request)

    def request(self, id_: bytes) -> Request:
        """A request by its number.

        Raises:
            Unknown: none.
        """
        found = self._requests("WHERE id = ?", id_)
        if not found:
            raise Unknown("there is no such request")
        return found[0]

    def of(self, protected: bytes) -> list[Request]:
        """What was asked for somebody, newest first."""
        return self._requests("WHERE protected = ? ORDER BY asked DESC LIMIT 100", protected)

    def about(self, account: bytes) -> list[Request]:
        """What was asked about an account, newest first, whoever asked."""
        return self._requests(
            "WHERE protected IN (SELECT id FROM protected WHERE account = ?) ORDER BY asked DESC LIMIT 100",
            account,
        )

    def due(self, now: int) -> list[Request]:
        """What waits for nothing but to be done."""
        return self._requests("WHERE state = 'waiting' AND due <= ? ORDER BY due LIMIT 1000", now)

    def _requests(self, where: str, *values: object) -> list[Request]:
        with self._lock:
            rows = self._file.execute(f"SELECT * FROM request {where}", values).fetchall()  # noqa: S608 - ours
        return [
            Request(
                id=id_, protected=protected, act=Act(act), key=Key(key) if key else None, asked=asked, due=due,
                state=Standing(state), code=code,
            )
            for id_, protected, act, key, asked, due, state, code in rows
        ]  # fmt: skip

    def _put(self, statement: str, one: Request) -> None:
        key = "" if one.key is None else one.key.text
        values = (one.id, one.protected, one.act.value, key, one.asked, one.due, one.state.value, one.code)
        with self._lock:
            self._file.execute(statement, values)


def _checks(known: Checks) -> tuple[bytes, bytes, int]:
    return known.paper, known.phone, known.used
