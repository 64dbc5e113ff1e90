"""A move between two owners of a real vault: sealed records, judged by their types, told of in the outbox."""

from dataclasses import replace

import pytest
from grants import BOOK, COPY, SHOP, alice, grant
from journey import BOOK_KEY, BOOK_OPENS, BOOK_PUBLIC, SHOP_KEY, SHOP_PUBLIC, TRANSFER, Journey
from keeping import NOTE, ORDER, Vault, order
from people import NOW, refusal

from cyberprivacy.bundle import datatype
from cyberprivacy.vault.change import Create, Update
from cyberprivacy.vault.described import described
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.transfer.moving import Moving
from cyberprivacy.vault.transfer.receiving import Receiving
from cyberprivacy.vault.transfer.recordkeeping import RecordKeeping
from cyberprivacy.vault.transfer.retention import Retention
from cyberprivacy.vault.transfer.sending import Ask, Sending
from cyberprivacy.vault.transfer.states import UNDO

COUNT = 30


@pytest.fixture
def move(vault: Vault) -> Journey:
    shop, book = vault.person("alice at the shop"), vault.person("alice at the book")
    orders = replace(COPY, data_type=ORDER)
    parties = {"source": replace(SHOP, account=shop), "recipient": replace(BOOK, account=book)}
    given = grant(alice(), text_hash=bytes(32), mode=Mode.MOVE, max_uses=1, scopes=(orders,), **parties)
    made = Journey(vault.database, given=given)
    keeping = RecordKeeping(vault.records)
    made.sending = Sending(vault.database, keeping, SHOP_KEY)
    made.receiving = Receiving(vault.database, keeping, BOOK_OPENS, BOOK_KEY)
    made.ask = Ask(TRANSFER, given, BOOK_OPENS.public_key().public_bytes_raw(), BOOK_PUBLIC)
    vault.change(shop, *(order(n) for n in range(COUNT)), Create(NOTE, b'{"text": "mine"}'))
    return made


def whole(move: Journey) -> tuple[int, int, tuple[str, ...]]:
    shop, book = move.given.source.account, move.given.recipient.account
    manifest = move.sending.open(move.ask, move.permit, now=NOW)
    move.receiving.begin(move.sending.manifest(shop, TRANSFER), move.given, SHOP_PUBLIC, now=NOW)
    for n in range(len(manifest.chunks)):
        move.receiving.take(move.given, TRANSFER, n, move.sending.chunk(shop, TRANSFER, n))
    both = move.sending.received(shop, TRANSFER, move.receiving.receipt(book, TRANSFER, now=NOW), now=NOW)
    said = move.receiving.close(book, TRANSFER, both.encode(), SHOP_PUBLIC).receipt
    return said.count, said.dup, tuple(code for _, code in said.rejected)


def test_orders_move_and_what_was_not_granted_or_has_changed_stays(vault: Vault, move: Journey) -> None:
    shop, book = move.given.source.account, move.given.recipient.account
    before = {record.id: record.body for record in vault.all(shop, ORDER)}
    first = next(iter(before))
    assert whole(move) == (COUNT, 0, ())
    assert {record.id: record.body for record in vault.all(book)} == before
    vault.change(shop, Update(first, 1, b'{"total": 99}'))
    moving = Moving(vault.database, RecordKeeping(vault.records))
    assert moving.finish(shop, TRANSFER, now=NOW + UNDO) == [first]
    assert [(record.id, record.rev) for record in vault.all(shop, ORDER)] == [(first, 2)]
    assert [record.body for record in vault.all(shop, NOTE)] == [b'{"text": "mine"}']


def test_the_manifest_says_where_events_go_on(vault: Vault, move: Journey) -> None:
    assert move.sending.open(move.ask, move.permit, now=NOW).seq == COUNT + 1


def test_one_that_is_there_is_no_double_and_another_of_its_id_is_listed(vault: Vault, move: Journey) -> None:
    shop, book = move.given.source.account, move.given.recipient.account
    one, two = vault.all(shop, ORDER)[:2]
    vault.change(book, Create(ORDER, one.body, one.id), Create(ORDER, b'{"total": 7}', two.id))
    assert whole(move) == (COUNT - 2, 1, ("record.exists",))


def test_what_came_goes_again_and_nothing_else(vault: Vault, move: Journey) -> None:
    book = move.given.recipient.account
    there = vault.all(move.given.source.account, ORDER)[0]
    vault.change(book, Create(ORDER, there.body, there.id), order(99))
    assert whole(move) == (COUNT - 1, 1, ())
    retention = Retention(vault.database, RecordKeeping(vault.records))
    ends = NOW + move.given.retention
    assert retention.overdue(now=ends - 1) == []
    assert retention.overdue(now=ends) == [(book, move.given.id)]
    vault.change(book, Update(vault.all(move.given.source.account, ORDER)[1].id, 1, b'{"total": 1}'))
    assert retention.erase(book, move.given.id) == COUNT - 1
    assert sorted(record.body for record in vault.all(book)) == sorted([there.body, order(99).body])
    assert retention.overdue(now=ends) == []
    assert retention.erase(book, move.given.id) == 0
    assert move.receiving.progress(book, TRANSFER).closed


def test_a_declared_type_is_described_in_peoples_words() -> None:
    schema = b"""{"type": "object", "title": "Visit", "titles": {"de": "Besuch"}, "properties": {
        "b": {"type": "string", "title": "Doctor"}, "a": {"$ref": "#/$defs/loop", "title": "Findings"},
        "c": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer", "x-sensitivity": "sensitive"}}}}},
        "$defs": {"loop": {"type": "object", "properties": {"next": {"$ref": "#/$defs/loop"},
        "deep": {"type": "string", "x-sensitivity": "sensitive"}}}}}"""
    declared = datatype.parse("org.example.care.visit.v1", schema)
    found = described(declared)
    assert (found.titles, found.schema) == ({"en": "Visit", "de": "Besuch"}, declared.digest)
    assert [(field.titles["en"], field.sensitive) for field in found.fields] == [
        *(("Findings", True), ("Doctor", False), ("c", True)),
    ]
    assert found.sensitive
    calm = datatype.parse(
        "org.x.y.v1", b'{"type": "object", "title": "T", "properties": {"a": {"type": "string"}}}'
    )
    assert not described(calm).sensitive
    for title in ('x\\"', "x\u202ey"):
        bad = f'{{"type": "object", "title": "{title}", "properties": {{}}}}'
        assert refusal(lambda bad=bad: described(datatype.parse("org.x.y.v1", bad.encode()))) == "consent.title"
