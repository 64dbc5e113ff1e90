"""When a node wants users: never before those who come would meet what they would meet elsewhere."""

from collections.abc import Collection
from typing import get_args

import pytest

from cyberprivacy.errors import TryLater
from cyberprivacy.node.readiness import PATIENCE, PAUSE, Readiness, ready
from cyberprivacy.node.reconcile import State, Status
from cyberprivacy.proposal.release import Address

HERE: Collection[str] = ("10.0.0.1:80",)
STATES: tuple[State, ...] = get_args(State)


def status(state: State) -> Status:
    return Status(dao=Address("0x" + "11" * 20), state=state)


def silent() -> Collection[str]:
    raise TryLater("nobody answers", code="test.silent")


@pytest.mark.parametrize("state", STATES)
def test_whoever_sends_users_somewhere_wants_them_whatever_else_goes_on(state: State) -> None:
    assert ready(status(state), lambda: HERE, silent)


@pytest.mark.parametrize("state", STATES)
def test_users_go_elsewhere_while_something_serves_that_this_node_has_not_proved(state: State) -> None:
    assert not ready(status(state), tuple, lambda: "a release")


@pytest.mark.parametrize("state", STATES)
def test_where_nothing_serves_a_node_says_so_as_soon_as_it_knows(state: State) -> None:
    assert ready(status(state), tuple, lambda: None) == (state != "starting")


def test_where_nobody_can_say_users_do_not_come() -> None:
    assert not ready(status("serving"), silent, lambda: None)
    assert not ready(status("serving"), tuple, silent)


def test_one_application_keeps_users_from_the_others_for_a_while_only() -> None:
    now, first, second = [7.0], [True], [False]
    node = Readiness([lambda: first[0], lambda: second[0]], clock=lambda: now[0])
    assert not node()
    second[0], now[0] = True, 7 + PAUSE
    assert node()
    first[0], now[0] = False, 7 + PATIENCE - PAUSE
    assert not node()
    now[0] += PAUSE
    assert node()


def test_however_many_ask_it_looks_once_a_second() -> None:
    now, looks = [7.0], list[float]()
    node = Readiness([lambda: looks.append(now[0]) is None], clock=lambda: now[0])
    for _ in range(40):
        assert node()
        now[0] += PAUSE / 4
    assert looks == [7.0 + each * PAUSE for each in range(10)]
