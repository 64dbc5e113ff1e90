"""Accounts and sessions over HTTP."""

from pathlib import Path

import pytest
from callers import SHOP, Caller, Town, code, town
from eth_utils.address import to_checksum_address
from people import Person, guardians, key, opening, secret

from cyberprivacy import wallet
from cyberprivacy.vault import signin
from cyberprivacy.vault.keyevent import Kind
from cyberprivacy.vault.sessions import APP_LASTS, LASTS, NONCE_LASTS
from cyberprivacy.vault.web.assembly import Paces


@pytest.fixture
def alice(here: Town) -> Caller:
    return here.person("alice", keys=("alice", "alice's phone"), guarded_by=("gina", "gus", "gert"))


def test_an_account_begins_once_however_often_its_inception_is_handed_in(here: Town) -> None:
    first = Person("ann", now=here.clock.now).begin().log[0].encode()
    answers = [here.call("POST", "/udi/v1/accounts", content=first) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


def test_an_inception_of_another_time_or_with_another_signature_is_refused(here: Town) -> None:
    old = Person("ann", now=here.clock.now - 300).begin().log[0]
    assert code(here.call("POST", "/udi/v1/accounts", content=old.encode())) == "account.clock"
    good = Person("ann", now=here.clock.now).begin().log[0]
    forged = good.encode().replace(
        good.signature.hex().encode(), wallet.sign(secret("eve"), bytes(32)).hex().encode()
    )
    assert code(here.call("POST", "/udi/v1/accounts", content=forged)) == "key.signer"


def test_the_log_of_an_account_is_what_was_handed_in_to_the_byte(here: Town, alice: Caller) -> None:
    assert alice.hands_in(Kind.ADD, key=key("alice's tablet")).status_code == 200
    got = here.call("GET", f"/udi/v1/accounts/{alice.account}/kel").content
    assert got == b"".join(each.encode() + b"\n" for each in alice.owner.log)


def test_the_same_event_again_is_answered_as_before_and_another_in_its_place_is_refused(alice: Caller) -> None:
    before = alice.owner.state
    assert alice.hands_in(Kind.ADD, key=key("alice's tablet")).status_code == 200
    path = f"/udi/v1/accounts/{alice.account}/kel"
    again = alice.town.call("POST", path, content=alice.owner.log[-1].encode())
    assert (again.status_code, again.json()["seq"]) == (200, 1)
    alice.owner.state = before
    assert code(alice.hands_in(Kind.ADD, key=key("another"))) == "account.link"


def test_whoever_signs_in_with_ethereum_signs_a_text_of_this_place_once(here: Town, alice: Caller) -> None:
    asked = here.call("POST", "/udi/v1/auth/nonce", json={"app": "shop"}).json()
    assert asked["uri"] == SHOP
    expected = signin.Expected(asked["domain"], asked["uri"], asked["chain"], asked["nonce"], asked["statement"])
    text = signin.write(expected, to_checksum_address(wallet.address_of(secret("alice"))), now=here.clock.now)
    body = {
        "app": "shop",
        "message": text.decode(),
        "signature": wallet.sign(secret("alice"), wallet.personal(text)).hex(),
    }
    as_owner = here.call("POST", "/udi/v1/auth/siwe", json={**body, "app": ""})
    assert code(as_owner) == "siwe.domain"  # what was signed for the shop opens no session of the owner
    opened = here.call("POST", "/udi/v1/auth/siwe", json=body).json()
    assert (opened["app"], opened["account"] == alice.account) == ("shop", False)  # applications see another id
    assert code(here.call("POST", "/udi/v1/auth/siwe", json=body)) == "session.nonce"


def test_a_sign_in_for_one_application_opens_no_session_of_another_nor_of_the_owner(alice: Caller) -> None:
    for app, other in (("shop", ""), ("", "shop"), ("books", "")):
        assert code(alice.tries(app, change=lambda body, other=other: body.update(app=other))) == "key.signer"
    assert code(alice.town.call("POST", "/udi/v1/auth/nonce", json={"app": "bank"})) == "vault.app"


def test_nonces_are_for_one_time_one_place_and_five_minutes(here: Town, alice: Caller) -> None:
    seen: list[dict[str, object]] = []
    assert alice.tries(change=lambda body: seen.append(dict(body))).status_code == 201
    assert code(here.call("POST", "/udi/v1/auth/key", json=seen[0])) == "session.nonce"

    def late(_: dict[str, object]) -> None:
        here.clock.now += NONCE_LASTS

    assert code(alice.tries(change=late)) == "session.nonce"


def test_a_key_of_no_account_and_a_key_of_several_are_told_so(here: Town, alice: Caller) -> None:
    assert code(alice.tries(by="eve")) == "session.no-account"
    other = Person("alice's second", now=here.clock.now).begin("alice")
    here.call("POST", "/udi/v1/accounts", content=other.log[0].encode())
    refused = alice.tries()
    assert code(refused) == "session.several"
    assert alice.account in refused.json()["facts"]["accounts"]
    assert alice.tries(change=lambda body: body.update(account=alice.account)).json()["account"] == alice.account
    assert code(alice.tries(change=lambda body: body.update(account="00" * 32))) == "session.no-account"


def test_a_session_ends_by_its_time_by_its_owner_and_with_its_key(here: Town, alice: Caller) -> None:
    phone = alice.sign_in(by="alice's phone")
    shop = alice.sign_in("shop")
    assert len(alice.call("GET", "/udi/v1/auth/sessions").json()["sessions"]) == 3
    assert alice.hands_in(Kind.REMOVE, key=key("alice's phone")).status_code == 200
    assert code(phone.call("GET", "/udi/v1/auth/sessions")) == "session.unknown"
    here.clock.now += LASTS
    assert code(alice.call("GET", "/udi/v1/auth/sessions")) == "session.unknown"
    assert shop.call("DELETE", "/udi/v1/auth/session").json() == {"ended": 1}
    assert code(shop.call("DELETE", "/udi/v1/auth/session")) == "session.unknown"
    again = alice.sign_in("shop")
    here.clock.now += APP_LASTS
    assert code(again.call("DELETE", "/udi/v1/auth/session")) == "session.unknown"


def test_a_frozen_owner_still_reads_and_a_thief_cannot_take_over_by_http(here: Town, alice: Caller) -> None:
    assert alice.hands_in(Kind.FREEZE, by="gina", guardian=opening("gina")).status_code == 200
    status = alice.call("GET", f"/udi/v1/accounts/{alice.account}/status").json()
    assert status["frozen"]
    assert status["frozen_until"] > here.clock.now
    assert code(alice.hands_in(Kind.ADD, key=key("thief"))) == "account.frozen"
    assert code(alice.hands_in(Kind.GUARDIANS, guardians=guardians("eve"))) == "account.frozen"


def test_a_recovery_goes_its_whole_way_over_http(here: Town, alice: Caller) -> None:
    assert alice.hands_in(Kind.RECOVER, by="gina", guardian=opening("gina"), key=key("new")).status_code == 200
    assert alice.owner.state is not None
    assert alice.owner.state.recovery is not None
    recovery = alice.owner.state.recovery.digest
    assert alice.hands_in(Kind.APPROVE, by="gus", guardian=opening("gus"), recovery=recovery).status_code == 200
    here.clock.now += 6 * 86_400
    assert code(alice.hands_in(Kind.EXECUTE, by="new", recovery=recovery)) == "account.wait"
    here.clock.now += 86_400
    assert alice.hands_in(Kind.EXECUTE, by="new", recovery=recovery).status_code == 200
    assert alice.sign_in(by="new").call("GET", f"/udi/v1/accounts/{alice.account}/status").json()["guardians"] == 3
    assert code(alice.tries(by="alice")) == "session.no-account"


def test_nobody_asks_faster_than_their_pace(tmp_path: Path) -> None:
    with town(tmp_path, paces=Paces(address=(0.05, 20.0), account=(1e9, 1e9))) as made:
        answers = [made.call("GET", "/.well-known/udi") for _ in range(25)]
        assert [each.status_code for each in answers[:20]] == [200] * 20
        assert code(answers[-1]) == "api.pace"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


def test_an_account_has_a_pace_of_its_own_wherever_it_comes_from(tmp_path: Path) -> None:
    with town(tmp_path, paces=Paces(address=(1e9, 1e9), account=(0.001, 5.0))) as made:
        alice, bob = made.person("alice"), made.person("bob")
        assert {code(alice.call("GET", "/udi/v1/auth/sessions")) for _ in range(6)} == {"", "api.pace"}
        assert code(bob.call("GET", "/udi/v1/auth/sessions")) == ""
