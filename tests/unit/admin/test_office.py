"""Every act of an administrator is declared, signed, on record before it happens, and nothing else happens."""

import json
from hashlib import sha256

import pytest

from cyberprivacy.admin.request import Act
from cyberprivacy.bundle.declared import Role
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.log import FileLedger, LedgerFull
from cyberprivacy.proposal.release import Address
from cyberprivacy.testing.administration import (
    DAILY,
    DAO,
    NOW,
    WITNESSES,
    Administrator,
    AppNumbers,
    Counter,
    declared,
    people,
    standing,
)
from cyberprivacy.testing.witnesses import ORIGIN, honest, refuse

OTHER = Cid.of(DAG_PB, b"release 2")


def values(office, serves=None):
    read = json.loads(office.file(serves or standing()))
    return {**read["parameters"], **read["algorithms"]}


def refused(office, body) -> str:
    with pytest.raises(CyberPrivacyError) as caught:
        office.handle(body)
    return caught.value.code


def deny(counter, how) -> None:
    """From now on one of two witnesses answers like this; both are needed."""
    counter.witnesses.lines[WITNESSES[1]].disturb = how


def test_a_parameter_is_on_record_before_it_is_turned(counter):
    office, ada = counter.office(), Administrator()
    assert values(office) == {"per-page": 20, "order": "newest"}
    told = office.handle(ada.asks(Act.SET, "per-page", "30"))
    assert values(office) == {"per-page": 30, "order": "newest"}
    assert counter.kinds() == ["admin.requested", "admin.done"]
    requested, done = counter.ledger.entries()
    assert requested.facts | {"signature": ""} == {
        "dao": DAO,
        "release": str(standing().release),
        "by": ada.address,
        "act": "set",
        "name": "per-page",
        "old": "20",
        "value": "30",
        "why": "People asked for it",
        "nonce": 1,
        "expiry": NOW + 600,
        "effective": NOW,
        "signature": "",
    }
    assert done.facts == {"dao": requested.facts["dao"], "request": 0}
    assert told == {
        "request": 0, "done": 1, "effective": NOW, "answer": None, "witnesses": list(WITNESSES),
    }  # fmt: skip
    for witness in counter.witnesses.witnesses.values():
        assert b"\n1\n" in witness.newest(sha256(ORIGIN.encode()).hexdigest())  # a log of one entry: the request


def test_an_algorithm_is_chosen(counter):
    office = counter.office()
    office.handle(Administrator().asks(Act.CHOOSE, "order", "hearts"))
    assert values(office)["order"] == "hearts"


def test_a_statistic_is_answered_with_noise_and_its_cost_is_on_record_first(counter):
    office = counter.office()
    told = office.handle(Administrator().asks(Act.ASK, "daily"))
    assert told["answer"] == {"query": "sum", "suppressed": False, "value": 100}
    requested, done = counter.ledger.entries()
    assert (requested.facts["epsilon"], done.facts["answer"]) == (500, told["answer"])
    assert counter.noise.loss == 500


def test_a_delayed_setting_counts_from_its_time_on(counter):
    slow = standing(declared(delay=3600))
    office = counter.office(slow)
    assert office.handle(Administrator().asks(Act.SET, "per-page", "30"))["effective"] == NOW + 3600
    assert values(office, slow)["per-page"] == 20
    (row,) = office.show()["parameters"]
    assert row["coming"] == [{"value": "30", "effective": NOW + 3600}]
    counter.clock.now = NOW + 3600
    assert values(office, slow)["per-page"] == 30


@pytest.mark.parametrize(
    ("code", "act", "name", "value", "other"),
    [
        ("admin.dao", Act.SET, "per-page", "30", {"dao": Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")}),
        ("admin.chain", Act.SET, "per-page", "30", {"chain_id": 1}),
        ("admin.release", Act.SET, "per-page", "30", {"release": OTHER}),
        ("admin.expired", Act.SET, "per-page", "30", {"expiry": NOW}),
        ("admin.expiry", Act.SET, "per-page", "30", {"expiry": NOW + 86_401}),
        ("admin.nonce", Act.SET, "per-page", "30", {"nonce": 0}),
        ("admin.unknown", Act.SET, "shell", "30", {}),
        ("admin.unknown", Act.SET, "order", "hearts", {}),
        ("admin.unknown", Act.CHOOSE, "per-page", "30", {}),
        ("admin.unknown", Act.ASK, "per-page", "", {}),
        ("admin.unknown", Act.ASK, "other", "", {}),
        ("admin.value", Act.SET, "per-page", "51", {}),
        ("admin.value", Act.SET, "per-page", "030", {}),
        ("admin.value", Act.CHOOSE, "order", "oldest", {}),
        ("admin.value", Act.ASK, "daily", "1", {}),
    ],
)
def test_anything_else_is_refused_and_nothing_is_on_record(counter, code, act, name, value, other):
    office = counter.office()
    assert refused(office, Administrator().asks(act, name, value, **other)) == code
    assert counter.kinds() == []
    assert counter.numbers.asked == []
    assert values(office) == {"per-page": 20, "order": "newest"}


def test_who_was_not_voted_in_is_refused(counter):
    assert refused(counter.office(), Administrator("eve").asks(Act.SET, "per-page", "30")) == "admin.signer"
    assert counter.kinds() == []


def test_whoever_has_the_role_on_chain_may_act_and_nobody_else(counter):
    role = Role("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", b"\x05" * 32)
    office = counter.office(standing(declared(administrators=(role,))))
    counter.roles.holders.add((b"\x05" * 32, Administrator("ada").address))
    office.handle(Administrator("ada").asks(Act.SET, "per-page", "30"))
    assert refused(office, Administrator("eve").asks(Act.SET, "per-page", "40")) == "admin.signer"


def test_a_request_is_taken_once_also_after_a_restart(counter):
    office, ada = counter.office(), Administrator()
    body = ada.asks(Act.SET, "per-page", "30")
    office.handle(body)
    assert refused(office, body) == "admin.nonce"
    assert refused(counter.office(), body) == "admin.nonce"
    counter.office().handle(ada.asks(Act.SET, "per-page", "31"))
    assert len(counter.kinds()) == 4


def test_nonces_of_administrators_are_apart(counter):
    ada, bob = Administrator("ada"), Administrator("bob")
    office = counter.office(standing(declared(administrators=(ada.address, bob.address))))
    office.handle(ada.asks(Act.SET, "per-page", "30", nonce=1_000))
    office.handle(bob.asks(Act.SET, "per-page", "31", nonce=1))
    assert values(office)["per-page"] == 31


def test_nobody_can_act_where_no_release_with_administrators_serves(counter):
    office = counter.office()
    office.adopt(None)
    assert refused(office, Administrator().asks(Act.SET, "per-page", "30")) == "admin.closed"
    with pytest.raises(TryLater):
        office.show()


def test_without_witnesses_nothing_happens_and_the_application_runs_on(counter):
    office, ada = counter.office(), Administrator()
    deny(counter, refuse)
    for act, name, value in ((Act.SET, "per-page", "30"), (Act.ASK, "daily", "")):
        assert refused(office, ada.asks(act, name, value)) == "ledger.quorum"
    assert (counter.numbers.asked, "admin.done" in counter.kinds()) == ([], False)
    assert values(office) == values(counter.office()) == {"per-page": 20, "order": "newest"}
    deny(counter, honest)
    office.handle(ada.asks(Act.SET, "per-page", "30"))
    assert values(office)["per-page"] == values(counter.office())["per-page"] == 30


def test_a_request_that_failed_is_not_taken_again(counter):
    office = counter.office()
    deny(counter, refuse)
    body = Administrator().asks(Act.SET, "per-page", "30")
    refused(office, body)
    deny(counter, honest)
    assert refused(office, body) == refused(counter.office(), body) == "admin.nonce"


def test_when_the_disk_is_full_nothing_happens(counter, monkeypatch):
    office, body = counter.office(), Administrator().asks(Act.SET, "per-page", "30")

    def full(*_):
        raise LedgerFull("full")

    monkeypatch.setattr(FileLedger, "append", full)
    assert refused(office, body) == "ledger.full"
    assert values(office)["per-page"] == 20
    monkeypatch.undo()
    office.handle(body)  # it never was on record


def test_a_budget_is_charged_even_when_no_answer_comes(counter):
    counter.numbers = AppNumbers(None)
    office, ada = counter.office(), Administrator()
    for _ in range(4):
        assert refused(office, ada.asks(Act.ASK, "daily")) == "admin.silent"
    assert refused(office, ada.asks(Act.ASK, "daily")) == "admin.spent"
    assert refused(counter.office(), ada.asks(Act.ASK, "daily")) == "admin.spent"


def test_a_spent_budget_is_there_again_in_the_next_period(counter):
    office, ada = counter.office(), Administrator()
    for _ in range(4):
        office.handle(ada.asks(Act.ASK, "daily"))
    (row,) = office.show()["statistics"]
    assert (row["spent_thousandths"], row["budget_thousandths"]) == (2_000, 2_000)
    with pytest.raises(TryLater) as spent:
        office.handle(ada.asks(Act.ASK, "daily"))
    until = spent.value.facts["until"]
    assert until == row["period_ends"] == (NOW // 86_400 + 1) * 86_400
    counter.clock.now = until
    office.handle(ada.asks(Act.ASK, "daily", expiry=until + 60))


@pytest.mark.parametrize("back", [1, 86_400, 10 * 86_400])
def test_a_clock_that_is_set_back_opens_no_budget_again(counter, tmp_path, back):
    counter, ada = Counter(counter.ledger, tmp_path / "alone", counter.clock), Administrator()
    for round_ in range(6):
        body = ada.asks(Act.ASK, "daily")
        if round_ < 4:
            counter.office().handle(body)
        else:
            assert refused(counter.office(), body) == "admin.spent"
        counter.clock.now = NOW - back


def test_another_daos_acts_are_not_ours(counter):
    counter.office().handle(Administrator().asks(Act.SET, "per-page", "30"))
    first, second = counter.ledger.entries()
    for entry in (first, second):
        facts = {**entry.facts, "dao": "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", "value": "40"}
        counter.ledger.append(entry.kind, facts | ({"request": 2} if "request" in facts else {}))
    assert values(counter.office())["per-page"] == 30


def test_few_users_are_not_told_about(counter):
    counter.numbers.says = people(DAILY.least_count - 1)
    told = counter.office().handle(Administrator().asks(Act.ASK, "daily"))
    assert told["answer"] == {"query": "sum", "suppressed": True, "value": None}


def test_what_the_door_shows_holds_everything_declared_and_nothing_else(counter):
    said = counter.office().show()
    assert set(said) == {
        "dao", "chain", "release", "acts", "administrators", "delay", "parameters", "algorithms", "statistics",
        "witnesses",
    }  # fmt: skip
    assert [each["name"] for each in (*said["parameters"], *said["algorithms"], *said["statistics"])] == [
        "per-page", "order", "daily",
    ]  # fmt: skip
