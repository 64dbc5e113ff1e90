"""What was erased cannot be read again: not by us, not from what is left in files, not from backups."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from erasures import asked, code, erased, erasure, totals
from keeping import NOW, Vault, order

from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.vault import owners, sealing
from cyberprivacy.vault.erasing import Scope, Step, What, ask_for_unreadable, find
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore

FILES = ("vault.db", "vault.db-wal", "vault.db-shm", "keys", "keys.segments", "root")


def wrapped_keys(folder: Path, store: KeyStore) -> list[bytes]:
    """Every wrapped key in the key file."""
    content = (folder / "keys").read_bytes()
    return [content[place + 44 : place + 104] for place in range(4096, len(content), 128) if content[place] == 1]


@pytest.mark.parametrize("backup", ["before", "after"])
def test_restore_drill_an_erased_user_stays_erased_whatever_is_restored(tmp_path: Path, backup: str) -> None:
    """Database, log and key file come back from a backup; the root, as ever, does not."""
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    vault = Vault.make(tmp_path, url)
    anna, ben = vault.person("anna"), vault.person("ben")
    (made,) = vault.change(anna, order(1))
    vault.change(ben, order(2))
    files = ("vault.db", "vault.db-wal", "keys", "keys.segments")
    saved = tmp_path / "saved"
    saved.mkdir()
    for name in files:
        shutil.copy(tmp_path / name, saved)
    told = erased(vault, anna, Scope(What.OWNER))
    if backup == "after":
        shutil.copy(tmp_path / "keys", saved)
        shutil.copy(tmp_path / "keys.segments", saved)
    vault.close()
    for name in files:
        shutil.copy(saved / name, tmp_path)
    if backup == "before":
        assert code(Vault.open, tmp_path, url) == "keystore.older"
        return
    vault = Vault.open(tmp_path, url)
    assert vault.rows("records") == 2  # the old rows are there again
    assert code(vault.read, anna, made.record) == "keystore.none"
    assert code(vault.change, anna, order(3)) == "keystore.none"
    assert totals(vault, ben) == [2]
    assert told["epoch"] == 1
    assert code(vault.root.key, 1) == "keyroot.epoch"
    with vault.database.transaction() as connection:
        jobs = ask_for_unreadable(connection, vault.store, now=NOW)
    assert [job.id for job in erasure(vault).run()] == list(jobs)
    assert (vault.rows("records"), totals(vault, ben)) == (1, [2])
    with vault.database.transaction() as connection:
        owners.admit(connection, vault.store, anna, account=sha256(b"anna").digest(), app="shop", now=NOW)
    vault.change(anna, order(3))
    assert totals(vault, anna) == [3]
    vault.close()


def test_a_restored_database_from_before_an_erased_record_is_unreadable_and_its_later_key_goes_too(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    vault = Vault.make(tmp_path, url)
    anna = vault.person("anna")
    one, _ = vault.change(anna, order(1), order(2))
    vault.close()
    shutil.copy(tmp_path / "vault.db", tmp_path / "saved.db")
    vault = Vault.open(tmp_path, url)
    erased(vault, anna, Scope(What.RECORD, one.record.hex()))
    vault.close()
    shutil.copy(tmp_path / "saved.db", tmp_path / "vault.db")
    vault = Vault.open(tmp_path, url)
    assert code(vault.all, anna) == "keystore.none"
    with vault.database.transaction() as connection:
        ask_for_unreadable(connection, vault.store, now=NOW)
    erasure(vault).run()
    assert len(vault.store) == 0
    vault.close()


def test_a_reader_that_holds_the_log_delays_the_receipt_not_the_end_of_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cyberprivacy.vault.database.BUSY", 0.05)
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}")
    anna = vault.person("anna")
    vault.change(anna, order(1))
    with vault.database.reading() as connection:
        assert len(list(vault.records.all(connection, anna))) == 1
        job = asked(vault, anna, Scope(What.OWNER))
        assert code(erasure(vault).run) == "database.busy"
        assert code(vault.store.find, Holder(anna, 1)) == "keystore.none"
    with vault.database.reading() as connection:
        assert find(connection, job).step is Step.PURGED
    assert [done.id for done in erasure(vault).run()] == [job]
    vault.close()


def traces(places: list[Path], needles: dict[str, bytes]) -> set[str]:
    files = [
        file for place in places for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file()
    ]
    content = [file.read_bytes() for file in files]
    return {name for name, needle in needles.items() if any(needle in each for each in content)}


def needles_of(vault: Vault, owner: bytes, secret: bytes) -> dict[str, bytes]:
    """All that must never be in a file in the clear, and what must be gone in the end."""
    user = vault.store.find(Holder(owner, 1))
    with vault.database.reading() as connection:
        row = connection.exec_driver_sql("SELECT key, sealed FROM records").one()
    wrapped, sealed = bytes(row[0]), bytes(row[1])
    own = sealing.unwrap(sealing.AESGCM(user), wrapped)
    keys = wrapped_keys(vault.folder, vault.store)
    assert len(keys) == 1
    return {
        "text": secret,
        "user key": user,
        "record key": own,
        "wrapped user key": keys[0],
        "wrapped record key": wrapped,
        "sealed": sealed,
    }


def test_nothing_is_left_in_sqlites_files_and_a_backup_of_them_opens_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    vault = Vault.make(tmp_path, url)
    anna, secret = vault.person("anna"), os.urandom(16).hex()
    vault.change(anna, order(1, secret), key="k")
    needles = needles_of(vault, anna, secret.encode())
    places = [tmp_path / name for name in FILES]
    clear = {"text", "user key", "record key"}
    assert traces(places, needles) == needles.keys() - clear
    backup = tmp_path / "backup"
    backup.mkdir()
    for place in places[:-1]:
        shutil.copy(place, backup)
    erased(vault, anna, Scope(What.OWNER))
    assert traces(places, needles) == set()
    assert not traces([backup], needles) & clear
    vault.close()


def test_postgresql_what_it_still_holds_after_erasing_opens_with_nothing_that_is_left(tmp_path: Path) -> None:
    with Postgres() as server:
        vault = Vault.make(tmp_path, server.create("vault"))
        anna, secret = vault.person("anna"), os.urandom(16).hex()
        vault.change(anna, order(1, secret), key="k")
        needles = needles_of(vault, anna, secret.encode())
        dump = subprocess.run(
            [f"{server._tools}/pg_dump", "-h", str(server.folder), "-U", "postgres", "vault"],
            capture_output=True,
            check=True,
        ).stdout
        (tmp_path / "dump").write_bytes(dump)
        erased(vault, anna, Scope(What.OWNER))
        server.stop()
        left = traces([server.data, *(tmp_path / name for name in FILES[3:]), tmp_path / "dump"], needles)
        assert left <= {"wrapped record key", "sealed"}  # in the write-ahead log, until the server recycles it
        server.start()
        assert code(vault.store.find, Holder(anna, 1)) == "keystore.none"
        assert code(vault.root.key, 1) == "keyroot.epoch"
        vault.close()
