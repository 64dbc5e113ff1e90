"""An act waits for the node's public log, and for its witnesses where some are configured."""

import json
from typing import Any, cast

import pytest

from cyberprivacy.admin.request import Act
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import NoQuorum
from cyberprivacy.node.administration import PublicLog
from cyberprivacy.testing.administration import DAO, NOW, Administrator, Counter, standing
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.witnesses import LOG, Bench


def test_an_act_waits_for_the_quorum_of_the_public_log(tmp_path):
    clock = StandingClock(NOW)
    bench = Bench(tmp_path / "witnesses", ("anna.example", "bert.example"), clock=clock)
    with_quorum = bench.quorum(2, deadline=1)
    ledger = FileLedger(tmp_path / "ledger", clock=clock)
    public = PublicLog(Publisher(ledger, tmp_path / "log", signers=[LOG], clock=clock, quorum=with_quorum))
    counter, ada = Counter(ledger, clock, quorum=cast("Any", public)), Administrator()
    told = counter.office().handle(ada.asks(Act.SET, "per-page", "30"))
    assert told["witnesses"] == ["anna.example", "bert.example"]
    bench.lines["bert.example"].cut = True
    with pytest.raises(NoQuorum):
        counter.office().handle(ada.asks(Act.SET, "per-page", "31"))
    assert read_values(counter)["per-page"] == 30
    ledger.close()


def read_values(counter: Counter) -> dict[str, Any]:
    return dict(json.loads(counter.office().file(standing()))["parameters"])


def test_without_a_quorum_an_act_waits_for_the_served_checkpoint(tmp_path):
    ledger = FileLedger(tmp_path / "ledger", clock=StandingClock(NOW))
    publisher = Publisher(ledger, tmp_path / "log", signers=[LOG], clock=StandingClock(NOW))
    assert PublicLog(publisher).witnessed(ledger.append("admin.requested", {"dao": DAO})) == ()
    assert (publisher.public / "checkpoint").read_text().splitlines()[1] == "1"
    ledger.close()
