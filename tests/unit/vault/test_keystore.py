"""Keys that are overwritten are gone, whatever is restored; keys that live survive every kind of death."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from killing import dies_at

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.disk import SmallDisk
from cyberprivacy.vault import keyslot, keystore
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import HEADER, KeyStore

ANNA, BEN, CLEO = (Holder(bytes([number]) * 32, 1) for number in (1, 2, 3))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[DevelopmentRoot]:
    made = DevelopmentRoot.make(tmp_path / "root")
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path, root: DevelopmentRoot) -> Iterator[KeyStore]:
    made = KeyStore.make(tmp_path / "keys", root)
    made.create([ANNA, BEN])
    yield made
    made.close()


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        call(*arguments, **named)  # type: ignore[operator]
    return refusal.value.code


def reopened(store: KeyStore) -> KeyStore:
    store.close()
    return KeyStore.open(store.path, store.root)


def test_keys_differ_stay_and_are_not_in_the_file(tmp_path: Path, root: DevelopmentRoot) -> None:
    store = KeyStore.make(tmp_path / "keys", root)
    store.create([ANNA, BEN, Holder(ANNA.owner, 2)])
    anna, ben, other = (store.find(each) for each in (ANNA, BEN, Holder(ANNA.owner, 2)))
    assert len({anna, ben, other}) == 3
    store = reopened(store)
    assert (store.find(ANNA), store.find(BEN)) == (anna, ben)
    assert code(store.find, CLEO) == "keystore.none"
    assert code(store.create, [CLEO, ANNA]) == "keystore.twice"
    assert not store.holds(CLEO)
    assert not any(key in store.path.read_bytes() for key in (anna, ben))
    assert oct(store.path.stat().st_mode & 0o777) == "0o600"
    store.close()


def test_a_destroyed_key_is_overwritten_and_its_slot_used_again(store: KeyStore) -> None:
    before = store.path.read_bytes()
    wrapped = next(
        before[place : place + keyslot.SIZE]
        for place in range(HEADER, len(before), keyslot.SIZE)
        if before[place + 8 : place + 40] == ANNA.owner
    )
    assert store.destroy([ANNA, CLEO]) == 1
    assert store.destroy([ANNA]) == 0
    assert wrapped[44:104] not in store.path.read_bytes()
    assert code(store.find, ANNA) == "keystore.none"
    store.create([CLEO])
    assert len(store.path.read_bytes()) == len(before)
    assert len(store) == 2


def test_a_turn_keeps_the_living_and_makes_every_older_copy_worthless(tmp_path: Path, store: KeyStore) -> None:
    ben = store.find(BEN)
    shutil.copy(store.path, tmp_path / "backup")
    store.destroy([ANNA])
    assert (store.turn(), store.epoch) == (1, 2)
    assert store.find(BEN) == ben
    assert code(store.root.key, 1) == "keyroot.epoch"
    store.close()
    shutil.copy(tmp_path / "backup", store.path)
    assert code(KeyStore.open, store.path, store.root) == "keystore.older"


def test_a_root_that_was_set_back_and_a_foreign_root_are_refused(tmp_path: Path, store: KeyStore) -> None:
    shutil.copy(tmp_path / "root", tmp_path / "old-root")
    store.turn()
    store.close()
    older = DevelopmentRoot.open(tmp_path / "old-root")
    assert code(KeyStore.open, store.path, older) == "keystore.root"
    older.prepare()
    older.retire()
    foreign = KeyStore.open(store.path, older)
    assert code(foreign.find, BEN) == "keystore.forged"
    foreign.close()
    older.close()


def test_growth_keeps_every_key(store: KeyStore) -> None:
    many = [Holder(number.to_bytes(32, "big"), 7) for number in range(1000, 1200)]
    store.create(many)
    keys = [store.find(each) for each in many]
    store = reopened(store)
    assert [store.find(each) for each in many] == keys
    store.turn()
    store = reopened(store)
    assert [store.find(each) for each in many] == keys


@pytest.mark.parametrize("place", [0, 5, 20, 50, 100, 126])
def test_a_damaged_slot_is_named_never_anothers_key_and_holds_up_a_turn(store: KeyStore, place: int) -> None:
    ben = store.find(BEN)
    number = store._held.index[ANNA.packed()]
    with store.path.open("r+b") as file:
        file.seek(HEADER + number * keyslot.SIZE + place)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    assert code(store.find, ANNA) == "keystore.torn"
    store = reopened(store)
    assert store.damaged == (number,)
    assert code(store.find, ANNA) == "keystore.none"
    assert store.find(BEN) == ben
    assert code(store.turn) == "keystore.damaged"
    store.turn(without=store.damaged)
    assert store.damaged == ()
    assert store.find(BEN) == ben
    store.close()


def test_a_slot_that_was_moved_to_another_owner_is_forged(store: KeyStore) -> None:
    slots = {holder: HEADER + store._held.index[holder.packed()] * keyslot.SIZE for holder in (ANNA, BEN)}
    with store.path.open("r+b") as file:
        file.seek(slots[ANNA])
        stolen = file.read(keyslot.SIZE)
        body = stolen[:8] + BEN.packed() + stolen[44:124]
        file.seek(slots[BEN])
        file.write(body + keyslot.zlib.crc32(body).to_bytes(4, "big"))
    assert code(store.find, BEN) == "keystore.forged"


def test_one_process_at_a_time_and_never_over_another_file(tmp_path: Path, store: KeyStore) -> None:
    assert code(KeyStore.open, store.path, store.root) == "keystore.busy"
    store.close()
    assert code(KeyStore.make, store.path, store.root) == "keystore.place"
    assert code(KeyStore.open, tmp_path / "none", store.root) == "keystore.place"
    assert code(DevelopmentRoot.make, tmp_path / "root") == "keyroot.place"
    (tmp_path / "junk").write_bytes(bytes(HEADER))
    assert code(KeyStore.open, tmp_path / "junk", store.root) == "keystore.damaged"
    (tmp_path / "root").chmod(0o640)
    assert code(DevelopmentRoot.open, tmp_path / "root") == "keyroot.mode"


@pytest.mark.parametrize("torn", [False, True])
def test_killed_at_any_write_nothing_that_lives_is_lost_and_the_next_start_goes_on(
    tmp_path: Path, root: DevelopmentRoot, *, torn: bool
) -> None:
    store = KeyStore.make(tmp_path / "keys", root)
    store.create([ANNA])
    anna = store.find(ANNA)
    store.close()
    root.close()
    shutil.copytree(tmp_path, tmp_path / "start")

    def work() -> None:
        mine = KeyStore.open(here / "keys", DevelopmentRoot.open(here / "root"))
        mine.create(Holder(number.to_bytes(32, "big"), 1) for number in range(9, 50))
        mine.destroy([Holder((9).to_bytes(32, "big"), 1)])
        mine.turn()
        mine.create([BEN])
        mine.turn()

    deaths = 0
    while True:
        here = tmp_path / f"run{deaths}"
        shutil.copytree(tmp_path / "start", here)
        died = dies_at(deaths, work, torn=torn)
        after = DevelopmentRoot.open(here / "root")
        store = KeyStore.open(here / "keys", after)
        assert store.find(ANNA) == anna
        assert all(store.find(Holder(packed[:32], 1)) for packed in store._held.index)
        store.create([CLEO])
        store.turn(without=store.damaged)
        assert store.find(ANNA) == anna
        assert store.epoch == after.epochs()[0]
        assert len(after.epochs()) == 1
        store.close()
        after.close()
        shutil.rmtree(here)
        if not died:
            break
        deaths += 1
    assert deaths > 20


def test_a_torn_new_root_is_no_root_and_making_it_again_works(tmp_path: Path) -> None:
    path = tmp_path / "root"
    deaths = 0
    while dies_at(deaths, lambda: DevelopmentRoot.make(path), torn=True):
        (DevelopmentRoot.open if path.exists() else DevelopmentRoot.make)(path).close()
        path.unlink()
        deaths += 1
    assert deaths > 4


@pytest.mark.engines
def test_a_full_disk_is_try_later_and_costs_no_key(tmp_path: Path, root: DevelopmentRoot) -> None:
    with SmallDisk(tmp_path / "disk", 64 << 10) as disk:
        store = KeyStore.make(tmp_path / "disk" / "keys", root)
        store.create([ANNA])
        disk.fill()
        many = [Holder(number.to_bytes(32, "big"), 1) for number in range(100)]
        assert code(store.create, many) == "keystore.full"
        assert code(store.turn) == "keystore.full"
        assert store.find(ANNA)
        disk.empty()
        store.create(many)
        store.turn()
        store = reopened(store)
        assert len(store) == 101
        store.close()


def test_who_looks_for_a_key_does_not_wait_while_all_are_wrapped_anew(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests look in the server's own loop, and wrapping a million takes minutes."""
    written, goes_on, publish = Event(), Event(), keystore.publish

    def slow(*arguments: Any) -> None:
        publish(*arguments)
        written.set()
        assert goes_on.wait(20)

    monkeypatch.setattr(keystore, "publish", slow)
    key = store.find(ANNA)
    with ThreadPoolExecutor(1) as other:
        turn = other.submit(store.turn)
        assert written.wait(20)
        assert (store.find(ANNA), code(store.find, CLEO)) == (key, "keystore.none")
        assert store.generations(ANNA.owner) == (1,)
        goes_on.set()
        assert turn.result() + 1 == store.epoch
    assert store.find(ANNA) == key
