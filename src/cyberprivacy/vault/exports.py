"""Exports: an archive of everything, made in the background, kept sealed until its owner says that it arrived.

An archive has its name only when it is whole: what a killed process left half done is removed and made anew. It
lies on the disk under the account's own key, so that erasing the account erases it too.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import IO, Any, Final, cast

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, delete, insert, select, update

from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.vault import owners, sealedfile
from cyberprivacy.vault.archive import ArchiveWriter
from cyberprivacy.vault.bell import Bell
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.database import Database, DatabaseBusy
from cyberprivacy.vault.gathering import Gathering
from cyberprivacy.vault.place import OWNER
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sealedfile import SealedWriter
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.sessions import Session
from cyberprivacy.vault.tables import EXPORTS, OWNERS
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.vaultkey import VaultKey

PENDING: Final = 3
"""Exports of one account that nobody has acknowledged."""
AGAIN: Final = 1.0
"""Seconds after which a database that was in the way is asked again."""
WAITING, READY, FAILED = "waiting", "ready", "failed"
_log = structlog.get_logger("vault")


class NoExport(Misuse):
    """This account has no such export (any more)."""

    code = "export.none"
    hint = "Ask for a new one; one that was acknowledged is removed."


@dataclass(frozen=True, slots=True)
class Export:
    """An export as its owner sees it.

    Attributes:
        state: "waiting", "ready" or "failed"; code says why it failed.
        done: records so far, while it waits.
        size: bytes. digest: SHA-256. Both of the archive, once it is ready.
    """

    id: bytes
    state: str
    code: str
    done: int
    size: int
    digest: bytes | None
    asked: int
    made: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What exports are made with.

    Attributes:
        folder: for the archives.
        said: what every manifest says of this vault.
    """

    database: Database
    ring: KeyRing
    records: Records
    blobs: Blobs
    types: Types
    folder: Path
    key: VaultKey
    said: dict[str, object]
    clock: Callable[[], float]


class Exports:
    """The exports of a vault; one is made at a time.

    Attributes:
        bell: rings when one has ended, well or not.
    """

    def __init__(self, means: Means) -> None:
        """Take up what an earlier process did not finish."""
        self._means, self._done, self.bell = means, dict[bytes, int](), Bell()
        self._queue = SimpleQueue[tuple[bytes, bytes] | None]()
        means.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with means.database.reading() as connection:
            rows = connection.execute(select(EXPORTS.c.id, EXPORTS.c.account, EXPORTS.c.state)).all()
        self._tidy({row.id for row in rows if row.state == READY})
        for row in rows:
            if row.state == WAITING:
                self._queue.put((row.id, row.account))
        self._over = Event()
        self._thread = Thread(target=self._run, name="exports", daemon=True)
        self._thread.start()

    def ask(self, session: Session, now: float) -> Export:
        """Ask for an export of everything.

        Raises:
            Misuse: too many are not acknowledged yet ("export.pending").
        """
        means, id_ = self._means, secrets.token_bytes(16)
        with means.database.transaction() as connection:
            mine = select(EXPORTS.c.id).where(EXPORTS.c.account == session.account)
            if len(connection.execute(mine).all()) >= PENDING:
                raise Misuse(
                    "too many exports are not acknowledged",
                    code="export.pending",
                    hint="Acknowledge those that you have: `my export` does.",
                )
            owners.admit(
                connection,
                means.ring.store,
                session.own,
                account=session.account,
                app=OWNER,
                now=int(now),
            )
            row = {"id": id_, "account": session.account, "state": WAITING, "code": "", "size": 0}
            connection.execute(insert(EXPORTS).values(**row, asked=int(now)))
        self._queue.put((id_, session.account))
        return self.find(session, id_)

    def find(self, session: Session, id_: bytes) -> Export:
        """How far an export is.

        Raises:
            NoExport: this account has none of this id.
        """
        with self._means.database.reading() as connection:
            return self._export(_row(connection, session.account, id_))

    def all(self, session: Session) -> Sequence[Export]:
        """The exports of an account, newest first."""
        mine = select(EXPORTS).where(EXPORTS.c.account == session.account).order_by(EXPORTS.c.asked.desc())
        with self._means.database.reading() as connection:
            return [self._export(row) for row in connection.execute(mine)]

    def read(self, session: Session, id_: bytes, first: int) -> tuple[Export, Iterator[bytes]]:
        """An archive from a byte on.

        Raises:
            NoExport: none, or not ready ("export.waiting"), or that byte is past its end ("export.range").
        """
        found = self.find(session, id_)
        if found.state != READY:
            raise NoExport("the archive is not ready", code="export.waiting", hint="Ask how far it is.")
        if first and first >= found.size:
            raise NoExport("the archive ends before that", code="export.range", size=found.size)
        with self._means.database.reading() as connection:
            key = self._key(connection, session.account)
        return found, sealedfile.parts(self._path(id_), key, id_.hex(), first=first)

    def acknowledge(self, session: Session, id_: bytes) -> None:
        """Its owner has it: the archive goes; raises NoExport."""
        with self._means.database.transaction() as connection:
            _row(connection, session.account, id_)
            connection.execute(delete(EXPORTS).where(EXPORTS.c.id == id_))
        self._path(id_).unlink(missing_ok=True)

    def close(self) -> None:
        """Make no more; what waits is taken up by the next process."""
        self._over.set()
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            while not self._over.is_set() and not self._finished(*job):
                self._over.wait(AGAIN)

    def _finished(self, id_: bytes, account: bytes) -> bool:
        """Make an archive and write down what became of it. False: the database could not, try again."""
        code, size, digest = "", 0, None
        try:
            size, digest = self._make(id_, account)
        except DatabaseBusy as error:
            _log.warning("export waits", code=error.code)
            return False
        except (CyberPrivacyError, OSError) as error:
            code = error.code if isinstance(error, CyberPrivacyError) else "export.disk"
            self._unfinished(id_).unlink(missing_ok=True)  # the room that it took may be what is missing
            _log.warning("export failed", code=code)
        changed = {"state": FAILED if code else READY, "code": code, "size": size, "digest": digest}
        try:
            with self._means.database.transaction() as connection:
                made = int(self._means.clock())
                connection.execute(update(EXPORTS).where(EXPORTS.c.id == id_).values(**changed, made=made))
        except CyberPrivacyError as error:
            _log.warning("export waits", code=error.code)
            return False
        self._done.pop(id_, None)
        self.bell.ring()
        return True

    def _make(self, id_: bytes, account: bytes) -> tuple[int, bytes]:
        """Write an archive; its size and SHA-256."""
        means, path = self._means, self._path(id_)
        unfinished = self._unfinished(id_)
        unfinished.unlink(missing_ok=True)

        def told(done: int) -> None:
            self._done[id_] = done

        with means.database.reading() as connection:
            key = self._key(connection, account)
            with (
                SealedWriter(unfinished, key, id_.hex()) as file,
                ArchiveWriter(cast("IO[bytes]", file), means.key.sign, means.key.public) as writer,
            ):
                made = datetime.fromtimestamp(means.clock(), UTC).strftime("%Y-%m-%d %H:%M UTC")
                gathering = Gathering(connection, means.records, means.blobs, means.types, told)
                gathering.put(writer, account, {**means.said, "made": int(means.clock())}, made=made)
        unfinished.replace(path)
        return file.size, file.digest

    def _key(self, connection: Connection, account: bytes) -> AESGCM:
        owner = connection.execute(
            select(OWNERS.c.id).where(OWNERS.c.account == account, OWNERS.c.app == OWNER)
        ).scalar_one_or_none()
        if owner is None:
            raise NoExport("the account is gone")
        return self._means.ring.key(owners.look(connection, owner).holder)

    def _path(self, id_: bytes) -> Path:
        return self._means.folder / f"{id_.hex()}.sealed"

    def _unfinished(self, id_: bytes) -> Path:
        return self._path(id_).with_suffix(".part")

    def tidy(self) -> None:
        """Remove archives whose account is gone, and what is half done of none."""
        with self._means.database.reading() as connection:
            self._tidy(set(connection.execute(select(EXPORTS.c.id)).scalars()))

    def _tidy(self, known: set[bytes]) -> None:
        """Remove what belongs to no export of these."""
        for path in self._means.folder.iterdir():
            if path.suffix in (".part", ".sealed") and path.stem not in {each.hex() for each in known}:
                path.unlink(missing_ok=True)

    def _export(self, row: Row[Any]) -> Export:
        done = self._done.get(row.id, 0)
        return Export(row.id, row.state, row.code, done, row.size, row.digest, row.asked, row.made)


def _row(connection: Connection, account: bytes, id_: bytes) -> Row[Any]:
    row = connection.execute(
        select(EXPORTS).where(EXPORTS.c.id == id_, EXPORTS.c.account == account)
    ).one_or_none()
    if row is None:
        raise NoExport("no such export")
    return row
