"""What one application keeps appears at another while a grant counts, exactly once, and not a moment longer."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from keeping import ORDER
from people import refusal
from two import Pair, pair, until

from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.client.eventstream import MAX_EVENT, BadStream, EventStream, Told
from cyberprivacy.vault.followings import Came, State, local_id
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.servicetoken import Token, issue, to_header
from cyberprivacy.vault.vaultkey import VaultKey


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("two")) as made:
        yield made


def code(answer: httpx2.Response) -> str:
    return "" if answer.is_success else str(answer.json()["type"])


def buys(both: Pair, total: int) -> str:
    return both.at(both.shop).create(ORDER, {"total": total})


def test_the_whole_story_of_a_grant(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        early = buys(both, 1)
        signed = both.grant()
        assert both.registers(signed).status_code == 201
        assert both.registers(signed).status_code == 201
        both.follows(signed)
        until(lambda: both.totals() == [1])
        late = buys(both, 2)
        until(lambda: both.totals() == [1, 2])
        shop = both.at(both.shop)
        shop.update(shop.read(late), {"total": 3})
        until(lambda: both.totals() == [1, 3])
        shop.delete(shop.read(early))
        until(lambda: both.totals() == [3])

        both.book.stop()
        for total in range(10, 15):
            buys(both, total)
        both.book.start()
        until(lambda: both.totals() == [3, *range(10, 15)])
        both.shop.stop()
        until(lambda: both.standing().state is State.WAITING)
        assert both.standing().why
        both.shop.start()
        until(lambda: both.standing().state is State.FOLLOWING)

        assert both.revokes(signed.grant).status_code == 200
        until(lambda: both.standing().state is State.ENDED)
        assert both.standing().why == "grant.revoked"
        buys(both, 99)
        assert 99 not in both.totals()
        assert both.standing().received == 9
        both.book.stop()
        both.book.start()
        assert both.standing().state is State.ENDED


def test_a_grant_that_is_not_quite_it_is_refused(both: Pair) -> None:
    signed = both.grant()
    other = both.grant(purpose="Sell what was bought")
    assert code(both.registers(other)) == "recipient.purpose"
    assert code(both.registers(signed, policy={"v": 1})) == "recipient.form"
    assert code(both.registers(signed, holder="nobody")) == "key.form"
    assert both.registers(signed).status_code == 201
    assert code(both.registers(signed, holder="ed25519-device:" + "00" * 31 + "01")) == "grant.nonce"


def asks(
    both: Pair,
    path: str,
    key: VaultKey,
    signed_path: str | None = None,
    later: float = 0,
    token: bytes = b"",
    authority: str = "",
) -> httpx2.Response:
    authority = authority or both.shop.url.removeprefix("http://")
    headers = signedrequest.sign("GET", authority, signed_path or path, key=key, now=time.time() + later)
    headers |= {"Udi-Token": to_header(token)} if token else {}
    return httpx2.get(both.shop.url + path, headers=headers, trust_env=False)


def test_only_the_holder_reads_and_only_what_was_granted(both: Pair, tmp_path: Path) -> None:
    order, signed = buys(both, 5), both.grant()
    assert both.registers(signed).status_code == 201
    mine, stranger = both.book.inside.vault.key, VaultKey.open(tmp_path / "key")
    path = f"/udi/v1/grants/{signed.grant.id.hex()}/records/{order}"
    assert asks(both, path, mine).json()["total"] == 5
    assert code(asks(both, path, stranger)) == "grant.unknown"
    assert code(asks(both, path, mine, signed_path=path[:-1] + "0")) == "request.signature"
    assert code(asks(both, path, mine, later=-300)) == "request.time"
    assert code(asks(both, path.replace(order, "ab" * 16), mine)) == "record.none"
    assert code(httpx2.get(both.shop.url + path, trust_env=False)) == "api.header"
    both.revokes(signed.grant)
    assert code(asks(both, path, mine)) == "grant.revoked"
    assert code(asks(both, f"/udi/v1/grants/{signed.grant.id.hex()}/events", mine)) == "grant.revoked"


def test_a_service_uses_a_part_of_a_grant_for_five_minutes_and_nobody_else_does(
    both: Pair, tmp_path: Path
) -> None:
    order, signed = buys(both, 5), both.grant()
    other = both.grant()
    for each in (signed, other):
        assert both.registers(each).status_code == 201
    mine, now = both.book.inside.vault.key, int(time.time())
    service, thief = VaultKey.open(tmp_path / "service"), VaultKey.open(tmp_path / "thief")
    reading = tuple(replace(scope, actions=(Action.READ,)) for scope in signed.grant.scopes)
    plain = Token(grant=signed.grant.id, scopes=reading, holder=service.public, since=now, until=now + 300)
    token = issue(plain, signed.grant, mine)
    grants = f"/udi/v1/grants/{signed.grant.id.hex()}"
    path = f"{grants}/records/{order}"

    assert asks(both, path, service, token=token).json()["total"] == 5
    assert code(asks(both, path, service)) == "grant.unknown"
    assert code(asks(both, path, thief, token=token)) == "token.holder"
    assert code(asks(both, path, service, token=issue(plain, signed.grant, thief))) == "token.signature"
    assert code(asks(both, path.replace(signed.grant.id.hex(), other.grant.id.hex()), service, token=token)) == (
        "token.grant"
    )
    assert code(asks(both, path, service, token=token, authority="elsewhere.example")) == "request.signature"
    assert code(asks(both, path, service, token=token, later=-300)) == "request.time"
    old = replace(plain, since=now - 301, until=now - 1)
    assert code(asks(both, path, service, token=issue(old, signed.grant, mine))) == "token.time"
    assert code(asks(both, f"{grants}/events", service, token=token)) == "grant.scope"
    narrow = replace(plain, scopes=tuple(replace(each, selector=Selector.parse("total = 6")) for each in reading))
    assert code(asks(both, path, service, token=issue(narrow, signed.grant, mine))) == "record.none"
    headers = signedrequest.sign("GET", both.shop.url.removeprefix("http://"), path, key=service, now=now)
    bent = httpx2.get(both.shop.url + path, headers={**headers, "Udi-Token": "not=it"}, trust_env=False)
    assert code(bent) == "token.form"
    both.revokes(signed.grant)
    assert code(asks(both, path, service, token=token)) == "grant.revoked"


def test_a_change_that_comes_twice_happens_once(both: Pair) -> None:
    signed = both.grant()
    book = both.book.inside
    with book.vault.database.transaction() as connection:
        book.followings.begin(connection, signed.grant.recipient.account, signed.encode(), both.shop.url, 1)
    following = book.followings.one(signed.grant.recipient.account, signed.grant.id)
    mine = SimpleNamespace(record=b"r" * 16)
    before = both.totals()
    for _ in range(3):
        book.followings.apply(following, Came(7, mine.record, ORDER, b'{"total": 7}'), 1)
    book.followings.apply(following, Came(6, mine.record, ORDER, b'{"total": 6}'), 1)
    assert both.totals().count(7) == before.count(7) + 1
    book.followings.apply(following, Came(8, b"s" * 16, ORDER, b'{"total": "no"}'), 1)
    now = book.followings.one(following.owner, signed.grant.id)
    assert (now.cursor, now.received, now.refused) == (8, 1, 1)


def test_no_source_can_name_a_record_of_another() -> None:
    one, other = local_id(b"a" * 32, b"r" * 16), local_id(b"b" * 32, b"r" * 16)
    assert one != other
    assert one[:6] == other[:6] == b"r" * 6


def test_a_stream_is_read_piece_by_piece() -> None:
    sent = b": 0\n\nid: 7\ndata: {}\n\nevent: end\r\ndata: a\ndata: b\n\n: 8\n\n"
    for size in (1, 3, 1_000):
        stream = EventStream()
        told = [each for at in range(0, len(sent), size) for each in stream.feed(sent[at : at + size])]
        assert told == [Told("message", "{}", "7"), Told("end", "a\nb", "")]


@pytest.mark.parametrize("sent", [b"data: " + b"x" * (MAX_EVENT + 1), b"data: \xff\n\n"])
def test_a_stream_without_end_is_none(sent: bytes) -> None:
    assert refusal(lambda: list(EventStream().feed(sent))) == "events.form"
    assert BadStream.exit_code == 3


def test_an_account_that_is_brought_is_judged(both: Pair) -> None:
    log = b"".join(each.encode() + b"\n" for each in both.alice.log)
    assert both.shop.post("/udi/v1/accounts:bring", log).status_code == 201
    event = json.loads(log)
    event["signature"] = "00" * 65
    bent = json.dumps(event, separators=(",", ":"), sort_keys=True).encode()
    assert code(both.shop.post("/udi/v1/accounts:bring", bent)).startswith("signature.")
    assert code(both.shop.post("/udi/v1/accounts:bring", b"")) == "account.link"
