"""Records: whole or not at all, one writer after the other, never another's, never in the clear."""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from keeping import NOTE, NOW, ORDER, Vault, order
from sqlalchemy import select, text

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.disk import SmallDisk
from cyberprivacy.vault.change import Create, Delete, Update
from cyberprivacy.vault.changing import Quota
from cyberprivacy.vault.tables import OUTBOX, OWNERS


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        call(*arguments, **named)  # type: ignore[operator]
    return refusal.value.code


def events(vault: Vault, owner: bytes) -> list[tuple[int, str, str, int]]:
    with vault.database.reading() as connection:
        shown = select(OUTBOX.c.seq, OUTBOX.c.change, OUTBOX.c.type, OUTBOX.c.rev).where(OUTBOX.c.owner == owner)
        return [tuple(row) for row in connection.execute(shown.order_by(OUTBOX.c.seq))]


def counted(vault: Vault, owner: bytes) -> tuple[int, int]:
    with vault.database.reading() as connection:
        row = connection.execute(select(OWNERS.c.records, OWNERS.c.bytes).where(OWNERS.c.id == owner)).one()
        return row.records, row.bytes


def test_a_record_lives_from_create_to_delete_and_its_bytes_stay_as_they_were_written(vault: Vault) -> None:
    anna = vault.person("anna")
    body = b'{ "unknown" : [1.50, "\\u00e4"],\n "total":7}'
    (made,) = vault.change(anna, Create(ORDER, body))
    record = vault.read(anna, made.record)
    assert (record.body, record.rev, record.type, record.created) == (body, 1, ORDER, NOW)
    (changed,) = vault.change(anna, Update(made.record, 1, b'{"total":8}'))
    assert (vault.read(anna, made.record).body, changed.rev) == (b'{"total":8}', 2)
    assert counted(vault, anna) == (1, 11)
    vault.change(anna, Delete(made.record, 2))
    assert code(vault.read, anna, made.record) == "record.none"
    assert counted(vault, anna) == (0, 0)
    assert events(vault, anna) == [(1, "created", ORDER, 1), (2, "updated", ORDER, 2), (3, "deleted", ORDER, 3)]


def test_a_list_of_changes_happens_whole_or_not_at_all(vault: Vault) -> None:
    anna = vault.person("anna")
    first, second = vault.change(anna, order(1), order(2))
    changes = (Update(first.record, 1, b'{"total":9}'), Delete(second.record, 1), Create(ORDER, b'{"total":"x"}'))
    assert code(vault.change, anna, *changes) == "record.schema"
    assert [json.loads(each.body)["total"] for each in vault.all(anna)] in ([1, 2], [2, 1])
    assert len(events(vault, anna)) == 2
    vault.change(anna, *changes[:2], order(3))
    assert sorted(json.loads(each.body)["total"] for each in vault.all(anna)) == [3, 9]
    assert counted(vault, anna) == (2, sum(len(each.body) for each in vault.all(anna)))


def test_nobody_reaches_anothers_record(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    (made,) = vault.change(anna, order(1))
    assert code(vault.read, ben, made.record) == "record.none"
    assert code(vault.change, ben, Update(made.record, 1, b'{"total":2}')) == "record.none"
    assert code(vault.change, ben, Delete(made.record, 1)) == "record.none"
    assert vault.all(ben) == []
    vault.change(ben, Create(ORDER, b'{"total":5}', made.record))
    assert json.loads(vault.read(anna, made.record).body)["total"] == 1


def test_rows_that_are_exchanged_behind_the_vaults_back_do_not_open(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    (old,) = vault.change(anna, order(1))
    (other,) = vault.change(anna, order(2))
    vault.change(ben, order(3))
    for change in (
        "UPDATE records SET rev = 2 WHERE id = :one",
        "UPDATE records SET type = 'example.notes.note.v1' WHERE id = :one",
        "UPDATE records SET key = (SELECT key FROM records WHERE id = :two) WHERE id = :one",
        "UPDATE records SET sealed = (SELECT sealed FROM records WHERE id = :two) WHERE id = :one",
        "UPDATE records SET (key, sealed) = (SELECT key, sealed FROM records WHERE id = :two) WHERE id = :one",
    ):
        with suppress(InterruptedError), vault.database.transaction() as connection:
            connection.execute(text(change), {"one": old.record, "two": other.record})
            assert code(vault.records.read, connection, anna, old.record) == "record.seal"
            raise InterruptedError
    assert vault.read(anna, old.record)


def test_two_devices_that_saw_the_same_revision_one_wins_and_the_other_is_told(vault: Vault) -> None:
    anna = vault.person("anna")
    (made,) = vault.change(anna, order(0))
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def device(number: int) -> None:
        ready.wait()
        try:
            vault.change(anna, Update(made.record, 1, json.dumps({"total": number}).encode()))
            outcomes.append("won")
        except CyberPrivacyError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=device, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["record.rev", "record.rev", "record.rev", "won"]
    assert vault.read(anna, made.record).rev == 2
    assert code(vault.change, anna, Delete(made.record, 1)) == "record.rev"


def test_devices_that_write_at_once_leave_events_without_gaps(vault: Vault) -> None:
    anna = vault.person("anna")

    def device() -> None:
        for number in range(10):
            vault.change(anna, order(number), order(number + 100))

    threads = [threading.Thread(target=device) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event[0] for event in events(vault, anna)] == list(range(1, 61))
    assert counted(vault, anna)[0] == len(vault.all(anna)) == 60


def test_the_same_request_twice_has_one_effect_and_one_answer_and_another_is_refused(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    done = vault.change(anna, order(1), order(2), key="k1")
    assert vault.change(anna, order(1), order(2), key="k1") == done
    assert len(vault.all(anna)) == 2
    for other in ((order(1),), (order(2), order(1)), (order(1), order(3))):
        assert code(vault.change, anna, *other, key="k1") == "idempotency.other"
    assert vault.change(ben, order(1), key="k1") != done
    vault.change(anna, Delete(done[0].record, 1))
    assert vault.change(anna, order(1), order(2), key="k1") == done
    assert len(vault.all(anna)) == 1
    with vault.database.transaction() as connection:
        assert vault.records.forget_answers(connection, before=NOW) == 0
        assert vault.records.forget_answers(connection, before=NOW + 1) == 3
    for bad in ("", "a b", "ä", "x" * 129):
        assert code(vault.change, anna, order(1), key=bad) == "idempotency.key"


def test_pages_show_every_record_once_in_the_order_of_time(vault: Vault) -> None:
    anna = vault.person("anna")
    times = iter(range(NOW, NOW + 1000))
    vault.means = type(vault.means)(
        ring=vault.ring, types=vault.means.types, quota=Quota(), clock=lambda: next(times)
    )
    vault.records = type(vault.records)(vault.means)
    made = [vault.change(anna, order(n) if n % 3 else Create(NOTE, b'{"text":"x"}'))[0].record for n in range(20)]
    with vault.database.reading() as connection:
        seen, after = [], b""
        while page := vault.records.page(connection, anna, after=after, limit=7):
            seen += [each.id for each in page]
            after = page[-1].id
        assert seen == made
        assert len(vault.records.page(connection, anna, kind=NOTE, limit=100)) == 7
        assert code(vault.records.page, connection, anna, limit=0) == "record.limit"
        assert code(vault.records.page, connection, anna, limit=1001) == "record.limit"


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"", "json.strict"),
        (b"{", "json.strict"),
        (b'{"total":1,"total":2}', "json.strict"),
        (b'{"total":NaN}', "json.strict"),
        (b'{"total":1,"note":"\xff"}', "json.strict"),
        (b"[" * 40 + b"]" * 40, "json.strict"),
        (b'{"total":1,"note":"' + b"x" * (256 << 10) + b'"}', "json.size"),
        (b'{"note":"x"}', "record.schema"),
        (b'{"total":1.5}', "record.schema"),
        (b"[]", "record.schema"),
    ],
)
def test_what_is_not_of_its_type_is_refused_without_telling_what_it_is(
    tmp_path: Path, body: bytes, refused: str
) -> None:
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}")
    anna = vault.person("anna")
    with pytest.raises(CyberPrivacyError) as refusal:
        vault.change(anna, Create(ORDER, body))
    assert refusal.value.code == refused
    assert "1.5" not in str(refusal.value)
    assert vault.rows("records") == 0
    vault.close()


def test_unknown_types_owners_ids_and_lists_are_refused(vault: Vault) -> None:
    anna = vault.person("anna")
    assert code(vault.change, anna, Create("example.none.v1", b"{}")) == "type.none"
    assert code(vault.change, anna, Create("'; DROP TABLE records", b"{}")) == "type.none"
    assert code(vault.change, bytes(32), order(1)) == "owner.none"
    assert code(vault.change, anna) == "record.batch"
    assert code(vault.change, anna, *[order(1)] * 1001) == "record.batch"
    assert code(vault.change, anna, Delete(b"short", 1)) == "record.id"
    (made,) = vault.change(anna, order(1))
    assert code(vault.change, anna, Delete(made.record, 1), Delete(made.record, 1)) == "record.twice"
    assert code(vault.change, anna, Create(ORDER, b'{"total":1}', made.record)) == "record.exists"
    assert len(vault.all(anna)) == 1


def test_quotas_count_records_and_bytes_and_room_comes_back(database_url: str, tmp_path: Path) -> None:
    vault = Vault.make(tmp_path, database_url, quota=Quota(records=2, bytes=100))
    anna = vault.person("anna")
    one, two = vault.change(anna, order(1), order(2))
    assert code(vault.change, anna, order(3)) == "quota.records"
    vault.change(anna, Delete(one.record, 1))
    assert code(vault.change, anna, order(3, "x" * 60)) == "quota.bytes"
    assert (
        code(vault.change, anna, Update(two.record, 1, b'{"total":2,"note":"' + b"y" * 90 + b'"}'))
        == "quota.bytes"
    )
    vault.change(anna, order(3))
    vault.close()


def test_all_that_is_refused_is_refused_before_anything_is_written(database_url: str, tmp_path: Path) -> None:
    vault = Vault.make(tmp_path, database_url, quota=Quota(records=3, bytes=200))
    anna = vault.person("anna")
    one, two = (each.record for each in vault.change(anna, order(1), order(2), key="used"))
    long = b'{"total":2,"note":"' + b"y" * 190 + b'"}'
    refused: list[list[Create | Update | Delete]] = [
        [order(3), Create(ORDER, b"{}")],
        [order(3), Create("example.none.none.v1", b"{}")],
        [order(3), order(4)],
        [Delete(one, 1), Update(two, 7, b'{"total":2}')],
        [Delete(one, 1), Update(two, 1, b"{}")],
        [Update(one, 1, b'{"total":2}'), Delete(bytes(16), 1)],
        [Update(one, 1, b'{"total":2}'), Update(two, 1, long)],
        [order(3, "x" * 190)],
    ]
    with vault.database.together(writes=True):
        for changes in refused:
            with pytest.raises(CyberPrivacyError), vault.database.transaction(checked=True) as connection:
                vault.records.change(connection, anna, changes)
        with pytest.raises(CyberPrivacyError), vault.database.transaction(checked=True) as connection:
            vault.records.change(connection, anna, [order(3)], key="used")
        vault.change(anna, order(3))
    assert [each.rev for each in vault.all(anna)] == [1, 1, 1]
    vault.close()


def test_nothing_of_a_record_is_readable_in_the_files(tmp_path: Path) -> None:
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}")
    anna = vault.person("anna")
    secret = os.urandom(16).hex()
    vault.change(anna, order(1, secret), key="k")
    found = [file for file in tmp_path.iterdir() if secret.encode() in file.read_bytes()]
    assert found == []
    assert json.loads(vault.all(anna)[0].body)["note"] == secret
    vault.close()


@pytest.mark.engines
def test_a_full_disk_is_try_later_nothing_is_half_there_and_room_heals_it(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "disk", 4 << 20) as disk:
        vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'disk' / 'vault.db'}")
        anna = vault.person("anna")
        vault.change(anna, order(1))
        disk.fill()
        refused = {code(vault.change, anna, *[order(n, "x" * 5_000) for n in range(50)]) for _ in range(3)}
        assert refused == {"database.full"}
        assert len(vault.all(anna)) == counted(vault, anna)[0] == len(events(vault, anna)) == 1
        disk.empty()
        vault.change(anna, *[order(n, "x" * 5_000) for n in range(50)])
        assert len(vault.all(anna)) == 51
        vault.close()
