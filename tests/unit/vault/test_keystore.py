"""Keys that are overwritten are gone, whatever is restored; keys that live survive every kind of death."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from killing import dies_at

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.disk import SmallDisk
from cyberprivacy.vault import keyslot, keystore
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import HEADER, KeyStore
from cyberprivacy.vault.slotfile import SLOT_FILE, TABLE, header, table_of

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


def place_of(store: KeyStore, holder: Holder) -> int:
    number = store._held.index[holder.packed()]
    return store._held.segment(number).place(number)


def opens(key: bytes, slot: bytes) -> bool:
    """Whether a key opens what is wrapped in a slot, whatever else is right or wrong about it."""
    try:
        AESGCM(key).decrypt(slot[44:56], slot[56:104], b"udi1|uk|" + slot[4:44])
    except InvalidTag:
        return False
    return True


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
    for file in (store.path, table_of(store.path)):
        assert not any(key in file.read_bytes() for key in (anna, ben, store._held.segments[0].key))
        assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert not any(key.hex() in repr(store._held.segments) for key in (anna, store._held.segments[0].key))
    store.close()


def test_a_destroyed_key_is_overwritten_and_its_slot_used_again_after_the_next_turn(store: KeyStore) -> None:
    before, place = store.path.read_bytes(), place_of(store, ANNA)
    wrapped = before[place : place + keyslot.SIZE]
    assert wrapped[8:40] == ANNA.owner
    assert store.destroy([ANNA, CLEO]) == 1
    assert store.destroy([ANNA]) == 0
    assert wrapped[44:104] not in store.path.read_bytes()
    assert code(store.find, ANNA) == "keystore.none"
    store.create([CLEO])
    assert store.path.read_bytes()[place : place + keyslot.SIZE] == keyslot.SPENT
    store = reopened(store)
    store.turn()
    dora = Holder(bytes([4]) * 32, 1)
    store.create([dora])
    assert store._held.index[dora.packed()] == 0
    assert len(store) == 3
    store.close()


def test_only_the_segments_in_which_a_key_was_overwritten_are_wrapped_anew(store: KeyStore) -> None:
    many = [Holder(number.to_bytes(32, "big"), 1) for number in range(700)]
    store.create(many)
    areas = {each.number: (each.area, each.key) for each in store._held.segments}
    assert len(areas) == 3
    before = store.path.read_bytes()
    gone = many[400]
    stolen = before[place_of(store, gone) :][: keyslot.SIZE]
    key, old = store.find(gone), store._held.segment(store._held.index[gone.packed()])
    assert old.unwrap(gone.packed(), stolen) == key
    store.destroy([gone])
    store.turn()
    after = {each.number: (each.area, each.key) for each in store._held.segments}
    assert [number for number in areas if areas[number] != after[number]] == [1]
    assert not any(opens(each.key, stolen) for each in store._held.segments)
    start = HEADER + areas[1][0] * 256 * keyslot.SIZE
    assert not any(store.path.read_bytes()[start : start + 256 * keyslot.SIZE])
    store = reopened(store)
    assert all(store.find(each) for each in many if each != gone)
    size = store.path.stat().st_size
    store.destroy(many[:100])
    store.turn()
    assert store.path.stat().st_size == size  # in what was spare
    store.close()


def test_an_older_copy_of_either_file_alone_is_refused(tmp_path: Path, store: KeyStore) -> None:
    shutil.copy(store.path, tmp_path / "slots")
    shutil.copy(table_of(store.path), tmp_path / "table")
    store.destroy([ANNA])
    store.turn()
    store.close()
    shutil.copy(store.path, tmp_path / "new")
    shutil.copy(tmp_path / "slots", store.path)
    assert code(KeyStore.open, store.path, store.root) == "keystore.older"
    shutil.copy(tmp_path / "new", store.path)
    shutil.copy(tmp_path / "table", table_of(store.path))
    assert code(KeyStore.open, store.path, store.root) == "keystore.older"
    table_of(store.path).unlink()
    assert code(KeyStore.open, store.path, store.root) == "keystore.place"


def test_a_turn_keeps_the_living_and_makes_every_older_copy_worthless(tmp_path: Path, store: KeyStore) -> None:
    ben = store.find(BEN)
    shutil.copy(store.path, tmp_path / "backup")
    shutil.copy(table_of(store.path), tmp_path / "backup.segments")
    store.destroy([ANNA])
    assert (store.turn(), store.epoch) == (1, 2)
    assert store.find(BEN) == ben
    assert code(store.root.key, 1) == "keyroot.epoch"
    store.close()
    shutil.copy(tmp_path / "backup", store.path)
    shutil.copy(tmp_path / "backup.segments", table_of(store.path))
    assert code(KeyStore.open, store.path, store.root) == "keystore.older"


def test_a_root_that_was_set_back_and_a_foreign_root_are_refused(tmp_path: Path, store: KeyStore) -> None:
    shutil.copy(tmp_path / "root", tmp_path / "old-root")
    store.turn()
    store.close()
    older = DevelopmentRoot.open(tmp_path / "old-root")
    assert code(KeyStore.open, store.path, older) == "keystore.root"
    older.prepare()
    older.retire()
    assert code(KeyStore.open, store.path, older) == "keystore.forged"
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
        file.seek(place_of(store, ANNA) + place)
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
    slots = {holder: place_of(store, holder) for holder in (ANNA, BEN)}
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
    junk = tmp_path / "junk"
    junk.write_bytes(bytes(HEADER))
    assert code(KeyStore.open, junk, store.root) == "keystore.place"
    table_of(junk).write_bytes(bytes(HEADER))
    assert code(KeyStore.open, junk, store.root) == "keystore.damaged"
    for content in (b"", bytes(27), bytes(28)):
        table_of(junk).write_bytes(header(TABLE, 1) + content)
        junk.write_bytes(header(SLOT_FILE, 1))
        assert code(KeyStore.open, junk, store.root) == "keystore.forged"
    junk.write_bytes(header(SLOT_FILE, 1))
    table_of(junk).write_bytes(table_of(store.path).read_bytes())
    assert code(KeyStore.open, junk, store.root) == "keystore.damaged"  # a segment has no place there
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
    with SmallDisk(tmp_path / "disk", 128 << 10) as disk:
        store = KeyStore.make(tmp_path / "disk" / "keys", root)
        store.create([ANNA, BEN])
        disk.fill()
        many = [Holder(number.to_bytes(32, "big"), 1) for number in range(400)]
        assert code(store.create, many) == "keystore.full"
        store.destroy([BEN])
        assert code(store.turn) == "keystore.full"
        assert store.find(ANNA)
        disk.empty()
        store.create(many)
        store.turn()
        store = reopened(store)
        assert len(store) == 401
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
