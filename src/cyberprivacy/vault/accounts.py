"""Accounts that are kept: their key events as they came, and what follows from them.

Signatures are judged before an event is stored, outside of any transaction (a chain may be asked); after that the
log is the vault's own, and is only replayed. Of two events that arrive at once only one can be the next.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from cyberprivacy.errors import Misuse
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.account import EventRefused, State
from cyberprivacy.vault.changes import advance
from cyberprivacy.vault.database import Database, add
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keyevent import NOTHING, Signed
from cyberprivacy.vault.keylog import SKEW, accept, replay
from cyberprivacy.vault.sessions import end_sessions
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.tables import ACCOUNTS, KEY_EVENTS, SIGNERS

REMEMBERED: Final = 1_024
"""Accounts whose state is at hand without replaying."""
MOST_ACCOUNTS: Final = 64
"""Accounts of one key that are told apart at sign-in."""


_HEAD: Final = Statement(select(ACCOUNTS.c.head).where(ACCOUNTS.c.id == bindparam("wanted")))


class NoAccount(Misuse):
    """There is no such account here."""

    code = "account.unknown"
    hint = "Begin one: `cyberprivacy my sign-in` does, or POST its inception to /udi/v1/accounts."


class Accounts:
    """The accounts of a vault.

    Args:
        judge: decides about signatures under key events.
        schema: of the network in which they are signed.
    """

    def __init__(self, database: Database, judge: Judge, schema: Schema) -> None:
        self._database, self._judge, self._schema = database, judge, schema
        self._states: OrderedDict[bytes, State] = OrderedDict()
        self._lock = Lock()

    def begin(self, document: bytes, now: float) -> State:
        """Begin an account by its inception. Handing in the same one again finds what it began.

        Raises:
            EventRefused, Untrusted: see `keylog.accept`.
        """
        signed = Signed.decode(document)
        account = signed.event.digest(self._schema)
        if signed.event.account == NOTHING and (known := self._find(account)) is not None:
            self._judge.check(signed.key, account, signed.signature)
            return known
        state = accept(None, signed, self._judge, self._schema, now=now)
        values = {
            "seq": 0,
            "head": state.head,
            "at": state.at,
            "secret": secrets.token_bytes(32),
            "created": int(now),
        }
        with self._database.transaction() as connection:
            if add(connection, ACCOUNTS, {"id": account, **values}):
                _keep(connection, state, document, now)
        return self.state(account)

    def append(self, account: bytes, document: bytes, now: float) -> State:
        """Take in the next event of an account; sessions of keys that it gives up end with it.

        The same event again is answered as the first time.

        Raises:
            NoAccount: see there. EventRefused, Untrusted: see `keylog.accept`.
        """
        signed, before = Signed.decode(document), self.state(account)
        if before.head == signed.event.digest(self._schema):
            return before
        state = accept(before, signed, self._judge, self._schema, now=now)
        with self._database.transaction() as connection:
            changed = connection.execute(
                update(ACCOUNTS)
                .where(ACCOUNTS.c.id == account, ACCOUNTS.c.head == before.head)
                .values(seq=state.seq, head=state.head, at=state.at, frozen=state.frozen)
            )
            if changed.rowcount != 1:
                raise EventRefused("another event came first", code="account.link", seq=state.seq)
            _keep(connection, state, document, now)
            end_sessions(connection, account, keep=tuple(state.keys))
        return state

    def state(self, account: bytes) -> State:
        """An account as its events left it.

        Raises:
            NoAccount: there is none with this id.
        """
        found = self._find(account)
        if found is None:
            raise NoAccount("no such account here")
        return found

    def state_at(self, account: bytes, head: bytes) -> State:
        """As `state`, for whoever has just read where the account's log ends."""
        with self._lock:
            known = self._states.get(account)
        return known if known is not None and known.head == head else self.state(account)

    def bring(self, documents: Sequence[bytes], now: float) -> State:
        """Take in the whole log of an account that is not known here, from whoever has it; a known one stays.

        Nobody here saw when its events came, so a log that claims other times would be believed: it can name an
        account that has nothing here, and no more. Later events come by `append`, at their time.

        Raises:
            EventRefused, Untrusted: see `keylog.replay`; or it ends in the future ("account.clock").
        """
        log = [Signed.decode(each) for each in documents]
        states = replay(log, self._judge, self._schema)
        state = states[-1]
        if state.at > now + SKEW:
            raise EventRefused("the log ends in the future", code="account.clock", at=state.at, now=int(now))
        with self._database.transaction() as connection:
            first = {"seq": state.seq, "head": state.head, "at": state.at, "frozen": state.frozen}
            made = {"secret": secrets.token_bytes(32), "created": int(now)}
            if add(connection, ACCOUNTS, {"id": state.account, **first, **made}):
                for document, each in zip(documents, states, strict=True):
                    _keep(connection, each, document, now)
        return self.state(state.account)

    def history(self, account: bytes) -> Sequence[State]:
        """The account after each of its events, first to last; raises as `state`."""
        states: list[State] = []
        for document in self.log(account):
            signed = Signed.decode(document)
            digest = signed.event.digest(self._schema)
            states.append(advance(states[-1] if states else None, signed.event, signed.key, digest))
        return states

    def log(self, account: bytes) -> list[bytes]:
        """The events of an account, as they came; raises as `state`."""
        mine = select(KEY_EVENTS.c.document).where(KEY_EVENTS.c.account == account).order_by(KEY_EVENTS.c.seq)
        with self._database.reading() as connection:
            found = list(connection.execute(mine).scalars())
        if not found:
            raise NoAccount("no such account here")
        return found

    def _find(self, account: bytes) -> State | None:
        """The newest state; only a head that has moved makes it replay."""
        with self._database.reading() as connection:
            head = _head(connection, account)
            if head is None:
                return None
            with self._lock:
                known = self._states.get(account)
            if known is None or known.head != head:
                known = _replay(connection, account, self._schema)
        with self._lock:
            self._states[account] = known
            self._states.move_to_end(account)
            if len(self._states) > REMEMBERED:
                self._states.popitem(last=False)
        return known


def accounts_of(connection: Connection, key: Key) -> list[bytes]:
    """The accounts that a key speaks for, at most 64."""
    mine = select(SIGNERS.c.account).where(SIGNERS.c.signer == key.text).limit(MOST_ACCOUNTS)
    return list(connection.execute(mine).scalars())


def secret_of(connection: Connection, account: bytes) -> bytes:
    """What the pairwise ids of an account are made from, 32 bytes.

    Raises:
        NoAccount: there is none with this id.
    """
    found = connection.execute(select(ACCOUNTS.c.secret).where(ACCOUNTS.c.id == account)).scalar_one_or_none()
    if found is None:
        raise NoAccount("no such account here")
    return bytes(found)


def _head(connection: Connection, account: bytes) -> bytes | None:
    found = _HEAD.row(connection, wanted=account)
    return None if found is None else bytes(found[0])


def _keep(connection: Connection, state: State, document: bytes, now: float) -> None:
    """Store an event that was accepted, and who speaks for the account after it."""
    connection.execute(
        insert(KEY_EVENTS).values(
            account=state.account, seq=state.seq, digest=state.head, document=document, taken=int(now)
        )
    )
    connection.execute(delete(SIGNERS).where(SIGNERS.c.account == state.account))
    rows = [{"account": state.account, "signer": key.text} for key in state.keys]
    connection.execute(insert(SIGNERS), rows)


def _replay(connection: Connection, account: bytes, schema: Schema) -> State:
    mine = select(KEY_EVENTS.c.document).where(KEY_EVENTS.c.account == account).order_by(KEY_EVENTS.c.seq)
    state: State | None = None
    for document in connection.execute(mine).scalars():
        signed = Signed.decode(document)
        state = advance(state, signed.event, signed.key, signed.event.digest(schema))
    if state is None:
        raise NoAccount("no such account here")
    return state
