"""A node throws away what nobody needs, and nothing else."""

from collections.abc import Collection

import pytest
from engines import DAO, World, approved, digest_of

from cyberprivacy.cid import Cid
from cyberprivacy.errors import TryLater
from cyberprivacy.node.housekeeping import UNUSED, Needed, needed, tidy
from cyberprivacy.node.reconcile import State, Status

FIRST, SECOND = approved(1).bundle, approved(2).bundle


def running(number: int, *, wanted: int, state: State = "serving") -> Status:
    world = World(wanted=approved(number))
    world.adopt(approved(number))
    return Status(dao=DAO, state=state, wanted=str(approved(wanted).bundle), running=world.running)


def test_what_runs_and_what_is_wanted_stays() -> None:
    stay = needed([running(1, wanted=2, state="refused"), Status(dao=DAO, state="stopped")])
    assert stay == Needed(frozenset({FIRST, SECOND}), frozenset({digest_of(FIRST)}))


@pytest.mark.parametrize("state", ["starting", "working", "waiting"])
def test_nothing_goes_while_an_application_is_on_its_way_or_does_not_know(state: State) -> None:
    assert needed([running(1, wanted=1), Status(dao=DAO, state=state)]) is None


def test_a_room_that_cannot_be_tidied_does_not_keep_the_next_one_from_it() -> None:
    asked: list[tuple[Collection[Cid], Collection[str], float]] = []

    def full(*_: object) -> int:
        raise TryLater("busy", code="x.busy")

    def builds(bundles: Collection[Cid], images: Collection[str], since: float) -> int:
        asked.append((bundles, images, since))
        return 1

    tidy({"blocks": full, "builds": builds}, Needed(frozenset({FIRST}), frozenset({"d"})), now=UNUSED + 5)
    assert asked == [({FIRST}, {"d"}, 5)]
