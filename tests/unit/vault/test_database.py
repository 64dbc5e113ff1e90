"""Both engines, the tables' history, and what the database refuses."""

import sqlite3
import stat
import threading
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater
from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.vault import tables
from cyberprivacy.vault.database import Database


def account(number: int) -> dict[str, object]:
    return {
        "id": number.to_bytes(32, "big"),
        "seq": 0,
        "head": bytes(32),
        "at": 1,
        "secret": bytes(32),
        "created": 1,
    }


def begin_and_refuse(connection: Connection) -> None:
    connection.execute(insert(tables.ACCOUNTS).values(account(1)))
    raise Misuse("no")


def fill(connection: Connection) -> None:
    connection.execute(text("PRAGMA max_page_count = 1"))
    for number in range(10_000):
        connection.execute(insert(tables.ACCOUNTS).values(account(number)))


def held(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.ACCOUNTS)).scalar_one()


def test_all_changes_of_the_tables_together_make_the_tables_of_the_program(database: Database) -> None:
    with database.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.METADATA) == []


def test_a_transaction_that_fails_leaves_nothing_and_one_that_ends_is_there_after_opening_again(
    database: Database, database_url: str
) -> None:
    with pytest.raises(CyberPrivacyError), database.transaction() as connection:
        begin_and_refuse(connection)
    assert held(database) == 0
    with database.transaction() as connection:
        connection.execute(insert(tables.ACCOUNTS).values(account(1)))
    database.close()
    again = Database.open(database_url)
    assert held(again) == 1
    again.close()


def test_reading_is_one_snapshot_and_cannot_write(database: Database) -> None:
    with database.reading() as connection:
        counted = select(func.count()).select_from(tables.ACCOUNTS)
        assert connection.execute(counted).scalar_one() == 0
        with database.transaction() as other:
            other.execute(insert(tables.ACCOUNTS).values(account(1)))
        assert connection.execute(counted).scalar_one() == 0
    assert held(database) == 1
    with pytest.raises(CyberPrivacyError) as refusal, database.reading() as connection:
        connection.execute(insert(tables.ACCOUNTS).values(account(2)))
    assert refusal.value.code == "database.place"


def test_writers_queue_up_and_none_is_lost(database: Database) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 25):
            with database.transaction() as connection:
                connection.execute(insert(tables.ACCOUNTS).values(account(number)))

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(database) == 75


def test_tables_of_a_newer_program_are_refused_and_stay_as_they_are(database: Database, database_url: str) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CyberPrivacyError) as refusal:
        Database.open(database_url)
    assert (refusal.value.code, refusal.value.exit_code) == ("database.newer", 2)
    with database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "database.url"),
        ("sqlite://", "database.url"),
        ("sqlite:///:memory:", "database.url"),
        ("mysql://u@h/x", "database.url"),
        ("postgresql://", "database.url"),
        ("postgresql://me:secret@host/x", "database.password"),
        ("postgresql://me@host/x?password=secret", "database.password"),
        ("sqlite:////proc/none/vault.db", "database.place"),
    ],
)
def test_addresses_that_cannot_be_are_refused_without_telling_the_password(url: str, code: str) -> None:
    with pytest.raises(CyberPrivacyError) as refusal:
        Database.open(url)
    assert refusal.value.code == code
    assert "secret" not in str(refusal.value)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'deep' / 'vault.db'}")
    with database.transaction() as connection:
        connection.execute(insert(tables.ACCOUNTS).values(account(1)))
        files = list((tmp_path / "deep").iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    database.close()


def test_a_file_that_is_no_database_is_damage_and_a_full_one_is_try_later(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database at all" * 400)
    with pytest.raises(CyberPrivacyError) as refusal:
        Database.open(f"sqlite:///{tmp_path / 'bad.db'}")
    assert (refusal.value.code, refusal.value.exit_code) == ("database.damaged", 1)
    database = Database.open(f"sqlite:///{tmp_path / 'vault.db'}")
    with pytest.raises(CyberPrivacyError) as refusal, database.transaction() as connection:
        fill(connection)
    assert (refusal.value.code, refusal.value.exit_code) == ("database.full", 3)
    assert held(database) == 0
    database.close()


def test_a_writer_that_waits_too_long_is_told_to_try_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cyberprivacy.vault.database.BUSY", 0.05)
    database = Database.open(f"sqlite:///{tmp_path / 'vault.db'}")
    other = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CyberPrivacyError) as refusal, database.transaction():
        pass
    assert (refusal.value.code, refusal.value.exit_code) == ("database.busy", 3)
    other.close()
    database.close()


def test_a_server_that_is_away_is_try_later_and_the_database_recovers_by_itself() -> None:
    with Postgres() as server:
        database = Database.open(server.create("vault"))
        server.stop()
        with pytest.raises(CyberPrivacyError) as refusal, database.transaction():
            pass
        assert (refusal.value.code, refusal.value.exit_code) == ("database.unreachable", 3)
        server.start()
        assert held(database) == 0
        database.close()


def test_whoever_opens_a_database_hears_where_it_is_missing_and_callers_do_not(postgres: Postgres) -> None:
    with pytest.raises(TryLater) as refusal:
        Database.open(postgres.url("missing"))
    assert (refusal.value.code, "missing" in str(refusal.value)) == ("database.unreachable", True)
    opened = Database.open(postgres.create("gone", template="vault"))
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE gone WITH (FORCE)")
    with pytest.raises(TryLater) as refusal, opened.reading():
        pass
    assert (refusal.value.code, "gone" in str(refusal.value)) == ("database.unreachable", False)
    opened.close()
