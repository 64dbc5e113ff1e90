"""One container that hangs takes no care from the others, and nobody's time."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.unit.deploy.answers import hangs, says
from tests.unit.deploy.conftest import eventually

from cyberprivacy.deploy.caretaker import Caretaker
from cyberprivacy.deploy.found import EngineFailed, Found
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.review.workload import Probe

WELL = says(b"HTTP/1.1 200 OK\r\n\r\n")
UNWELL = says(b"HTTP/1.1 500 No\r\n\r\n")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Hands:
    """What the caretaker has done."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.broken: set[str] = set()
        self.patience = threading.Event()
        self.patience.set()

    def start(self, found: Found) -> None:
        if found.name in self.broken:
            raise EngineFailed("no start")
        self.started.append(found.name)

    def stop(self, found: Found) -> None:
        self.patience.wait()
        if found.name in self.broken:
            raise EngineFailed("no end")
        self.stopped.append(found.name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def caretaker(clock: Clock, hands: Hands) -> Caretaker:
    return Caretaker(hands.start, hands.stop, clock)


def container(
    name: str, endpoint: Endpoint, *, lives: bool = False, status: str = "running", timeout: int = 60
) -> Found:
    asked = Probe("/", endpoint.port, 0, 1, timeout, 1)
    care = Care(
        readiness=asked, liveness=asked if lives else None, grace=1, redirects=(), public=endpoint.port, wanted=1
    )
    labels = {"care": care.text(), "address": str(endpoint.address)}
    return Found(
        id=name,
        name=name,
        status=status,
        pid=1,
        exit_code=0,
        image="",
        digests=frozenset(),
        sessions=0,
        labels=labels,
    )


def test_a_round_does_not_wait_for_a_container_that_hangs_and_the_others_are_heard(serve, caretaker):
    hung, good, bad = (container(name, serve(a)) for name, a in (("h", hangs), ("g", WELL), ("b", UNWELL)))
    began = time.monotonic()
    eventually(lambda: caretaker.look_after([hung, good, bad]) or caretaker.heard(good))
    eventually(lambda: caretaker.look_after([hung, good, bad]) or len(caretaker.ready([bad])) == 0)
    assert not caretaker.heard(hung)
    assert time.monotonic() - began < 5


def test_a_container_has_one_question_at_a_time_and_an_application_not_too_many(serve, caretaker):
    many = [container(f"h{number}", serve(hangs), lives=True) for number in range(40)]
    before = threading.active_count()
    for _ in range(5):
        caretaker.look_after(many)
    assert sum(thread.name == "errand" for thread in threading.enumerate()) <= 65
    assert threading.active_count() > before


def test_who_waits_longest_is_asked_first(serve, caretaker, clock):
    hung, good = serve(hangs), container("good", serve(WELL))
    many = [container(f"h{number}", hung, timeout=1) for number in range(70)]

    def heard() -> bool:
        clock.now += 1
        caretaker.look_after([*many, good])
        return caretaker.heard(good)

    eventually(heard)


def test_an_end_that_takes_its_grace_keeps_nobody_waiting(serve, caretaker, hands, clock):
    hands.patience.clear()
    sick, dead = container("sick", serve(UNWELL), lives=True), container("dead", serve(WELL), status="exited")

    def rounds(done: Callable[[], object]) -> Callable[[], bool]:
        def once() -> bool:
            clock.now += 1
            caretaker.look_after([sick, dead])
            return bool(done())

        return once

    eventually(rounds(lambda: not caretaker.ready([sick])))
    eventually(rounds(lambda: len(hands.started) > 2))  # while the sick one is being ended
    assert hands.stopped == []
    hands.patience.set()
    eventually(lambda: hands.stopped)
    clock.now += 100
    assert eventually(lambda: caretaker.look_after([replace(sick, status="exited")])) == ["sick"]


def test_what_cannot_be_started_or_ended_is_told_and_the_others_are_looked_after(serve, caretaker, hands, clock):
    hands.broken = {"dead", "sick"}
    dead = container("dead", serve(WELL), status="exited")
    sick, good = container("sick", serve(UNWELL), lives=True), container("good", serve(WELL))
    with capture_logs() as logs:

        def told() -> bool:
            clock.now += 1
            caretaker.look_after([dead, sick, good])
            return {(log["event"], log["container"], log["code"]) for log in logs} == {
                ("start", "dead", "deploy.engine"),
                ("stop", "sick", "deploy.engine"),
            }

        eventually(lambda: told() and caretaker.heard(good))
    assert hands.started == hands.stopped == []
