"""Statistics of records reach an administrator through the one door, with noise, and only of those who agreed."""

import json
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import httpx2
import pytest
from keeping import ORDER
from people import Person, key
from two import Place

from cyberprivacy.admin.noise import LaplaceNoise
from cyberprivacy.admin.office import Standing
from cyberprivacy.admin.request import Act
from cyberprivacy.bundle.declared import STATISTICS, FromRecords, Statistic
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.administration import ContainerNumbers
from cyberprivacy.testing.administration import NOW, Administrator, CountedNoise, Counter, declared, standing
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.vault import counting, erasing, owners
from cyberprivacy.vault.erasing import Scope, What
from cyberprivacy.vault.inside import RecordsInside
from cyberprivacy.vault.sessions import open_session

DAY = 86_400


def asked(name: str, query: str, of: FromRecords, **more: object) -> Statistic:
    fields = {"least": 0, "most": 1_000, "bins": (), "least_count": 5} | more
    return Statistic(name=name, doc=name, query=query, epsilon=500, budget=2_000, period=DAY, of=of, **fields)  # type: ignore[arg-type]


SPENT, ORDERS = FromRecords(ORDER, "sum", "total", 0), FromRecords(ORDER, "records", "", 0)
SERVES: Standing = standing(
    declared(
        statistics=(
            asked("buyers", "count", ORDERS),
            asked("orders", "sum", ORDERS, most=3),
            asked("spent", "mean", SPENT),
            asked("spread", "histogram", SPENT, bins=(100,)),
            asked("last", "sum", FromRecords(ORDER, "latest", "total", 0)),
            asked("today", "sum", FromRecords(ORDER, "sum", "total", DAY)),
            asked("rare", "count", ORDERS, least_count=7),
        )
    )
)


class Shop:
    """A shop with its own vault, six people who agreed and one who did not, and the node's door."""

    def __init__(self, folder: Path) -> None:
        self.place, self.parameters = Place("shop", folder, {}), folder / "parameters.json"
        self.vault = self.place.inside.vault
        self.ledger = FileLedger(folder / "ledger.jsonl", clock=StandingClock(NOW))
        self.counter = Counter(self.ledger, folder / "log")
        self.office = self.counter.office(SERVES)
        self.parameters.write_bytes(self.office.file(SERVES))
        self.numbers = ContainerNumbers(
            lambda: frozenset({Endpoint(IPv4Address("127.0.0.1"), int(self.place.url.rpartition(":")[2]))})
        )
        self.ada = Administrator()
        self.people = [self.joins(f"person {n}") for n in range(7)]
        for n, each in enumerate(self.people):
            for total in (n * 10, 100 * n):
                time.sleep(0.002)  # the later of two is known by the millisecond
                each.create(ORDER, {"total": total, "note": "what only this person may read"})
            if n:
                assert each.counted(True)

    def joins(self, name: str) -> RecordsInside:
        person = Person(name, now=int(time.time())).begin()
        state = person.state
        assert state is not None
        assert self.place.post("/udi/v1/accounts", person.log[0].encode()).status_code == 201
        with self.vault.database.transaction() as connection:
            _, session = open_session(connection, state.account, key(name), "shop", time.time())
            owners.admit(
                connection, self.vault.ring.store, session.owner(), account=state.account, app="shop", now=1
            )
        return RecordsInside(self.vault, session, self.place.inside.followings)

    def contributions(self, name: str) -> list[list[object]]:
        found: list[list[object]] = json.loads(self.numbers.contributions(name))
        return found

    def asks(self, name: str, *, noise: object = None) -> object:
        """What an administrator is answered: through the signed request, the log, the executor and the noise."""
        self.counter.numbers = self.numbers  # type: ignore[assignment]
        self.counter.noise = noise or CountedNoise()  # type: ignore[assignment]
        return self.counter.office(SERVES).handle(self.ada.asks(Act.ASK, name))["answer"]

    def close(self) -> None:
        self.numbers.close()
        self.place.stop()
        self.ledger.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    yield made
    made.close()


def test_each_user_who_agreed_contributes_one_number_and_no_name_that_lasts(shop: Shop) -> None:
    first, again = shop.contributions("spent"), shop.contributions("spent")
    assert sorted(number for _, number in first) == [110 * n for n in range(1, 7)]
    assert not {name for name, _ in first} & {name for name, _ in again}
    assert {len(str(name)) for name, _ in first} == {16}
    assert b"only this person" not in shop.numbers.contributions("spent")


def test_what_is_taken_is_what_is_declared(shop: Shop) -> None:
    assert [number for _, number in shop.contributions("orders")] == [2] * 6
    assert sorted(number for _, number in shop.contributions("last")) == [100 * n for n in range(1, 7)]
    assert len(shop.contributions("today")) == 6
    with shop.vault.database.reading() as connection:
        of, tomorrow = FromRecords(ORDER, "records", "", DAY), int(time.time()) + DAY + 60
        assert counting.contributions(connection, shop.vault.records, "shop", of, now=tomorrow) == []


def test_administrators_are_answered_through_the_door_and_it_is_on_record_first(shop: Shop) -> None:
    before = len(shop.counter.kinds())
    assert shop.asks("buyers") == {"query": "count", "suppressed": False, "value": 6}
    assert shop.asks("orders") == {"query": "sum", "suppressed": False, "value": 12}
    assert shop.asks("spent") == {"query": "mean", "suppressed": False, "value": "385.000"}
    assert shop.asks("spread") == {"query": "histogram", "suppressed": False, "value": [None, 6]}
    assert shop.counter.kinds()[before:] == ["admin.requested", "admin.done"] * 4
    assert "only this person" not in str([entry.facts for entry in shop.ledger.entries()])


def test_few_are_not_told_of_and_noise_is_what_everybody_gets(shop: Shop) -> None:
    assert shop.asks("rare") == {"query": "count", "suppressed": True, "value": None}
    told = shop.asks("spread", noise=LaplaceNoise())
    assert isinstance(told, dict)
    assert told["query"] == "histogram"


def test_the_budget_ends_the_asking(shop: Shop) -> None:
    for _ in range(4):
        shop.asks("last")
    with pytest.raises(CyberPrivacyError) as refused:
        shop.asks("last")
    assert refused.value.code == "admin.spent"


def test_what_no_release_declares_is_the_applications_own_to_answer(shop: Shop, tmp_path: Path) -> None:
    url = f"{shop.place.url}{STATISTICS}/"
    assert (
        httpx2.get(url + "everything", trust_env=False).status_code == 404
    )  # of the application, which has no such page
    assert httpx2.post(url + "spent", trust_env=False).status_code == 404
    kept = shop.parameters.read_bytes()
    for broken in (b"[]", b"{", b'{"statistics": {"spent": {"take": "each"}}}', b" " * (1 << 21)):
        shop.parameters.write_bytes(broken)
        assert httpx2.get(url + "spent", trust_env=False).json()["type"] == "statistics.file"
    shop.parameters.unlink()
    assert httpx2.get(url + "spent", trust_env=False).status_code == 404
    shop.parameters.write_bytes(kept)


def test_a_person_sees_agrees_and_takes_it_back(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    quiet, loud = shop.people[0], shop.people[6]
    assert (quiet.counted(), loud.counted(), loud.counted(True)) == (False, True, True)
    assert (loud.counted(False), len(shop.contributions("spent"))) == (False, 5)
    assert (quiet.counted(True), len(shop.contributions("spent"))) == (True, 6)
    with shop.vault.database.transaction() as connection:  # who is being erased is counted no longer
        erasing.ask(connection, quiet.session.owner(), Scope(What.OWNER, ""), now=int(time.time()))
        assert len(counting.contributions(connection, shop.vault.records, "shop", ORDERS, now=NOW)) == 5
        assert counting.contributions(connection, shop.vault.records, "books", ORDERS, now=NOW) == []
    shop.close()
