"""Events: in order, from any place on, to whom they concern, until the grant ends."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from grants import SCOPE, alice, grant
from keeping import NOTE, NOW, ORDER, Vault, order
from people import refusal
from sqlalchemy import Connection

from cyberprivacy.vault.change import Create, Delete, Update
from cyberprivacy.vault.events import Batch, Event, Feed
from cyberprivacy.vault.granting import GrantRefused
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector

ORDERS = replace(SCOPE, data_type=ORDER)
DEAR = replace(ORDERS, selector=Selector.parse("total = 100"))


def feed(vault: Vault, owner: bytes, *scopes: Scope) -> Feed:
    return Feed(vault.database, vault.records, owner, lambda _: scopes or None)


def told(batch: Batch) -> list[tuple[int, str]]:
    return [(event.seq, event.change) for event in batch.events]


def test_the_owner_hears_everything_once_and_in_order(vault: Vault) -> None:
    who, other = vault.person("alice"), vault.person("bob")
    (made,) = vault.change(who, order(1))
    vault.change(other, order(2))
    vault.change(who, Update(made.record, 1, b'{"total": 2}'))
    vault.change(who, Create(NOTE, b'{"text": "x"}'), Delete(made.record, 2))
    mine = feed(vault, who)
    assert told(mine.next(0)) == [(1, "created"), (2, "updated"), (3, "created"), (4, "deleted")]
    first = mine.next(0, limit=2)
    assert (len(first.events), first.cursor) == (2, 2)
    assert told(mine.next(first.cursor)) == [(3, "created"), (4, "deleted")]
    assert mine.next(4) == Batch((), 4)
    assert mine.waiting(3)
    assert not mine.waiting(4)


def test_an_event_is_a_cloudevent_without_content() -> None:
    said = json.loads(Event(bytes(32), 7, "created", ORDER, bytes(16), 1, NOW).encode())
    assert said == {
        "specversion": "1.0",
        "id": "7",
        "source": "urn:udi:account:" + "00" * 32,
        "type": "example.shop.order.v1.created",
        "subject": "00" * 16,
        "time": "2027-01-15T08:00:00Z",
        "datacontenttype": "application/json",
        "data": {"rev": 1},
    }


def test_who_was_granted_a_part_hears_of_that_part(vault: Vault) -> None:
    who = vault.person("alice")
    cheap, dear = vault.change(who, order(1), order(100))
    vault.change(who, Create(NOTE, b'{"text": "x"}'))
    assert told(feed(vault, who, ORDERS).next(0)) == [(1, "created"), (2, "created")]
    some = feed(vault, who, DEAR)
    assert told(some.next(0)) == [(2, "created")]
    assert some.next(0).cursor == 3
    vault.change(who, Update(cheap.record, 1, b'{"total": 100}'))
    assert told(some.next(3)) == [(4, "updated")]
    vault.change(who, Delete(dear.record, 1))
    assert told(some.next(3)) == [(4, "updated"), (5, "deleted")]
    # Of a record that is gone, only its end is told.
    assert told(some.next(0)) == [(1, "created"), (4, "updated"), (5, "deleted")]
    reading = replace(ORDERS, actions=(Action.READ,))
    assert told(feed(vault, who, reading).next(0)) == []


def test_a_stream_goes_on_and_ends_with_its_grant(vault: Vault) -> None:
    who, ends = vault.person("alice"), [False]

    def permit(_connection: Connection) -> Sequence[Scope]:
        if ends[0]:
            raise GrantRefused("taken back", code="grant.revoked")
        return grant(alice(), text_hash=bytes(32), scopes=(ORDERS,)).scopes

    waits, clock = [0], [0.0]
    heard: list[list[tuple[int, str]]] = []
    hear = heard.append

    async def wait() -> None:
        waits[0] += 1
        clock[0] += 1
        if waits[0] == 3:
            vault.change(who, order(2))
        if waits[0] == 5:
            ends[0] = True
        await asyncio.sleep(0)

    async def listen() -> None:
        stream = Feed(vault.database, vault.records, who, permit).follow(0, wait, clock=lambda: clock[0])
        async for batch in stream:
            hear(told(batch))

    vault.change(who, order(1))
    with pytest.raises(GrantRefused) as refused:
        asyncio.run(listen())
    assert refused.value.code == "grant.revoked"
    assert heard == [[(1, "created")], [(2, "created")]]
    # Nothing came after the grant ended; it was noticed at the next look, within half a minute.
    assert clock[0] <= 3 + 30


def test_a_silent_stream_shows_that_it_lives(vault: Vault) -> None:
    who, clock = vault.person("alice"), [0.0]

    async def wait() -> None:
        clock[0] += 10
        await asyncio.sleep(0)

    async def listen() -> list[Batch]:
        stream = feed(vault, who).follow(0, wait, clock=lambda: clock[0])
        return [await anext(stream) for _ in range(3)]

    assert asyncio.run(listen()) == [Batch((), 0)] * 3
    assert clock[0] == 60


def test_a_feed_of_nobody_is_refused_where_it_reads(vault: Vault) -> None:
    def no(_connection: Connection) -> None:
        raise GrantRefused("no")

    assert refusal(lambda: Feed(vault.database, vault.records, bytes(32), no).next(0)) == "grant.refused"
