"""A transfer from end to end, on both engines: resumed, repeated, refused, rejected, moved, taken back."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from grants import BOOK, SHOP, h
from journey import BOOK_KEY, GRANT, MOVE, SHOP_PUBLIC, TRANSFER, Journey, Plain, item
from people import NOW, refusal
from vaults import owner

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.receipt import KeySigner
from cyberprivacy.vault.transfer.moving import Moving
from cyberprivacy.vault.transfer.receipt import SignedReceipt
from cyberprivacy.vault.transfer.receiving import Receiving
from cyberprivacy.vault.transfer.states import UNDO, State

COUNT = 23
"""Records of 100 kB: three chunks of 10, 10 and 3."""


@pytest.fixture
def journey(database: Database) -> Journey:
    assert (owner(database, "shop"), owner(database, "book")) == (SHOP.account, BOOK.account)
    return Journey(database)


def status(journey: Journey) -> State:
    return journey.sending.status(SHOP.account, TRANSFER).state


def whole(journey: Journey) -> SignedReceipt:
    for n in range(journey.begin()):
        journey.take(n)
    return journey.end()


def test_everything_arrives_once_and_both_sign(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    both = whole(journey)
    assert journey.held(BOOK.account) == journey.held(SHOP.account)
    assert (both.receipt.count, both.receipt.dup, both.receipt.rejected) == (COUNT, 0, ())
    assert status(journey) is State.DONE
    assert journey.uses == 1
    progress = journey.receiving.progress(BOOK.account, TRANSFER)
    assert progress.complete
    assert progress.closed
    assert refusal(lambda: journey.take(0)) == "transfer.ended"
    assert refusal(journey.begin) == "transfer.ended"
    assert refusal(lambda: journey.sending.cancel(SHOP.account, TRANSFER)) == "transfer.ended"


def test_nothing_to_move_is_a_transfer_too(journey: Journey) -> None:
    assert whole(journey).receipt.count == 0


def test_every_step_may_come_twice(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    assert journey.begin() == journey.begin() == 3
    assert journey.uses == 1
    for n in (0, 0, 1, 0, 2, 1):
        journey.take(n)
    first = journey.receiving.receipt(BOOK.account, TRANSFER, now=NOW)
    assert journey.receiving.receipt(BOOK.account, TRANSFER, now=NOW + 9) == first
    assert journey.sending.received(SHOP.account, TRANSFER, first, now=NOW) == journey.end(NOW + 9)
    assert len(journey.held(BOOK.account)) == COUNT


def test_order_and_numbers_are_kept(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    journey.begin()
    assert refusal(lambda: journey.take(1)) == "transfer.order"
    assert refusal(lambda: journey.take(3)) == "transfer.chunk"
    assert refusal(lambda: journey.receiving.receipt(BOOK.account, TRANSFER, now=NOW)) == "transfer.order"
    sealed = journey.sending.chunk(SHOP.account, TRANSFER, 1)
    assert refusal(lambda: journey.receiving.take(GRANT, TRANSFER, 0, sealed)) == "chunk.seal"
    assert refusal(lambda: journey.receiving.take(GRANT, h("other", 16), 0, sealed)) == "transfer.unknown"
    assert refusal(lambda: journey.sending.chunk(BOOK.account, TRANSFER, 0)) == "transfer.unknown"
    other = replace(GRANT, id=h("other", 16))
    assert refusal(lambda: journey.receiving.take(other, TRANSFER, 0, sealed)) == "transfer.closed"
    assert journey.held(BOOK.account) == []


def test_a_manifest_is_for_this_grant_and_this_key(journey: Journey) -> None:
    journey.fill(3)
    journey.begin()
    data = journey.sending.manifest(SHOP.account, TRANSFER)
    begin = journey.receiving.begin
    other = replace(GRANT, id=h("other", 16))
    assert refusal(lambda: begin(data, other, SHOP_PUBLIC, now=NOW)) == "manifest.grant"
    assert refusal(lambda: begin(data, GRANT, h("mallory"), now=NOW)) == "manifest.signature"
    stranger = Receiving(journey.database, Plain(), X25519PrivateKey.generate(), BOOK_KEY)
    assert refusal(lambda: stranger.begin(data, GRANT, SHOP_PUBLIC, now=NOW)) == "manifest.key"
    assert refusal(lambda: journey.sending.open(replace(journey.ask, grant=other), journey.permit, now=NOW)) == (
        "transfer.id"
    )
    assert refusal(lambda: journey.sending.open(replace(journey.ask, key=bytes(32)), journey.permit, now=NOW)) == (
        "transfer.key"
    )
    assert refusal(lambda: journey.sending.manifest(SHOP.account, TRANSFER)) == "transfer.preparing"


def test_a_grant_that_does_not_count_begins_nothing(journey: Journey) -> None:
    def no(_connection: object) -> None:
        raise Untrusted("no", code="grant.used")

    assert refusal(lambda: journey.sending.open(journey.ask, no, now=NOW)) == "grant.used"
    assert refusal(lambda: status(journey)) == "transfer.unknown"


def test_who_was_born_anew_gets_the_chunks_again(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    journey.begin()
    journey.plain.unwanted = {item(4).id}
    journey.take(0)
    journey.plain.unwanted = set()
    opener, signer = X25519PrivateKey.generate(), KeySigner(Ed25519PrivateKey.generate())
    journey.receiving = Receiving(journey.database, journey.plain, opener, signer)
    keys = (opener.public_key().public_bytes_raw(), signer.public)
    journey.ask = replace(journey.ask, key=keys[0], signer=keys[1])
    both = whole(journey)
    assert (both.receipt.count, both.receipt.dup) == (COUNT - 9, 9)
    assert journey.uses == 1
    assert journey.held(BOOK.account) == journey.held(SHOP.account)


def test_a_snapshot_stays_as_it_was(journey: Journey) -> None:
    journey.fill(5)
    journey.begin()
    with journey.database.transaction() as connection:
        journey.plain.add(connection, SHOP.account, item(99))
    journey.take(0)
    assert journey.end().receipt.count == 5


def test_what_is_rejected_is_listed_and_can_still_come(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    journey.plain.unwanted = {item(n).id for n in (4, 15, 16)}
    first = whole(journey)
    assert [code for _, code in first.receipt.rejected] == ["record.type"] * 3
    assert status(journey) is State.INCOMPLETE
    assert not journey.receiving.progress(BOOK.account, TRANSFER).complete
    journey.plain.unwanted = {item(16).id}
    journey.take(0)
    journey.take(1)
    second = journey.end(NOW + 60)
    assert second.receipt.refused == {item(16).id}
    assert second.receipt.count == COUNT - 1
    again = first.encode()
    assert refusal(lambda: journey.sending.received(SHOP.account, TRANSFER, again, now=NOW)) == "receipt.regress"
    journey.plain.unwanted = set()
    journey.take(1)
    assert journey.end(NOW + 90).receipt.count == COUNT
    assert status(journey) is State.DONE
    assert journey.held(BOOK.account) == journey.held(SHOP.account)


def test_a_conflict_changes_nothing_of_what_is_there(journey: Journey) -> None:
    journey.fill(3)
    mine = replace(item(1), body=b"mine")
    with journey.database.transaction() as connection:
        journey.plain.add(connection, BOOK.account, mine)
        journey.plain.add(connection, BOOK.account, item(2))
    both = whole(journey)
    assert (both.receipt.count, both.receipt.dup) == (1, 1)
    assert both.receipt.rejected == ((item(1).id, "record.conflict"),)
    assert mine in journey.held(BOOK.account)


def test_a_lying_receipt_is_not_signed_and_nothing_is_erased(journey: Journey) -> None:
    journey.given = MOVE
    journey.ask = replace(journey.ask, grant=MOVE)
    journey.fill(COUNT, 100_000)
    journey.begin()
    for n in range(3):
        journey.take(n)
    true = SignedReceipt.decode(journey.receiving.receipt(BOOK.account, TRANSFER, now=NOW)).receipt
    for lie in (replace(true, head=bytes(32)), replace(true, count=1), replace(true, transfer=bytes(16))):
        data = SignedReceipt.made(lie, bytes(32), BOOK_KEY).encode()
        assert refusal(lambda data=data: journey.sending.received(SHOP.account, TRANSFER, data, now=NOW)) in {
            *("receipt.head", "receipt.count", "receipt.transfer"),
        }
    forged = SignedReceipt.made(true, bytes(32), KeySigner(Ed25519PrivateKey.generate())).encode()
    assert (
        refusal(lambda: journey.sending.received(SHOP.account, TRANSFER, forged, now=NOW)) == "receipt.signature"
    )
    assert status(journey) is State.OPEN


def test_a_receipt_that_the_source_did_not_sign_closes_nothing(journey: Journey) -> None:
    journey.fill(3)
    journey.begin()
    journey.take(0)
    mine = journey.receiving.receipt(BOOK.account, TRANSFER, now=NOW)
    close = journey.receiving.close
    assert refusal(lambda: close(BOOK.account, TRANSFER, mine, SHOP_PUBLIC)) == "receipt.countersignature"
    other = SignedReceipt.made(SignedReceipt.decode(mine).receipt, bytes(32), BOOK_KEY)
    assert refusal(lambda: close(BOOK.account, TRANSFER, other.encode(), SHOP_PUBLIC)) == "receipt.other"


@pytest.fixture
def moved(journey: Journey) -> Journey:
    journey.given, journey.ask = MOVE, replace(journey.ask, grant=MOVE)
    journey.fill(5)
    whole(journey)
    return journey


def test_a_move_erases_after_72_hours_what_has_not_changed(moved: Journey) -> None:
    moving = Moving(moved.database, moved.plain)
    assert status(moved) is State.UNDO
    assert moving.due(now=NOW + UNDO - 1) == []
    assert refusal(lambda: moving.finish(SHOP.account, TRANSFER, now=NOW + UNDO - 1)) == "transfer.due"
    with moved.database.transaction() as connection:
        moved.plain.erase(connection, SHOP.account, [(item(3).id, 1)])
        moved.plain.add(connection, SHOP.account, item(3, rev=2))
    assert moving.due(now=NOW + UNDO) == [(SHOP.account, TRANSFER)]
    assert moving.finish(SHOP.account, TRANSFER, now=NOW + UNDO) == [item(3).id]
    assert moved.held(SHOP.account) == [item(3, rev=2)]
    assert status(moved) is State.ERASED
    assert len(moved.held(BOOK.account)) == 5
    assert refusal(lambda: moving.finish(SHOP.account, TRANSFER, now=NOW + UNDO)) == "transfer.due"


def test_a_move_can_be_taken_back(moved: Journey) -> None:
    moving = Moving(moved.database, moved.plain)
    assert refusal(lambda: moving.undo(SHOP.account, TRANSFER, now=NOW + UNDO)) == "transfer.undo"
    moving.undo(SHOP.account, TRANSFER, now=NOW + UNDO - 1)
    assert status(moved) is State.KEPT
    assert moving.due(now=NOW + UNDO) == []
    assert len(moved.held(SHOP.account)) == 5


def test_what_was_cancelled_hands_out_nothing_more(journey: Journey) -> None:
    journey.fill(COUNT, 100_000)
    journey.begin()
    journey.take(0)
    journey.sending.cancel(SHOP.account, TRANSFER)
    assert refusal(lambda: journey.take(1)) == "transfer.ended"
    assert len(journey.held(SHOP.account)) == COUNT
