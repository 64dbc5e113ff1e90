"""Signing in: a key shows itself, for one place and one nonce, and a session begins for an account of that key.

Two ways. With Ethereum: the text of EIP-4361 that wallets of browsers know. With any key: the typed data
`SignIn(string uri,string statement,string nonce)`, which passkeys, devices and contract wallets sign, too.
Source: docs/spec/udi-1.md, "Sessions".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import signin
from cyberprivacy.vault.accounts import accounts_of
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.place import OWNER, Place
from cyberprivacy.vault.sessions import NoSession, Session, new_nonce, open_session, use_nonce

STRUCT: Final = "SignIn"


@dataclass(frozen=True, slots=True)
class Door:
    """Where sessions begin.

    Attributes:
        judge: of signatures; passkeys are judged at the site that asked for them.
        admit: makes an application's first session of an account ready to keep something.
    """

    database: Database
    place: Place
    judge: Judge
    schema: Schema
    admit: Callable[[Connection, Session], None]

    def ask(self, app: str, now: float) -> signin.Expected:
        """What somebody is to sign for a session of an application, or, `OWNER`, their own; good for 5 minutes.

        Raises:
            BadPlace: no such application ("vault.app").
        """
        self.place.of(app)
        with self.database.transaction() as connection:
            nonce = new_nonce(connection, app, now)
        return self.place.asks(app, nonce)

    def with_ethereum(
        self, app: str, message: bytes, signature: bytes, account: bytes | None, now: float
    ) -> tuple[str, Session]:
        """Open a session by a message of EIP-4361; see `_open`.

        Raises:
            BadSignIn, BadSignature: see `signin.check`. NoSession: see `_open`.
        """
        nonce = signin.signed(message, signature).nonce
        said = signin.check(message, signature, self.place.asks(app, nonce), now=now)
        return self._open(app, Key.of_address(bytes.fromhex(said.address[2:])), nonce, account, now)

    def with_key(
        self, app: str, key: Key, signature: bytes, nonce: str, account: bytes | None, now: float
    ) -> tuple[str, Session]:
        """Open a session by a signature of any key over the typed data; see `_open`.

        Raises:
            Untrusted: not a signature of this key for this place. Misuse: this kind of key is not enabled.
        """
        digest = self.schema.digest(STRUCT, message(self.place.asks(app, nonce)))
        replace(self.judge, place=self.place.passkeys(app)).check(key, digest, signature)
        return self._open(app, key, nonce, account, now)

    def _open(self, app: str, key: Key, nonce: str, account: bytes | None, now: float) -> tuple[str, Session]:
        """The token and the session of a key that has shown itself, for this account (None: its only one).

        Uses up the nonce.

        Raises:
            NoSession: the nonce is not good ("session.nonce"), the key speaks for no account, or not for this one
                ("session.no-account"), or for several ("session.several").
        """
        with self.database.transaction() as connection:
            use_nonce(connection, app, nonce, now)
            mine = accounts_of(connection, key)
            if account is None and len(mine) > 1:
                shown = (
                    {} if app else {"accounts": " ".join(each.hex() for each in mine)}
                )  # ids are no application's
                raise NoSession(
                    "this key speaks for several accounts", code="session.several", hint="Say which one.", **shown
                )
            if not mine or (account is not None and account not in mine):
                raise NoSession(
                    "this key speaks for no account here"
                    if account is None
                    else "this key does not speak for that account",
                    code="session.no-account",
                    hint="Begin an account: `cyberprivacy my sign-in --new`, or POST /udi/v1/accounts.",
                )
            token, session = open_session(connection, account or mine[0], key, app, now)
            if app != OWNER:
                self.admit(connection, session)
            return token, session


def message(expected: signin.Expected) -> Mapping[str, object]:
    """The fields of the typed data, as a key signs them."""
    return {"uri": expected.uri, "statement": expected.statement, "nonce": expected.nonce}
