"""A session that was found a moment ago is known without looking, and never after it has ended."""

import threading
from collections.abc import Callable

import pytest
from people import refusal
from sqlalchemy import insert, update

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import tables
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.sessions import KNOWN, Sessions, open_session

ACCOUNT, NOW = bytes(32), 1_800_000_000.0
KEY = Key("eip155-eoa:" + "ab" * 20)


@pytest.fixture
def token(database: Database) -> str:
    row = {"id": ACCOUNT, "seq": 0, "head": bytes(32), "at": 1, "secret": bytes(32), "created": 1}
    with database.transaction() as connection:
        connection.execute(insert(tables.ACCOUNTS).values(row))
        return open_session(connection, ACCOUNT, KEY, "shop", NOW)[0]


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


def elsewhere(act: Callable[[], object]) -> None:
    """In another thread."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_records_that_change_end_no_session_and_whatever_else_does_is_seen(
    database: Database, sessions: Sessions, token: str
) -> None:
    found = sessions.find(token, NOW)
    with database.transaction(checked=True):
        assert sessions.find(token, NOW) is found
    with database.together(writes=True), database.transaction(checked=True):
        assert sessions.find(token, NOW) is found
    assert sessions.find(token, NOW) is found
    with database.transaction():
        pass
    again = sessions.find(token, NOW)
    assert again is not found
    with database.together(writes=True), database.transaction():
        pass
    assert sessions.find(token, NOW) is not again


def test_one_that_is_ended_is_unknown_at_once(database: Database, sessions: Sessions, token: str) -> None:
    sessions.find(token, NOW)
    elsewhere(lambda: Sessions(database).end(ACCOUNT))
    assert refusal(lambda: sessions.find(token, NOW)) == "session.unknown"


def test_an_account_that_goes_on_is_seen_at_its_new_place(
    database: Database, sessions: Sessions, token: str
) -> None:
    sessions.find(token, NOW)
    with database.together(writes=True), database.transaction() as connection:
        connection.execute(update(tables.ACCOUNTS).values(head=b"\1" * 32))
    assert sessions.find(token, NOW).head == b"\1" * 32


def test_who_still_looks_at_what_was_before_an_end_makes_nobody_believe_it(
    database: Database, sessions: Sessions, token: str
) -> None:
    with database.together(writes=False):
        with database.reading() as connection:  # from here on this look sees no change
            connection.execute(tables.SESSIONS.select()).all()
        elsewhere(lambda: Sessions(database).end(ACCOUNT))
        assert sessions.find(token, NOW).account == ACCOUNT
    assert refusal(lambda: sessions.find(token, NOW)) == "session.unknown"


def test_what_is_undone_was_never_known(database: Database, sessions: Sessions, token: str) -> None:
    def changes() -> None:
        with database.together(writes=True):
            with database.transaction() as connection:
                connection.execute(update(tables.ACCOUNTS).values(head=b"\1" * 32))
            assert sessions.find(token, NOW).head == b"\1" * 32
            raise Misuse("not this one", code="undone")

    assert refusal(changes) == "undone"
    assert sessions.find(token, NOW).head == bytes(32)


def test_it_is_looked_at_again_after_a_while_and_ends_by_its_own_time(sessions: Sessions, token: str) -> None:
    found = sessions.find(token, NOW)
    assert sessions.find(token, NOW + KNOWN - 1) is found
    assert sessions.find(token, NOW + KNOWN) is not found
    sessions.find(token, found.expires - 1)
    assert refusal(lambda: sessions.find(token, found.expires)) == "session.unknown"
