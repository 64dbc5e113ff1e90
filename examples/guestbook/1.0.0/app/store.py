"""The entries, in one SQLite file that every release of this application shares."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MAX_NAME = 40
MAX_TEXT = 500
MAX_ENTRIES = 100_000


class Refused(Exception):
    """An entry that cannot be kept; the text is for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wrote. `at` is in seconds since 1970."""

    id: int
    name: str
    text: str
    at: int


class Store:
    """Entries, newest first. Each thread has its own connection, so that readers never wait for a writer."""

    def __init__(self, path: Path) -> None:
        self._path, self._local = path, threading.local()
        with self._connection() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS entry"
                " (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
                " text TEXT NOT NULL, at INTEGER NOT NULL)"
            )

    def add(self, name: str, text: str) -> Entry:
        """Keep an entry.

        Raises:
            Refused: a field is empty, too long or holds control characters, or the book is full.
        """
        name, text = clean(name, MAX_NAME, "name"), clean(text, MAX_TEXT, "text")
        at = int(time.time())
        with self._connection() as db:
            if db.execute("SELECT count(*) FROM entry").fetchone()[0] >= MAX_ENTRIES:
                raise Refused("the book is full")
            id_ = db.execute("INSERT INTO entry (name, text, at) VALUES (?, ?, ?)", (name, text, at)).lastrowid
        return Entry(int(id_ or 0), name, text, at)

    def page(self, before: int | None, limit: int) -> list[Entry]:
        """At most `limit` entries older than the one with id `before`; None begins with the newest."""
        rows = self._connection().execute(
            "SELECT id, name, text, at FROM entry WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
        )
        return [Entry(*row) for row in rows]

    def close(self) -> None:
        """Close this thread's connection; the last one to close folds the journal into the file."""
        db = self._local.__dict__.pop("db", None)
        if db is not None:
            db.close()

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "db"):
            self._local.db = sqlite3.connect(self._path, timeout=5)
            self._local.db.execute("PRAGMA journal_mode = WAL")
        return self._local.db


def clean(text: str, longest: int, field: str) -> str:
    """The text without white space around it, if it can be kept.

    Raises:
        Refused: empty, longer than `longest` characters, or with control characters other than line ends.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused(f"{field} is empty")
    if len(text) > longest:
        raise Refused(f"{field} is longer than {longest} characters")
    if any(not (char.isprintable() or (char == "\n" and field == "text")) for char in text):
        raise Refused(f"{field} holds characters that cannot be shown")
    return text
