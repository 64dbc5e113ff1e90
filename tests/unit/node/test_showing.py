"""People see in which cluster what was last seen, and how far a roll-out is."""

from contextlib import suppress

import pytest
from engines import World as OneEngine
from tests.unit.deploy.fleet.engines import APP, Killed, application, clusters, node

from cyberprivacy.cli.node import _human
from cyberprivacy.errors import TryLater
from cyberprivacy.node.reconcile import Status
from cyberprivacy.node.showing import shown, shown_clusters
from cyberprivacy.proposal.release import Address

OLD, NEW = application(1), application(2)
DAO = Address("0x5B38Da6a701c568545dCfcB03FcB875f56beddC4")


def human(runtime: object, wanted: str) -> list[str]:
    """What `node status` prints of an application, from its second line on."""
    said = shown(Status(dao=DAO, state="working", step="deploy", wanted=wanted), "0.0.0.0:443")
    return _human([said | shown_clusters(runtime, APP) | {"witness": {}}]).splitlines()[1:]  # type: ignore[arg-type]


def test_one_engine_has_no_clusters_to_show() -> None:
    assert shown_clusters(OneEngine(), APP) == {}  # type: ignore[arg-type]
    assert human(OneEngine(), "") == ["  https://0.0.0.0:443  working: deploy"]


def test_each_cluster_is_shown_with_what_was_last_seen_in_it() -> None:
    world = clusters((1, 2, 3))
    fleet = node(world)
    fleet.apply(OLD)
    world.engines["3c"].become("silent")
    with pytest.raises(TryLater):
        fleet.observe(APP)
    said = shown_clusters(fleet, APP)
    assert said["rollout"] is None
    assert [(one["name"], one["wave"], one["code"]) for one in said["clusters"]] == [  # type: ignore[attr-defined]
        ("1a", 1, ""),
        ("2b", 2, ""),
        ("3c", 3, "test.silent"),
    ]
    assert human(fleet, str(OLD.release))[1:] == [
        "  wave 1  1a  the wanted release, 1 of 1 replicas",
        "  wave 2  2b  the wanted release, 1 of 1 replicas",
        "  wave 3  3c  nobody can say [test.silent]",
    ]


def test_a_roll_out_is_shown_where_it_is() -> None:
    world, seen = clusters((1, 2)), []
    node(world).apply(OLD)
    fleet = node(world)

    def stop(_: float) -> None:
        seen.extend(human(fleet, str(NEW.release))[1:])
        raise Killed

    fleet._waves._pause = stop
    with suppress(Killed):
        fleet.apply(NEW)
    assert seen == [
        "  wave 1  1a  the wanted release, 1 of 1 replicas  <- the gate is held",
        "  wave 2  2b  another release, 1 of 1 replicas",
    ]
    node(world).remove(APP)
    fleet = node(world)
    with suppress(TryLater):
        fleet.observe(APP)
    assert human(fleet, "")[1:] == ["  wave 1  1a  nothing", "  wave 2  2b  nothing"]
