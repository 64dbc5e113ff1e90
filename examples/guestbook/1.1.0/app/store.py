"""The entries, in one SQLite file that every release of this application shares."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
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
    hearts: int


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
            # Release 1.0.0 may still be writing: a new column with a default is all that it can live with.
            if "hearts" not in [row[1] for row in db.execute("PRAGMA table_info(entry)")]:
                db.execute("ALTER TABLE entry ADD COLUMN hearts INTEGER NOT NULL DEFAULT 0")

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
        return Entry(int(id_ or 0), name, text, at, 0)

    def page(self, before: int | None, limit: int, *, order: str = "newest") -> list[Entry]:
        """At most `limit` entries that stand after the one with id `before`; None begins with the first.

        `order` is "newest", or "hearts": those with most hearts first.
        """
        rows = self._connection().execute(
            {
                "newest": "SELECT id, name, text, at, hearts FROM entry"
                " WHERE :before IS NULL OR id < :before ORDER BY id DESC LIMIT :limit",
                "hearts": "SELECT id, name, text, at, hearts FROM entry"
                " WHERE :before IS NULL OR (hearts, id) < (SELECT hearts, id FROM entry WHERE id = :before)"
                " ORDER BY hearts DESC, id DESC LIMIT :limit",
            }[order],
            {"before": before, "limit": limit},
        )
        return [Entry(*row) for row in rows]

    def writers(self, *, since: int) -> list[tuple[str, int]]:
        """Who has written since then (seconds since 1970), without their names, and how often."""
        rows = self._connection().execute(
            "SELECT name, count(*) FROM entry WHERE at > ? GROUP BY name LIMIT 100000", (since,)
        )
        return [(sha256(name.encode()).hexdigest(), count) for name, count in rows]

    def heart(self, id_: int) -> Entry:
        """Add a heart to an entry.

        Raises:
            Refused: there is no such entry.
        """
        with self._connection() as db:
            row = db.execute(
                "UPDATE entry SET hearts = hearts + 1 WHERE id = ? RETURNING id, name, text, at, hearts", (id_,)
            ).fetchone()
        if row is None:
            raise Refused("there is no such entry")
        return Entry(*row)

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
