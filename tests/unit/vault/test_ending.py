"""A person takes back what they allowed and has it erased: the recipient does, signs that it did, and all see it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from keeping import ORDER
from people import refusal
from sqlalchemy import func, select
from test_following import buys, code
from two import Pair, pair, until

from cyberprivacy import canonical
from cyberprivacy.vault import erasing, messenger, orders, receipt
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.followings import Came, State
from cyberprivacy.vault.orders import Order
from cyberprivacy.vault.tables import ERASURES
from cyberprivacy.vault.vaultkey import VaultKey


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(orders, "FIRST", 1)
    monkeypatch.setattr(messenger, "LOOK", 1.0)
    with pair(tmp_path) as made:
        yield made


def given(both: Pair, *totals: int) -> SignedGrant:
    """A grant under which the book has these orders."""
    signed = both.grant()
    assert both.registers(signed).status_code == 201
    both.follows(signed)
    for total in totals:
        buys(both, total)
    until(lambda: all(total in both.totals() for total in totals))
    return signed


def order(both: Pair, signed: SignedGrant) -> Order:
    """What the shop knows of its order to erase."""
    with both.shop.inside.vault.database.reading() as connection:
        found = orders.of(connection, [signed.grant.source.account])
    return next(each for each in found if each.grant == signed.grant.id)


def test_what_came_is_erased_and_the_recipient_signs_that_it_is(both: Pair) -> None:
    signed = given(both, 5, 6)
    book = both.at(both.book)
    own = book.create(ORDER, {"total": 99})
    assert both.revokes(signed.grant, erase=1).status_code == 200
    until(lambda: order(both, signed).state is orders.State.CONFIRMED)
    assert both.totals() == [99], "what did not come from the shop stays"
    assert book.read(own).value == {"total": 99}
    told = order(both, signed)
    assert told.receipt is not None
    said: Any = receipt.check(told.receipt, both.book.inside.vault.key.public)
    assert said["scope"] == {"what": "grant", "name": signed.grant.id.hex()}
    assert said["counts"]["records"] == 2
    assert said["keys"], "a key died, so no backup opens what went"
    assert told.document == b"", "the person's words are kept no longer than they are needed"
    until(lambda: both.standing().state is State.ENDED)

    following = both.standing()
    came = Came(1 << 40, b"r" * 16, ORDER, b'{"total": 7}')
    both.book.inside.followings.apply(following, came, int(time.time()))
    assert both.totals() == [99], "nothing more comes in, whoever brings it"


def test_a_recipient_that_is_away_is_told_again_also_by_another_process(both: Pair) -> None:
    signed = given(both, 5)
    both.book.stop()
    assert both.revokes(signed.grant, erase=1).status_code == 200
    until(lambda: order(both, signed).why == "recipient.silent")
    both.shop.stop()
    both.book.start()
    assert both.totals() == [5]
    both.shop.start()
    until(lambda: order(both, signed).state is orders.State.CONFIRMED)
    assert both.totals() == []
    assert order(both, signed).tries >= 2


KILLED = """
import os, signal, sys, time
from pathlib import Path
from cyberprivacy.vault.messenger import Messenger
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.web.opening import opened

told = Messenger._post

def post(*given):
    told(*given)
    os.kill(os.getpid(), signal.SIGKILL)

Messenger._post = post
with opened(Path(sys.argv[1]), "", Place(Site(sys.argv[2]), "test:vault")):
    time.sleep(60)
"""


def test_a_source_that_is_killed_after_it_told_goes_on_and_nothing_is_erased_twice(both: Pair) -> None:
    signed = given(both, 5)
    both.book.stop()
    both.revokes(signed.grant, erase=1)
    until(lambda: order(both, signed).tries == 1)
    both.shop.stop()
    both.book.start()
    data = both.shop.folder / "data"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(data), both.shop.url], timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    until(lambda: both.totals() == [])
    both.shop.start()
    until(lambda: order(both, signed).state is orders.State.CONFIRMED)
    with both.book.inside.vault.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(ERASURES)).scalar_one() == 1


def test_words_that_are_brought_twice_have_one_erasure(both: Pair) -> None:
    signed = given(both, 5)
    late = both.words(signed.grant, erase=1, at=time.time() - 40 * 86_400)
    path = "/udi/v1/grants:erase"
    first, again = both.book.post(path, late), both.book.post(path, late)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    until(lambda: both.book.post(path, late).json()["receipt"] is not None)
    assert both.totals() == []


def test_only_the_persons_own_words_erase(both: Pair) -> None:
    signed, path = given(both, 5), "/udi/v1/grants:erase"
    assert code(both.book.post(path, both.words(signed.grant, erase=0))) == "grant.keeps"
    assert code(both.book.post(path, both.words(signed.grant, erase=1, by="mallory"))) == "account.key"
    assert code(both.book.post(path, both.words(signed.grant, erase=1, at=time.time() + 999))) == "grant.clock"
    other = replace(signed.grant, id=b"o" * 16)
    assert code(both.book.post(path, both.words(other, erase=1))) == "grant.unknown"
    assert code(both.shop.post(path, both.words(signed.grant, erase=1))) == "grant.unknown"
    bent = json.loads(both.words(signed.grant, erase=1))
    bent["revoke"]["at"] -= 1
    assert code(both.book.post(path, canonical.encode(bent))) in ("key.signer", "signature.form")
    assert both.totals() == [5]


def test_a_person_may_tell_the_recipient_directly(both: Pair) -> None:
    signed = given(both, 5)
    assert both.book.post("/udi/v1/grants:revoke", both.words(signed.grant, erase=1)).status_code == 200
    until(lambda: both.totals() == [])
    buys(both, 6)
    assert both.standing().state is State.ENDED


def test_what_two_grants_brought_stays_while_one_of_them_counts(both: Pair) -> None:
    first, second = given(both, 5), both.grant()
    assert both.registers(second).status_code == 201
    both.follows(second)
    account = second.grant.recipient.account
    until(lambda: both.book.inside.followings.one(account, second.grant.id).received == 1)
    for signed, left in ((first, [5]), (second, [])):
        assert both.revokes(signed.grant, erase=1).status_code == 200
        until(lambda signed=signed: order(both, signed).state is orders.State.CONFIRMED)
        assert both.totals() == left


def test_an_account_that_is_erased_says_who_was_told(both: Pair) -> None:
    signed = given(both, 5)
    both.book.stop()
    both.revokes(signed.grant, erase=1)
    vault = both.shop.inside.vault
    with vault.database.transaction() as connection:
        job = erasing.ask(connection, both.account, erasing.Scope(erasing.What.ACCOUNT), now=int(time.time()))
    vault.sweeper.ask()

    def shown() -> Any:
        return httpx2.get(f"{both.shop.url}/udi/v1/deletions/{job.hex()}", trust_env=False).json()

    until(lambda: shown()["receipt"] is not None)
    listed = {"app": "book", "grant": signed.grant.id.hex(), "state": "told"}
    assert shown()["receipt"]["receipt"]["recipients"] == [listed]
    both.book.start()
    until(lambda: shown()["recipients"][0]["erasing"]["state"] == "confirmed")


def test_a_receipt_that_does_not_confirm_this_order_is_none(both: Pair, tmp_path: Path) -> None:
    signed = given(both, 5)
    both.revokes(signed.grant, erase=1)
    until(lambda: order(both, signed).state is orders.State.CONFIRMED)
    told = order(both, signed)
    assert told.receipt is not None
    told.check(told.receipt)
    other = VaultKey.open(tmp_path / "other.key")
    assert refusal(lambda: replace(told, holder=other.public).check(told.receipt)) == "receipt.signature"
    assert refusal(lambda: replace(told, grant=b"o" * 16).check(told.receipt)) == "receipt.scope"
    assert refusal(lambda: replace(told, account=b"o" * 32).check(told.receipt)) == "receipt.scope"
    assert refusal(lambda: orders.receipt_of(b'{"receipt": 7}')) == "receipt.form"


def test_pauses_grow_and_end(both: Pair) -> None:
    signed = given(both, 5)
    both.book.stop()
    both.revokes(signed.grant, erase=1)
    both.shop.inside.vault.messenger.close()
    told, database = order(both, signed), both.shop.inside.vault.database
    dues = []
    for tries in range(16):
        with database.transaction() as connection:
            orders.later(connection, replace(told, tries=tries), "recipient.silent", now=told.asked)
        due = order(both, signed).due
        assert due is not None
        dues.append(due - told.asked)
    assert dues == [min(1 << tries, orders.LONGEST) for tries in range(16)]
    with database.transaction() as connection:
        orders.later(connection, told, "recipient.silent", now=told.asked + orders.GIVEN_UP)
    assert (order(both, signed).state, order(both, signed).due) == (orders.State.REFUSED, None)
