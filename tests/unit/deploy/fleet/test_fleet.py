"""Several clusters answer as one, and none of them is kept waiting by another."""

import threading

import pytest
from tests.unit.deploy.fleet.engines import APP, Silent, World, application, clusters, node, serving

from cyberprivacy.deploy.deployment import PartlyKnown
from cyberprivacy.deploy.fleet.fleet import Differ
from cyberprivacy.errors import TryLater

OLD, NEW = application(1), application(2)


@pytest.fixture
def world() -> World:
    world = clusters((1, 2))
    node(world).apply(OLD)
    return world


def test_what_all_agree_on_is_what_runs_with_the_replicas_of_all(world: World) -> None:
    found = node(world).observe(APP)
    assert found is not None
    assert (found.release, found.images, found.ready, found.wanted) == (
        OLD.release,
        {"web": OLD.images["web"].digest},
        2,
        2,
    )
    node(world).remove(APP)
    assert node(world).observe(APP) is None


def test_clusters_that_differ_are_told_apart(world: World) -> None:
    world.engines["2b"].apply(NEW)
    with pytest.raises(Differ) as differ:
        node(world).observe(APP)
    assert differ.value.facts["clusters"] == {"1a": str(OLD.release), "2b": str(NEW.release)}
    world.engines["2b"].remove(APP)
    with pytest.raises(Differ, match="'2b': 'none'"):
        node(world).observe(APP)


def test_nobody_says_what_runs_while_one_cluster_cannot(world: World) -> None:
    fleet = node(world)
    fleet.observe(APP)
    world.engines["2b"].become("silent")
    with pytest.raises(TryLater, match=r"cluster 2b \(wave 2\): no answer"):
        fleet.observe(APP)
    assert [(one.cluster, one.running is not None, one.code) for one in fleet.seen(APP)] == [
        ("1a", True, ""),
        ("2b", False, Silent.code),
    ]


def test_applications_of_all_are_named_or_it_is_said_that_there_may_be_more(world: World) -> None:
    world.engines["2b"].remove(APP)
    assert node(world).names() == {APP}
    world.engines["2b"].become("silent")
    with pytest.raises(PartlyKnown, match="cluster 2b") as partly:
        node(world).names()
    assert (partly.value.names, partly.value.code) == ({APP}, Silent.code)


def test_a_removal_tries_all_and_tells_where_something_is_left(world: World) -> None:
    world.engines["1a"].become("silent")
    with pytest.raises(TryLater) as left:
        node(world).remove(APP)
    assert left.value.facts["may_still_run_in"] == ["1a"]
    assert serving(world) == {"1a": OLD.release, "2b": None}
    assert len(world.shut_at) == 1  # users left both
    world.engines["1a"].become("well")
    node(world).remove(APP)
    node(world).remove(APP)
    assert serving(world) == {"1a": None, "2b": None}


def test_care_of_one_cluster_waits_for_no_other(world: World) -> None:
    fleet, slow, quick = node(world), world.engines["1a"], world.engines["2b"]
    slow.hangs, slow.right, quick.right = threading.Event(), ("old",), ("web",)
    for rounds in (1, 2):
        assert fleet.tend() == ("2b: web",)
        assert (quick.tended, slow.tended) == (rounds, 0)
    slow.hangs.set()
    while slow.tended == 0:
        found = fleet.tend()
    assert "2b: web" in found
    slow.hangs = None
    assert set(fleet.tend()) >= {"2b: web"}


def test_a_cluster_out_of_reach_is_named_after_the_others_were_cared_for(world: World) -> None:
    world.engines["1a"].become("silent")
    with pytest.raises(TryLater, match="cluster 1a"):
        node(world).tend()
    assert world.engines["2b"].tended == 1


def test_users_of_an_application_that_keeps_data_are_sent_to_its_home_alone(world: World) -> None:
    assert world.admitted == [frozenset({"1a", "2b"})]
    node(world).apply(application(3, keeps=True))
    assert world.admitted[-1] == {"1a"}


def test_it_lets_go_of_all(world: World) -> None:
    node(world).close()
    assert [one.closed for one in world.engines.values()] == [True, True]


def test_a_roll_out_is_seen_while_it_is_under_way(world: World) -> None:
    fleet, stages = node(world), []
    fleet._waves._pause = lambda seconds: (stages.append(fleet.stage(APP)), world.pause(seconds))[1]
    fleet.apply(NEW)
    assert {(stage.wave, stage.doing) for stage in stages if stage} == {(1, "watching")}
    assert fleet.stage(APP) is None
