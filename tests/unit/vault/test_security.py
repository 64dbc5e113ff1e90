"""A security application beside a vault, over sockets: it helps, late and in sight, and can do nothing alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from callers import GENEROUS, PLACE, TYPES, Clock, code
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from grants import COPY, DAY, grant, proof
from people import SCHEMA, Person, key, refusal
from starlette.testclient import TestClient
from test_client import running

from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault.account import RECOVERY_BLIND
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import about, history
from cyberprivacy.vault.cosigning import Proof, check_cosigned
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyevent import Guardian, Kind, Signed
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.security.book import Act, Book, Standing
from cyberprivacy.vault.security.checks import Given, NotYou, Shown
from cyberprivacy.vault.security.desk import CLOSED, TRIES, Desk
from cyberprivacy.vault.security.guard import Guard
from cyberprivacy.vault.security.web import Interface
from cyberprivacy.vault.vaultkey import VaultKey
from cyberprivacy.vault.web.opening import opened

DELAY = 86_400


@dataclass
class Bank:
    """A security application, the vault where it helps, and alice, whom it protects."""

    desk: Desk
    client: TestClient
    clock: Clock
    vault: str
    folder: Path
    alice: Person
    given: dict[str, Any]

    def asks(self, where: str, *, paper: bool = True, phone: bool = True, **more: str) -> httpx2.Response:
        body = {
            "id": self.given["id"],
            "paper": self.given["paper"] if paper else "",
            "phone": self.phone() if phone else "",
        }
        return self.client.post(f"/security/v1/{where}", json=body | more)

    def phone(self) -> str:
        """What the phone shows now; a minute later than the last time, as no code counts twice."""
        self.clock.now += 60
        secret = self.desk.book.protected(bytes.fromhex(self.given["id"])).checks.phone
        made = TOTP(secret, 6, SHA1(), 30).generate(int(self.clock.now))  # noqa: S303
        return made.decode()

    def does(self, kind: Kind, by: str = "alice", **body: Any) -> None:
        """The next event of alice's account, handed in."""
        self.alice.now = self.clock.now
        signed = self.alice.next(kind, by, **body)
        assert self.alice.state is not None
        path = f"{self.vault}/udi/v1/accounts/{self.alice.state.account.hex()}/kel"
        answer = httpx2.post(path, content=signed.encode(), trust_env=False)
        assert answer.status_code == 200, answer.text
        self.alice.take(signed)

    def state(self) -> Any:
        """Alice's account as its log at the vault says."""
        one = self.desk.book.protected(bytes.fromhex(self.given["id"]))
        connection = self.desk.vaults[self.vault]
        return history(connection, one.account.hex(), about(connection))[-1]

    def takes_card(self) -> None:
        """Alice names the application as her guardian, and it counts."""
        _, commitment, operator = self.given["card"].split(":")
        self.does(Kind.GUARDIANS, guardians=(Guardian(bytes.fromhex(commitment), bytes.fromhex(operator)),))
        self.clock.now += 8 * DAY


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    clock = Clock()
    with ExitStack() as stack:
        bound = stack.enter_context(listening("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{bound.getsockname()[1]}"
        place = replace(PLACE, site=Site.parse(uri))
        vault = stack.enter_context(opened(tmp_path / "v", "", place, types=TYPES, paces=GENEROUS, clock=clock))
        stack.enter_context(running(vault.application(), bound))
        book = Book(tmp_path / "security.db")
        stack.callback(book.close)
        guard = Guard(VaultKey.open(tmp_path / "guardian.key"), "bank.example")
        desk = Desk(book, guard, {uri: stack.enter_context(Connection(uri))}, delay=DELAY, clock=clock)
        alice = Person("alice", now=clock.now).begin("alice", "phone")
        httpx2.post(f"{uri}/udi/v1/accounts", content=alice.log[0].encode(), trust_env=False).raise_for_status()
        assert alice.state is not None
        client = TestClient(Interface(desk, pace=(1e9, 1e9)).application(), base_url="http://127.0.0.1:8400")
        asked = {"vault": uri, "account": alice.state.account.hex()}
        given = client.post("/security/v1/people", json=asked)
        assert given.status_code == 201, given.text
        yield Bank(desk, client, clock, uri, tmp_path, alice, given.json())


def test_a_lost_key_comes_back_after_every_delay_and_not_before(bank: Bank) -> None:
    bank.takes_card()
    asked = bank.asks("recoveries", key=key("new phone").text)
    assert asked.status_code == 201
    assert asked.json()["state"] == "waiting"
    assert asked.json()["due"] == asked.json()["asked"] + DELAY
    account = bank.state().account.hex()
    shown = bank.client.get(f"/security/v1/accounts/{account}/requests").json()["requests"]
    assert [each["id"] for each in shown] == [asked.json()["id"]], "in everybody's sight"
    bank.clock.now = asked.json()["due"] - 1
    assert bank.desk.work() == 0
    assert bank.state().recovery is None
    bank.clock.now += 1
    assert bank.desk.work() == 1
    assert bank.state().recovery.key == key("new phone")
    assert bank.state().recovery.ready == int(bank.clock.now) + RECOVERY_BLIND, "now the vault's own delay begins"
    assert bank.desk.work() == 0


@pytest.mark.parametrize("seen", ["before", "after"])
def test_the_owner_ends_a_recovery_that_a_thief_of_both_checks_asked_for(bank: Bank, seen: str) -> None:
    bank.takes_card()
    asked = bank.asks("recoveries", key=key("thief").text).json()
    if seen == "before":  # at the desk, with one check
        assert bank.asks("cancels", phone=False, request=asked["id"]).json()["state"] == "cancelled"
        bank.clock.now += DELAY
        assert bank.desk.work() == 0
        assert bank.state().recovery is None
        assert code(bank.asks("cancels", phone=False, request=asked["id"])) == "security.state"
    else:  # at the vault, with a key
        bank.clock.now += DELAY
        bank.desk.work()
        bank.alice.now = bank.clock.now
        bank.alice.take(_last(bank))
        bank.does(Kind.CANCEL, recovery=bank.state().recovery.digest)
        assert bank.state().recovery is None


def _last(bank: Bank) -> Signed:
    path = f"{bank.vault}/udi/v1/accounts/{bank.state().account.hex()}/kel"
    return Signed.decode(httpx2.get(path, trust_env=False).content.splitlines()[-1])


def test_a_stolen_key_is_stopped_at_once_with_the_paper_alone(bank: Bank) -> None:
    bank.takes_card()
    done = bank.asks("freezes", phone=False).json()
    assert done["state"] == "done"
    assert bank.state().is_frozen(bank.clock.now)


def test_an_account_that_did_not_take_the_card_is_not_touched(bank: Bank) -> None:
    assert bank.asks("freezes", phone=False).json()["code"] == "security.not-guardian"
    assert code(bank.asks("recoveries", key=key("thief").text)) == "security.not-guardian"
    assert bank.state().seq == 0


def test_what_was_asked_for_when_the_vault_was_away_is_done_when_it_is_back(bank: Bank) -> None:
    bank.takes_card()
    vaults = dict(bank.desk.vaults)
    bank.desk.vaults = {bank.vault: Connection("http://127.0.0.1:9")}
    waits = bank.asks("freezes", phone=False).json()
    assert (waits["state"], waits["code"]) == ("waiting", "vault.unreachable")
    bank.desk.vaults = vaults
    assert bank.desk.work() == 1
    assert bank.state().is_frozen(bank.clock.now)


@pytest.mark.parametrize("act", ["freezes", "recoveries"])
def test_killed_after_handing_in_it_does_not_do_it_twice(bank: Bank, act: str) -> None:
    bank.takes_card()
    more = {"key": key("new").text} if act == "recoveries" else {}
    asked = bytes.fromhex(bank.asks(act, **more).json()["id"])
    bank.clock.now += DELAY
    bank.desk.work()
    seq = bank.state().seq
    forgotten = replace(bank.desk.book.request(asked), state=Standing.WAITING)
    bank.desk.book.keep(forgotten)
    assert bank.desk.work() == 1
    assert bank.state().seq == seq
    assert bank.desk.book.request(asked).state is Standing.DONE


def test_a_second_guardian_agrees_to_the_same_key_and_not_to_another(bank: Bank) -> None:
    bank.takes_card()
    first = bank.asks("recoveries", key=key("new").text).json()
    other = bank.asks("recoveries", key=key("thief").text).json()
    bank.clock.now += DELAY + 120
    assert bank.desk.work() == 2
    assert bank.desk.book.request(bytes.fromhex(first["id"])).state is Standing.DONE
    refused = bank.desk.book.request(bytes.fromhex(other["id"]))
    assert (refused.state, refused.code) == (Standing.REFUSED, "security.other-recovery")


def test_it_looks_at_a_grant_that_its_person_has_signed_and_at_no_other(bank: Bank) -> None:
    bank.takes_card()
    bank.alice.now = bank.clock.now
    begins = int(bank.clock.now)
    once = {"mode": Mode.MOVE, "max_uses": 1, "scopes": (COPY,)}
    made = grant(bank.alice, **once, not_before=begins, expires=begins + DAY)
    digest = made.digest(SCHEMA)

    def cosigned(signed: SignedGrant, **how: bool) -> httpx2.Response:
        return bank.asks("cosignatures", grant=signed.encode().decode(), **how)

    signed = SignedGrant(made, proof(digest, "alice"))
    answer = cosigned(signed)
    assert answer.status_code == 201, answer.text
    second = Proof.read(answer.json())
    check_cosigned(
        bank.state(), key("alice"), digest, second, judge=Judge(), trusted=frozenset(), now=bank.clock.now
    )
    assert code(cosigned(signed, phone=False)) == "security.check-missing"
    assert code(cosigned(SignedGrant(made, proof(bytes(32), "alice")))) == "key.signer"
    assert code(cosigned(SignedGrant(made, proof(digest, "stranger")))) == "account.key"
    another = replace(made, subject=bytes(32))
    assert code(cosigned(SignedGrant(another, proof(another.digest(SCHEMA), "alice")))) == "security.account"


def test_too_many_wrong_tries_close_the_desk_for_a_day_even_to_right_ones(bank: Bank) -> None:
    bank.takes_card()
    right = bank.given["paper"]
    bank.given["paper"] = "00" * 16
    for _ in range(TRIES):
        assert code(bank.asks("freezes", phone=False)) == "security.check"
    bank.given["paper"] = right
    assert code(bank.asks("freezes", phone=False)) == "security.closed"
    bank.clock.now += CLOSED
    assert bank.asks("freezes", phone=False).json()["state"] == "done"


def test_no_code_of_the_phone_counts_twice_and_one_wrong_of_two_is_wrong() -> None:
    given, now = Given.make(), 1_800_000_000
    known, phone = given.kept(), TOTP(given.phone, 6, SHA1(), 30).generate(now).decode()  # noqa: S303
    both = Shown(given.paper.hex(), phone)
    after = known.passed(both, both=True, now=now)
    for shown, need in (
        (both, True),
        (Shown(phone=phone), False),
        (Shown("00" * 16, "123456"), True),
        (Shown(given.paper.hex(), "000000"), False),
        (Shown("zz", ""), False),
    ):
        with pytest.raises(NotYou):
            after.passed(shown, both=need, now=now)
    assert refusal(lambda: known.passed(both, both=True, now=now + 120)) == "security.check", "too old"
    assert refusal(lambda: known.passed(Shown(), both=False, now=now)) == "security.check-missing"


def test_what_the_book_keeps_of_a_person_is_not_what_the_person_shows(bank: Bank) -> None:
    bank.desk.book.close()
    held = b"".join(each.read_bytes() for each in bank.folder.glob("security.db*"))
    assert bytes.fromhex(bank.given["paper"]) not in held
    assert bank.given["paper"].encode() not in held
    assert (bank.folder / "security.db").stat().st_mode & 0o077 == 0


def test_strangers_vaults_are_never_asked_and_a_full_list_takes_no_more(bank: Bank) -> None:
    body = {"vault": "http://127.0.0.1:9", "account": "ab" * 32}
    assert code(bank.client.post("/security/v1/people", json=body)) == "security.vault"
    bank.takes_card()
    for _ in range(3):
        assert bank.asks("recoveries", key=key("new").text).status_code == 201
    assert code(bank.asks("recoveries", key=key("new").text)) == "security.busy"
    assert [each.act for each in bank.desk.book.about(bank.state().account)] == [Act.RECOVER] * 3
