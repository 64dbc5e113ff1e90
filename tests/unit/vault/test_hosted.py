"""A hosted application's receipts stand in the log of its node, which asks; and it can have nothing else written."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx2
import pytest
from callers import until
from people import Person, key, refusal
from two import Place

from cyberprivacy import canonical
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.canonical import NotCanonical
from cyberprivacy.cli import run
from cyberprivacy.deploy.front_settings import RESERVED
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.ledger import hosted
from cyberprivacy.ledger.commitment import ERASURE, TRANSFER, Commitment
from cyberprivacy.ledger.disk import LedgerFull
from cyberprivacy.ledger.log import Entry, FileLedger
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.node import receipts
from cyberprivacy.node.api import PREFIX
from cyberprivacy.node.logfiles import log_files
from cyberprivacy.node.past import PACE, Past, pasts
from cyberprivacy.node.publishing import publisher
from cyberprivacy.node.receipts import Receipts
from cyberprivacy.proposal.release import Address
from cyberprivacy.vault import commitments, owners
from cyberprivacy.vault.sessions import open_session

DAO = Address("0x" + "ab" * 20)
OTHER = Address("0x" + "cd" * 20)


def leaf(n: int) -> bytes:
    return sha256(n.to_bytes(8)).digest()


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Hosting:
    """A node with its ledger and public log, and an application that it hosts, both at one address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.ledger = FileLedger(folder / "ledger.jsonl", clock=self.clock)
        self.public = publisher(self.ledger, folder / "log", NodeKey.born(), clock=time.time)
        files = log_files(f"{PREFIX}/log", FolderSource(self.public.public))
        self.shop = Place("shop", folder / "shop", {}, routes=[files], hosted=True)
        self.where = Endpoint(IPv4Address("127.0.0.1"), int(self.shop.url.rpartition(":")[2]))
        self._begun: list[Receipts] = []
        self.node = self.begins()

    def begins(self, dao: Address = DAO) -> Receipts:
        """The node's part, as after a start."""
        past = pasts(self.ledger.entries()).get(dao, Past())
        self._begun.append(
            Receipts(dao, self.ledger, lambda: frozenset({self.where}), past=past, clock=self.clock)
        )
        return self._begun[-1]

    def commits(self, numbers: Sequence[int], kind: str = TRANSFER) -> None:
        with self.shop.inside.vault.database.transaction() as connection:
            for n in numbers:
                commitments.commit(connection, Commitment(kind, leaf(n)))

    def place(self, n: int) -> int | None:
        with self.shop.inside.vault.database.reading() as connection:
            return commitments.place_of(connection, leaf(n))

    def facts(self) -> list[object]:
        return [(each.kind, each.facts) for each in self.ledger.entries()]

    def close(self) -> None:
        for each in self._begun:
            each.close()
        self.shop.stop()
        self.ledger.close()


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[Hosting]:
    made = Hosting(tmp_path)
    yield made
    made.close()


def test_what_waits_is_taken_once_under_the_applications_name_and_its_place_is_told(hosting: Hosting) -> None:
    hosting.ledger.append("node.started", {})
    hosting.commits(range(40))  # more than one answer holds
    hosting.commits([40], ERASURE)
    assert [hosting.node.collect(hosting.where) for _ in range(2)] == [41, 0]
    assert sorted(hosting.facts()[1:], key=str) == sorted(
        [("transfer.receipt", {"dao": DAO, "leaf": leaf(n).hex()}) for n in range(40)]
        + [("erasure.receipt", {"dao": DAO, "leaf": leaf(40).hex()})],
        key=str,
    )
    for n in range(41):
        entry = next(each for each in hosting.ledger.entries() if each.facts.get("leaf") == leaf(n).hex())
        assert hosting.place(n) == entry.index


@pytest.mark.parametrize("after", [1, 2])
def test_whoever_dies_in_between_nothing_is_written_twice(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The application dies when it is told, `after` so many questions, where its receipts stand; then the node does."""
    hosting.commits(range(40))
    asked: list[bytes] = []
    inside = hosting.shop.inside
    real = inside.receipts

    def dies(question: bytes) -> bytes:
        asked.append(question)
        if len(asked) > after:
            raise NotCanonical("it is gone")
        return real(question)

    monkeypatch.setattr(inside, "receipts", dies)
    assert refusal(lambda: hosting.node.collect(hosting.where)) == "container.silent"
    assert len(hosting.facts()) == min(hosted.MOST * after, 40)
    hosting.shop.stop()
    hosting.shop.start()
    hosting.begins().collect(hosting.where)
    assert len(hosting.facts()) == 40
    assert None not in [hosting.place(n) for n in range(40)]


def test_a_disk_that_is_full_in_the_middle_makes_no_second_entry(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosting.commits(range(10))
    real, written = hosting.ledger.append, 0

    def full(kind: str, facts: Mapping[str, object]) -> Entry:
        nonlocal written
        written += 1
        if written == 4:
            raise LedgerFull("no room")
        return real(kind, facts)

    monkeypatch.setattr(hosting.ledger, "append", full)
    assert refusal(lambda: hosting.node.collect(hosting.where)) == "ledger.full"
    assert hosting.node.collect(hosting.where) == 7
    assert len(hosting.facts()) == 10


def test_no_application_writes_more_than_its_pace_and_none_is_held_up_by_another(hosting: Hosting) -> None:
    hosting.commits(range(PACE + 10))
    assert hosting.node.collect(hosting.where) == PACE
    assert hosting.node.collect(hosting.where) == 0
    assert hosting.begins().collect(hosting.where) == 0  # the pace outlives the process
    hosting.clock.now += receipts.HOUR + 1
    assert hosting.node.collect(hosting.where) == 10
    assert len(hosting.facts()) == PACE + 10
    hosting.commits(range(PACE + 10, PACE + 12))
    assert hosting.begins(OTHER).collect(hosting.where) == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"waiting": [{"kind": "node.started", "leaf": leaf(1).hex()}]}, "receipt.exchange"),
        ({"waiting": [{"kind": TRANSFER, "leaf": "ab"}]}, "receipt.exchange"),
        ({"waiting": [{"kind": TRANSFER, "leaf": leaf(1).hex(), "name": "Ada"}]}, "receipt.exchange"),
        ({"waiting": [{"kind": TRANSFER, "leaf": leaf(1).hex()}] * 2}, "receipt.exchange"),
        ({"waiting": [{"kind": TRANSFER, "leaf": leaf(n).hex()} for n in range(33)]}, "receipt.exchange"),
        ({"waiting": [], "more": 1}, "receipt.exchange"),
        ({"waiting": "all"}, "receipt.exchange"),
        ([], "receipt.exchange"),
        (None, "json.form"),
    ],
)
def test_an_application_can_say_nothing_else(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch, said: object, code: str
) -> None:
    data = b'{"waiting": []}' if said is None else canonical.encode(said)  # None: another spelling
    monkeypatch.setattr(hosting.shop.inside, "receipts", lambda _: data)
    assert refusal(lambda: hosting.node.collect(hosting.where)) == code
    assert hosting.facts() == []


def test_one_that_repeats_itself_comes_to_an_end(hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    data = hosted.answer([Commitment(TRANSFER, leaf(1))])
    monkeypatch.setattr(hosting.shop.inside, "receipts", lambda _: data)
    assert hosting.node.collect(hosting.where) == 1
    assert len(hosting.facts()) == 1
    monkeypatch.setattr(hosting.shop.inside, "receipts", lambda _: b" " * (hosted.LIMIT + 1))
    assert refusal(lambda: hosting.node.collect(hosting.where)) == "container.silent"


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b'{"placed": []}',
        b'{"placed":[{"leaf":"ab","place":1}]}',
        b'{"placed":[{"leaf":"%s","place":true}]}' % (b"ab" * 32),
        b'{"placed":[{"leaf":"%s","place":-1}]}' % (b"ab" * 32),
        b" " * 9_000,
    ],
)
def test_an_application_answers_nothing_but_a_nodes_question(hosting: Hosting, asked: bytes) -> None:
    answer = httpx2.post(hosting.shop.url + hosted.RECEIPTS, content=asked, trust_env=False)
    assert answer.json()["type"] in ("receipt.exchange", "json.form", "api.size")


def test_a_question_comes_where_no_user_does_and_changes_only_what_waits(hosting: Hosting) -> None:
    assert hosted.RECEIPTS.startswith(RESERVED + "/")  # the front sends this to the node
    hosting.commits([1, 2])
    for places in ([(leaf(1), 7), (leaf(3), 8)], [(leaf(1), 9)]):  # one is not known here; one stands already
        answer = httpx2.post(hosting.shop.url + hosted.RECEIPTS, content=hosted.question(places), trust_env=False)
        assert hosted.read_answer(answer.content) == [Commitment(TRANSFER, leaf(2))]
    assert (hosting.place(1), hosting.place(2), hosting.place(3)) == (7, None, None)


def test_an_application_that_no_node_hosts_answers_there_for_itself(tmp_path: Path) -> None:
    alone = Place("shop", tmp_path, {})
    answer = httpx2.post(alone.url + hosted.RECEIPTS, content=hosted.question([]), trust_env=False)
    assert answer.status_code == 404
    alone.stop()


def erased(hosting: Hosting) -> str:
    """Somebody has an account erased; the id of the erasure."""
    person = Person("ada", now=int(time.time())).begin()
    assert person.state is not None
    account, vault = person.state.account, hosting.shop.inside.vault
    assert hosting.shop.post("/udi/v1/accounts", person.log[0].encode()).status_code == 201
    with vault.database.transaction() as connection:
        token, session = open_session(connection, account, key("ada"), "", time.time())
        owners.admit(connection, vault.ring.store, session.owner("shop"), account=account, app="shop", now=1)
    asked = httpx2.post(
        hosting.shop.url + "/udi/v1/deletions",
        json={"what": "account", "app": "", "name": ""},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ).json()
    until(lambda: seen(hosting, asked["id"]), lambda job: job["step"] == "done")
    return str(asked["id"])


def seen(hosting: Hosting, erasure: str) -> Any:
    return httpx2.get(f"{hosting.shop.url}/udi/v1/deletions/{erasure}", trust_env=False).json()


def test_a_person_who_is_gone_proves_their_receipt_by_the_log_of_the_node(
    hosting: Hosting, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    erasure, url, file = erased(hosting), hosting.shop.url, tmp_path / "proof"
    keys = [word for each in hosting.public.trust.log for word in ("--log-key", each.encode())]
    command = ["my", "receipt", url, erasure, *keys, "--json"]
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["log"] is None
    assert hosting.node.collect(hosting.where) == 1
    assert run([*command, "--proof", str(file)]) == 3  # nothing is published yet
    hosting.public.publish()
    assert run([*command, "--proof", str(file)]) == 0
    capsys.readouterr()
    assert run(["my", "receipt", url, erasure, *keys, "--proof", str(file)]) == 0
    assert "proven: the log has its digest as entry 0 of 1" in capsys.readouterr().out
    offline = [word for each in hosting.public.trust.log for word in ("--key", each.encode())]
    assert run(["log", "verify", str(file), *offline, "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)["entry"]["entry"]
    leafed = sha256(canonical.encode(seen(hosting, erasure)["receipt"])).hexdigest()
    assert (entry["kind"], entry["facts"]) == ("erasure.receipt", {"dao": DAO, "leaf": leafed})


def test_a_vault_that_names_another_entry_is_not_believed(
    hosting: Hosting, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    erasure, about = erased(hosting), httpx2.get(hosting.shop.url + "/.well-known/udi", trust_env=False).json()
    assert about["log"] == "node"
    hosting.commits([1])
    hosting.node.collect(hosting.where)
    hosting.public.publish()
    mine = seen(hosting, erasure)["place"]
    proof = httpx2.get(f"{hosting.shop.url}/udi/v1/deletions/{erasure}/proof", trust_env=False)
    assert proof.json()["type"] == "receipt.log"
    with hosting.shop.inside.vault.database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE commitments SET place = {1 - mine} WHERE kind = '{ERASURE}'")  # noqa: S608
    keys = [word for each in hosting.public.trust.log for word in ("--log-key", each.encode())]
    assert run(["my", "receipt", hosting.shop.url, erasure, *keys, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "my.proof"
    assert (
        run(["my", "receipt", hosting.shop.url, erasure]) == 0
    )  # says what it was told, and that nothing is proven
    assert "--log-key proves it" in capsys.readouterr().out
