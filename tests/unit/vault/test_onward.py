"""Three applications in a row: what the first takes back ends at the third, or the person sees who keeps it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from keeping import ORDER
from test_ending import order
from two import Pair, Place, until

from cyberprivacy.vault import orders, receipt
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.inside import RecordsInside
from cyberprivacy.vault.scope import Action


@pytest.fixture
def row(tmp_path: Path) -> Iterator[tuple[Pair, Pair]]:
    """From the shop to the book, and from the book to the shelf."""
    shop = Place("shop", tmp_path / "shop", {})
    book = Place("book", tmp_path / "book", {"shop": shop.url})
    shelf = Place("shelf", tmp_path / "shelf", {"book": book.url})
    try:
        first = Pair(shop, book)
        yield first, Pair(book, shelf, first.alice)
    finally:
        for each in (shelf, book, shop):
            each.stop()


def given(pair: Pair, **fields: object) -> SignedGrant:
    """A grant that the second follows."""
    signed = pair.grant(**fields)
    assert pair.registers(signed).status_code == 201
    pair.follows(signed)
    return signed


def confirmed(pair: Pair, signed: SignedGrant) -> Any:
    """What the second signs once it has erased."""
    assert pair.revokes(signed.grant, erase=1).status_code == 200
    until(lambda: order(pair, signed).state is orders.State.CONFIRMED)
    told = order(pair, signed)
    assert told.receipt is not None
    return receipt.check(told.receipt, pair.book.inside.vault.key.public)


def totals(records: RecordsInside) -> list[object]:
    return [each.value["total"] for each in records.list(ORDER)]


def test_who_follows_the_recipient_loses_it_also_if_it_was_away(row: tuple[Pair, Pair]) -> None:
    first, second = row
    from_shop, from_book = given(first), given(second)
    first.at(first.shop).create(ORDER, {"total": 5})
    first.at(first.book).create(ORDER, {"total": 99})
    until(lambda: sorted(map(str, second.totals())) == ["5", "99"])
    shelf = second.book
    shelf.stop()
    said = confirmed(first, from_shop)
    assert said["recipients"] == [{"app": "shelf", "grant": from_book.grant.id.hex(), "state": "hears"}]
    assert first.totals() == [99]
    shelf.start()
    until(lambda: second.totals() == [99])


def test_who_only_read_it_is_named_and_the_person_ends_that_too(row: tuple[Pair, Pair]) -> None:
    first, second = row
    from_shop, from_book = given(first), given(second)
    first.at(first.shop).create(ORDER, {"total": 5})
    until(lambda: second.totals() == [5])
    shelf = second.book
    shelf.stop()
    assert second.revokes(from_book.grant).status_code == 200  # the shelf keeps what it got, as the person said
    said = confirmed(first, from_shop)
    assert said["recipients"] == [{"app": "shelf", "grant": from_book.grant.id.hex(), "state": "keeps"}]
    shelf.start()
    assert second.totals() == [5]
    theirs = confirmed(second, from_book)
    assert (theirs["scope"]["name"], theirs["counts"]["records"]) == (from_book.grant.id.hex(), 1)
    assert (theirs["recipients"], second.totals()) == ([], [])


def test_who_was_ordered_by_the_person_stands_in_the_receipt_as_ordered(row: tuple[Pair, Pair]) -> None:
    first, second = row
    from_shop, from_book = given(first), given(second)
    unused = replace(from_book.grant.scopes[0], actions=(Action.READ,))
    assert second.registers(second.grant(scopes=(unused,))).status_code == 201
    first.at(first.shop).create(ORDER, {"total": 5})
    until(lambda: second.totals() == [5])
    confirmed(second, from_book)
    said = confirmed(first, from_shop)
    assert said["recipients"] == [{"app": "shelf", "grant": from_book.grant.id.hex(), "state": "confirmed"}]
