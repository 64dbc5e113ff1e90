"""Of all who stand for election one acts at most, whatever clocks and networks do; and one does, if it can."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.deploy.kubernetes.fields import text
from cyberprivacy.deploy.kubernetes.lease import Election, Pace, Record

PACE = Pace()
STEP = 0.5
"""Seconds of real time between two things that happen."""


@dataclass
class Server:
    """A Lease as an API server keeps it: who writes must have read the newest."""

    record: Record = field(default_factory=Record)
    writes: int = 0

    def write(self, record: Record) -> Record | None:
        if record.version != self.record.version:
            return None
        self.writes += 1
        self.record = replace(record, version=str(self.writes))
        return self.record


class Stander:
    """One who stands; its clock is its own, and what it sends may arrive late, or its answer never."""

    def __init__(self, name: str, server: Server, offset: float, rate: float) -> None:
        self._server, self._offset, self._rate = server, offset, rate
        self.election = Election(name, PACE)
        self._sent: tuple[Record, float] | None = None

    def clock(self, now: float) -> float:
        return self._offset + now * self._rate

    def acts(self, now: float) -> bool:
        return self.election.left(self.clock(now)) > 0

    def look(self, now: float) -> None:
        mine = self.clock(now)
        self.election.saw(self._server.record, mine)
        wish = self.election.wish(mine, f"{self.election.me} {mine}")
        self._sent = None if wish is None else (wish, mine)

    def arrive(self, now: float, *, answered: bool = True) -> None:
        if self._sent is None:
            return
        (wish, before), self._sent = self._sent, None
        written = self._server.write(wish)
        if written is not None and answered:
            self.election.wrote(written, before, self.clock(now))


def standers(server: Server, clocks: list[tuple[int, int]]) -> list[Stander]:
    return [Stander(f"n{i}", server, offset, 1 + rate / 100) for i, (offset, rate) in enumerate(clocks)]


CLOCKS = st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-15, 15)), min_size=2, max_size=3)
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["look", "arrive", "lost", "nothing"]), st.integers(0, 5), st.integers(1, 40)),
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(clocks=CLOCKS, happenings=HAPPENINGS)
def test_never_do_two_act(clocks: list[tuple[int, int]], happenings: list[tuple[str, int, int]]) -> None:
    server = Server()
    everybody, now = standers(server, clocks), 0.0
    for what, who, steps in happenings:
        one = everybody[who % len(everybody)]
        if what == "look":
            one.look(now)
        elif what != "nothing":
            one.arrive(now, answered=what == "arrive")
        for _ in range(steps):  # nobody is told that time passes: it ends by itself, or it does not
            assert sum(each.acts(now) for each in everybody) <= 1
            now += STEP


@settings(max_examples=50, deadline=None)
@given(clocks=CLOCKS, dead=st.integers(0, 2), at=st.integers(0, 60))
def test_when_the_holder_dies_another_acts_soon(clocks: list[tuple[int, int]], dead: int, at: int) -> None:
    server = Server()
    everybody, now = standers(server, clocks), 0.0
    terms = set()

    def run(seconds: float, alive: list[Stander]) -> None:
        nonlocal now
        for _ in range(int(seconds / PACE.retry)):
            for each in alive:
                each.look(now)
                each.arrive(now)
            now += PACE.retry
            terms.update(server.record.transitions for each in alive if each.acts(now))

    run(20 + at, everybody)
    holder = next(each for each in everybody if each.acts(now))
    assert terms == {1}
    run(10, everybody)
    rest = [each for each in everybody if each is not holder]
    run((PACE.lease + 2 * PACE.retry) / 0.85, rest)
    assert [each.acts(now) for each in everybody].count(True) == 1
    assert not holder.acts(now)
    assert terms == {1, 2}


def taken(me: str, record: Record, now: float = 0.0) -> Election:
    election = Election(me, PACE)
    election.saw(record, now)
    return election


def test_a_lease_that_nobody_holds_is_taken_at_once_and_one_that_is_held_is_not() -> None:
    assert taken("a", Record()).wish(0, "m") == Record("a", 1, "m", "m", "")
    assert taken("a", Record("", 3, version="7")).wish(0, "m") == Record("a", 4, "m", "m", "7")
    held = taken("a", Record("b", 3, "x", "y", "7"))
    assert held.wish(14.9, "m") is None
    assert held.wish(15, "m") == Record("a", 4, "m", "m", "7")


def test_a_renewal_by_another_begins_the_wait_anew_and_another_version_does_not() -> None:
    election = taken("a", Record("b", 3, "x", "y", "7"))
    election.saw(Record("b", 3, "x", "y", "8"), 10)  # somebody labelled it
    assert election.wish(15, "m") is not None
    election.saw(Record("b", 3, "x", "z", "9"), 14)
    assert election.wish(28.9, "m") is None


def test_who_holds_it_acts_for_as_long_as_was_sure_before_it_was_sent() -> None:
    election = taken("a", Record())
    wish = election.wish(0, "m")
    assert wish is not None
    election.wrote(replace(wish, version="1"), 2, 7)
    assert election.left(7) == pytest.approx(5)
    election.saw(Record("b", 2, "m", "n", "2"), 8)  # somebody took it by force
    assert election.left(8) <= 0


def test_a_holder_that_is_only_said_to_be_us_does_not_act() -> None:
    """The answer to our own write was lost: we hold it, and know only when we have renewed it."""
    election = taken("a", Record("a", 1, "m", "m", "1"))
    assert election.left(0) <= 0
    assert election.wish(0, "n") == Record("a", 1, "m", "n", "1")


def test_what_is_written_is_read_again() -> None:
    record = Record("a", 4, "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:02.000001Z", "7")
    wanted = record.write("space", "name", PACE)
    assert Record.read(wanted) == record
    assert text(wanted, "metadata", "namespace") == "space"
    assert "resourceVersion" not in Record().write("space", "name", PACE)["metadata"]  # type: ignore[operator]


@pytest.mark.parametrize(
    "spec", [None, {}, {"holderIdentity": 7, "leaseTransitions": "x"}, {"leaseTransitions": -1}]
)
def test_a_lease_of_another_form_is_held_by_nobody(spec: object) -> None:
    assert Record.read({"spec": spec, "metadata": {}}) == Record()
