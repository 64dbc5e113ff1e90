"""Sessions: who has shown a key, for which account, and whether for themselves or through an application.

The token is the client's alone: the database has its SHA-256. A session ends by its time, by its owner, or when
the account gives up the key that opened it.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.pairwise import pairwise
from cyberprivacy.vault.place import OWNER
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.tables import ACCOUNTS, NONCES, SESSIONS

LASTS: Final = 3_600
"""Seconds of an owner's session."""
APP_LASTS: Final = 8 * 3_600
"""Seconds of a session through an application."""
NONCE_LASTS: Final = 300
"""Seconds within which a sign-in has to be signed and handed in."""
KNOWN: Final = 5.0
"""Seconds for which an open session is known without looking, if this process commits nothing that may end it."""
REMEMBERED: Final = 4_096
"""Sessions that are known at once."""
_PREFIX: Final = "udi1-"
"""Before each token, so that one that leaked into a log or a repository is recognised."""
_FORM: Final = re.compile(r"udi1-[A-Za-z0-9_-]{43}")
_PURPOSE: Final = "sign-in"
_ROWS: Final = select(SESSIONS, ACCOUNTS.c.secret, ACCOUNTS.c.head).join(
    ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.account
)
_HELD: Final = Statement(_ROWS.where(SESSIONS.c.token == bindparam("held")))


class NoSession(Untrusted):
    """Nobody is signed in with this."""

    code = "session.unknown"
    hint = "Sign in: `cyberprivacy my sign-in`, or POST /udi/v1/auth/nonce."


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        id: SHA-256 of the token, 32 bytes.
        account: 32 bytes.
        app: through which application; `OWNER` for the owner's own session.
        key: that opened it.
        created, expires: POSIX seconds.
        secret: of the account, 32 bytes: what its pairwise ids are made from.
        head: digest of the account's last event when the session was found, 32 bytes.
    """

    id: bytes
    account: bytes
    app: str
    key: Key
    created: int
    expires: int
    secret: bytes = field(repr=False)
    head: bytes
    _owners: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def own(self) -> bytes:
        """What belongs to the account itself and to no application, 32 bytes."""
        return pairwise(self.secret, OWNER)

    def owner(self, app: str = OWNER) -> bytes:
        """The account as an application knows it, 32 bytes; an application knows only its own.

        Raises:
            NoSession: an application's session asks for another's ("session.app").
            Misuse: the owner does not say of which application ("session.which").
        """
        if self.app != OWNER and app not in (OWNER, self.app):
            raise NoSession("this session is another application's", code="session.app", app=self.app)
        which = app if self.app == OWNER else self.app
        if which == OWNER:
            raise Misuse(
                "say of which application", code="session.which", hint="Give `app`; GET /udi/v1/data lists them."
            )
        owner = self._owners.get(which)
        if owner is None:
            owner = self._owners[which] = pairwise(self.secret, which)
        return owner

    def check_owner(self) -> None:
        """Refuse unless this is the owner's own session.

        Raises:
            NoSession: it is an application's ("session.owner").
        """
        if self.app != OWNER:
            raise NoSession(
                "only the owner may do this, not an application",
                code="session.owner",
                hint="Sign in at the vault itself: `cyberprivacy my sign-in`.",
                app=self.app,
            )


def new_nonce(connection: Connection, app: str, now: float) -> str:
    """Something to sign, once, for a session of an application (`OWNER`: their own): 128 bits, 32 hex digits."""
    nonce = secrets.token_hex(16)
    connection.execute(delete(NONCES).where(NONCES.c.expires <= int(now), NONCES.c.purpose == _PURPOSE))
    values = {"nonce": _nonce(app, nonce), "purpose": _PURPOSE, "expires": int(now) + NONCE_LASTS}
    connection.execute(insert(NONCES).values(values))
    return nonce


def use_nonce(connection: Connection, app: str, nonce: str, now: float) -> None:
    """Use up a nonce, in the transaction of what it is for.

    Raises:
        NoSession: it was not given out for this application, is used or too old ("session.nonce").
    """
    mine = (NONCES.c.nonce == _nonce(app, nonce), NONCES.c.purpose == _PURPOSE, NONCES.c.expires > int(now))
    if connection.execute(delete(NONCES).where(*mine)).rowcount != 1:
        raise NoSession("this nonce was not given out, or not just now", code="session.nonce")


def open_session(connection: Connection, account: bytes, key: Key, app: str, now: float) -> tuple[str, Session]:
    """A new session, and its token, which stands nowhere else."""
    token = _PREFIX + secrets.token_urlsafe(32)
    lasts = LASTS if app == OWNER else APP_LASTS
    found = select(ACCOUNTS.c.secret, ACCOUNTS.c.head).where(ACCOUNTS.c.id == account)
    secret, head = connection.execute(found).one()
    session = Session(_hash(token), account, app, key, int(now), int(now) + lasts, secret, head)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= int(now)))
    connection.execute(
        insert(SESSIONS).values(
            token=session.id,
            account=account,
            app=app,
            signer=key.text,
            created=session.created,
            expires=session.expires,
        )
    )
    return token, session


def check_open(connection: Connection, session: Session, now: float) -> None:
    """Refuse unless a session that was found before is still open.

    Raises:
        NoSession: it has ended meanwhile ("session.unknown").
    """
    still = connection.execute(
        select(SESSIONS.c.expires).where(SESSIONS.c.token == session.id)
    ).scalar_one_or_none()
    if still is None or still <= now:
        raise NoSession("this session has ended")


def end_sessions(
    connection: Connection, account: bytes, *, keep: Collection[Key] = (), only: bytes | None = None
) -> int:
    """End the sessions of an account, but for those that a key of `keep` opened; `only` the one with this id.

    Returns how many ended.
    """
    which = [SESSIONS.c.account == account, SESSIONS.c.signer.not_in([key.text for key in keep])]
    if only is not None:
        which.append(SESSIONS.c.token == only)
    return connection.execute(delete(SESSIONS).where(*which)).rowcount


class Sessions:
    """The sessions that are open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock, self._version = Lock(), database.version
        self._held = dict[bytes, tuple[float, Session]]()

    def find(self, token: str, now: float) -> Session:
        """Who holds this token.

        Raises:
            NoSession: nobody does ("session.missing", "session.unknown").
        """
        check_form(token)
        id_ = _hash(token)
        found = self._known(id_, now) or self._looked(id_, now)
        if found is None or found.expires <= now:
            raise NoSession("this session has ended, or never began")
        return found

    def _known(self, id_: bytes, now: float) -> Session | None:
        """One that was found a moment ago, if nothing was committed since that may have ended or changed it."""
        with self._lock:
            if self._version is not self._database.version:
                self._version = self._database.version
                self._held.clear()
            until, found = self._held.get(id_, (0.0, None))
        return found if now < until else None

    def _looked(self, id_: bytes, now: float) -> Session | None:
        seen = self._database.seen
        with self._database.reading() as connection:
            row = _HELD.row(connection, held=id_)
        if row is None:
            return None
        found = _session(row)
        with self._lock:
            if seen is self._version:
                if len(self._held) >= REMEMBERED:
                    self._held.clear()
                self._held[id_] = (now + KNOWN, found)
        return found

    def of(self, account: bytes, now: float) -> list[Session]:
        """The sessions of an account, newest first."""
        mine = (SESSIONS.c.account == account, SESSIONS.c.expires > int(now))
        with self._database.reading() as connection:
            rows = connection.execute(_ROWS.where(*mine).order_by(SESSIONS.c.created.desc())).all()
        return [_session(row) for row in rows]

    def end(self, account: bytes, *, only: bytes | None = None) -> int:
        """End all sessions of an account, or only the one with this id; how many ended."""
        with self._database.transaction() as connection:
            return end_sessions(connection, account, only=only)


def check_form(token: str) -> None:
    """Refuse what cannot be a token, before it goes anywhere.

    Raises:
        NoSession: there is none ("session.missing"), or it is of another form ("session.unknown").
    """
    if not token:
        raise NoSession("nobody is signed in", code="session.missing")
    if not _FORM.fullmatch(token):
        raise NoSession("not the token of a session")


def _session(row: Sequence[Any]) -> Session:
    token, account, app, signer, created, expires, secret, head = row
    return Session(token, account, app, Key(signer), created, expires, secret, head)


def _hash(token: str) -> bytes:
    return sha256(b"udi/1 session\0" + token.encode()).digest()


def _nonce(app: str, nonce: str) -> bytes:
    return sha256(f"udi/1 sign-in\0{app}\0{nonce}".encode()).digest()
