"""Changes that share a commit are each all or nothing, and all or nothing together when the engine fails."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from people import refusal
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.vault import tables
from cyberprivacy.vault.database import Database


def put(connection: Connection, number: int) -> None:
    row = {
        "id": number.to_bytes(32, "big"),
        "seq": 0,
        "head": bytes(32),
        "at": 1,
        "secret": bytes(32),
        "created": 1,
    }
    connection.execute(insert(tables.ACCOUNTS).values(row))


def keep(database: Database, number: int) -> None:
    with database.transaction() as connection:
        put(connection, number)


def refuse(database: Database, number: int) -> None:
    with database.transaction() as connection:
        put(connection, number)
        raise Misuse("not this one")


def held(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.ACCOUNTS)).scalar_one()


def elsewhere(database: Database) -> int:
    """What another thread sees."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(held(database)))
    thread.start()
    thread.join()
    return found[0]


def test_one_that_is_refused_leaves_nothing_and_the_others_of_its_commit_stay(database: Database) -> None:
    rings = database.bell.rings
    with database.together(writes=True):
        keep(database, 1)
        with pytest.raises(Misuse):
            refuse(database, 2)
        keep(database, 3)
        assert held(database) == 2
        assert elsewhere(database) == 0
        assert database.bell.rings == rings
    assert elsewhere(database) == 2
    assert database.bell.rings == rings + 1


def test_one_that_checks_first_and_is_refused_leaves_the_others_as_they_are(database: Database) -> None:
    def refused() -> None:
        with database.transaction(checked=True):
            raise Misuse("not this one")

    with database.together(writes=True):
        keep(database, 1)
        with pytest.raises(Misuse):
            refused()
        with database.transaction(checked=True) as connection:
            put(connection, 2)
    assert held(database) == 2


def test_one_that_says_it_checked_and_is_refused_late_leaves_nothing_of_itself(database: Database) -> None:
    def late() -> None:
        with database.transaction(checked=True) as connection:
            put(connection, 2)
            raise Misuse("not this one")

    def go() -> None:
        with database.together(writes=True):
            keep(database, 1)
            with pytest.raises(Misuse):
                late()

    if database.file is None:
        go()
        assert held(database) == 1
    else:  # it cannot be taken out of what is open, so all of that goes with it
        assert refusal(go) == "database.undone"
        assert held(database) == 0


def test_if_the_end_fails_nothing_of_it_happened(database: Database) -> None:
    def end() -> None:
        with database.together(writes=True):
            keep(database, 1)
            raise Misuse("the machine goes down")

    with pytest.raises(Misuse):
        end()
    assert held(database) == 0
    keep(database, 1)
    assert held(database) == 1


def test_after_an_error_of_the_engine_nobody_is_told_of_success(database: Database) -> None:
    def wrong() -> None:
        with database.transaction() as connection:
            connection.execute(text("SELECT nothing FROM nowhere"))

    def go() -> None:
        with database.together(writes=True):
            keep(database, 1)
            with suppress(CyberPrivacyError, DBAPIError):
                wrong()
            codes.extend([refusal(lambda: keep(database, 2)), refusal(lambda: held(database))])

    codes: list[str] = []
    assert refusal(go) == "database.undone"
    assert codes == ["database.undone", "database.undone"]
    assert held(database) == 0


def test_a_full_disk_undoes_all_that_share_its_commit(tmp_path: Path) -> None:
    def fill() -> None:
        with database.transaction() as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            for number in range(10, 10_000):
                put(connection, number)

    def go() -> None:
        with database.together(writes=True):
            keep(database, 1)
            codes.append(refusal(fill))

    database, codes = Database.open(f"sqlite:///{tmp_path / 'vault.db'}"), list[str]()
    assert (refusal(go), codes) == ("database.undone", ["database.full"])
    assert held(database) == 0
    database.close()


def test_looks_that_are_taken_together_are_one_snapshot_and_change_nothing(database: Database) -> None:
    keep(database, 1)
    with database.together(writes=False):
        assert held(database) == 1
        writer = threading.Thread(target=keep, args=(database, 2))
        writer.start()
        writer.join()
        assert held(database) == 1
        assert refusal(lambda: keep(database, 3)) == "database.order"
    assert held(database) == 2


def test_a_writer_whose_turn_does_not_come_is_told_to_try_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cyberprivacy.vault.database.BUSY", 0.05)
    database, codes = Database.open(f"sqlite:///{tmp_path / 'vault.db'}"), list[str]()

    with database.transaction() as connection:
        put(connection, 1)
        thread = threading.Thread(target=lambda: codes.append(refusal(lambda: keep(database, 2))))
        thread.start()
        thread.join()
    assert (codes, held(database)) == (["database.busy"], 1)
    database.close()
