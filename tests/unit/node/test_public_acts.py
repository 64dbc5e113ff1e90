"""An act waits for the node's public log and for real witnesses over HTTP; the application waits for nobody."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cyberprivacy.admin.request import Act
from cyberprivacy.ledger.http_witness import HttpWitness
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.quorum import NoQuorum, Quorum
from cyberprivacy.ledger.witness_api import witness_application
from cyberprivacy.testing.administration import NOW, Administrator, AppNumbers, Counter, people, standing
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.witnesses import Bench

NAMES = ("anna.example", "bert.example", "carl.example")


class Served:
    """A witness behind a port of 127.0.0.1, which can be taken away and brought back."""

    def __init__(self, bench: Bench, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._witness = bench.witnesses[name]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        bound = socket.create_server(("127.0.0.1", self._port), reuse_port=True)
        settings = uvicorn.Config(
            witness_application(self._witness), log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [bound]})
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


class Place:
    """A node with an administrators' door whose acts two of three witnesses must see."""

    def __init__(self, folder: Path) -> None:
        self.clock = StandingClock(NOW)
        bench = Bench(folder / "witnesses", NAMES, clock=self.clock)
        self.served = [Served(bench, name) for name in NAMES]
        lines = {name: HttpWitness(each.url) for name, each in zip(NAMES, self.served, strict=True)}
        self.bench, self.needed, self.lines = bench, 2, lines
        self.ledger = FileLedger(folder / "ledger", clock=self.clock)
        self.counter = Counter(self.ledger, folder / "log", self.clock, AsBench(self), AppNumbers(people(50)))

    def close(self) -> None:
        for each in self.served:
            each.stop()
        self.ledger.close()


class AsBench(Bench):
    """The same witnesses, asked over HTTP, and two of them are enough."""

    def __init__(self, place: Place) -> None:
        self.lines, self.keys = place.lines, place.bench.keys  # type: ignore[assignment]

    def quorum(self, needed: int, *, deadline: float = 2.0) -> Quorum:
        return Quorum(self.lines, self.keys, needed=needed - 1, deadline=2.0)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def values(counter: Counter) -> dict[str, Any]:
    """What the application reads."""
    return dict(json.loads(counter.office().file(standing()))["parameters"])


def test_with_one_of_three_witnesses_down_an_act_happens_and_with_two_down_it_does_not(place: Place) -> None:
    counter, ada = place.counter, Administrator()
    assert len(counter.office().handle(ada.asks(Act.SET, "per-page", "30"))["witnesses"]) >= 2
    place.served[0].stop()
    told = counter.office().handle(ada.asks(Act.SET, "per-page", "31"))
    assert told["witnesses"] == list(NAMES[1:])
    place.served[1].stop()
    for act, name, value in ((Act.SET, "per-page", "32"), (Act.ASK, "daily", "")):
        with pytest.raises(NoQuorum) as refusal:
            counter.office().handle(ada.asks(act, name, value))
        assert (refusal.value.code, refusal.value.exit_code) == ("ledger.quorum", 3)
        assert "anna.example" in str(refusal.value.facts["refused"])
    assert values(counter) == {"per-page": 31}  # the application runs on with what it had
    assert counter.numbers.asked == []  # and nobody asked it
    for each in place.served[:2]:
        each.start()
    assert counter.office().handle(ada.asks(Act.SET, "per-page", "33"))["done"] == place.ledger.head().size - 1
    assert values(counter) == {"per-page": 33}


def test_without_a_quorum_an_act_waits_for_the_served_checkpoint(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "ledger", clock=StandingClock(NOW))
    counter = Counter(ledger, tmp_path / "log")
    told = counter.office().handle(Administrator().asks(Act.SET, "per-page", "30"))
    assert (told["request"], told["witnesses"]) == (0, [])
    assert (counter.public.public / "checkpoint").read_text().splitlines()[1] == "1"
    ledger.close()
