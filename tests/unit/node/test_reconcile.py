"""The loop brings what the chain wants, keeps what runs when it cannot, and says which of the two."""

from collections.abc import Callable
from pathlib import Path

import pytest
from engines import World, approved, bundle, digest_of
from reconciling import STEPS, Node

from cyberprivacy.build.image import images_digest
from cyberprivacy.errors import CyberPrivacyError, TryLater, Untrusted


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(World(wanted=approved(1)), tmp_path)


def test_a_release_takes_every_step_once_and_is_served(node: Node) -> None:
    assert node.loop.tick().state == "serving"
    assert node.world.calls == STEPS
    assert node.loop.tick().state == "serving"
    assert node.world.calls == STEPS
    assert node.world.keeps == [False]  # its manifest declares no data of people
    assert node.kinds() == [
        "release.fetched", "release.built", "release.reported", "release.pushed", "release.deployed", "release.announced",
    ]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [TryLater("down", code="x.down"), Untrusted("bad", code="x.bad")])
def test_a_failed_step_leaves_the_running_release_and_is_named(
    node: Node, step: str, error: CyberPrivacyError
) -> None:
    node.loop.tick()
    node.world.wanted = approved(2)
    node.world.fails[step] = error
    status = node.loop.tick()
    assert status.state == ("waiting" if isinstance(error, TryLater) else "refused")
    assert (status.step, status.code) == (step, error.code)
    if step != "announce":
        assert node.world.running is not None
        assert node.world.running.release == approved(1).bundle
    assert [e.facts["code"] for e in node.ledger.entries() if e.kind == "release.failed"] == [error.code]


@pytest.mark.parametrize("step", STEPS)
def test_after_a_failure_the_node_waits_longer_each_time_then_goes_on(node: Node, step: str) -> None:
    node.world.fails[step] = TryLater("down", code="x.down")
    waits = []
    for _ in range(10):
        node.loop.tick()
        waits.append(node.loop.status.retry - node.clock.now)
        before = len(node.world.calls)
        node.loop.tick()
        assert len(node.world.calls) == before  # not before its time
        node.clock.now = node.loop.status.retry
    assert waits == sorted(waits)
    assert waits[0] == 2
    assert waits[-1] == 300
    node.world.fails.clear()
    assert node.loop.tick().state == "serving"
    assert node.kinds().count("release.failed") == 1  # the same failure is one entry


def test_a_journey_that_gets_further_is_tried_again_soon(node: Node) -> None:
    for step in STEPS:
        node.world.fails = {step: TryLater("down", code="x.down")}
        for wait in (2, 4):
            status = node.loop.tick()
            assert (status.step, status.retry - node.clock.now) == (step, wait)
            node.clock.now = status.retry


@pytest.mark.parametrize("step", STEPS)
def test_a_restart_after_any_step_reaches_the_same_end(node: Node, step: str) -> None:
    node.world.fails[step] = TryLater("killed here", code="x")
    node.loop.tick()
    node.world.fails.clear()
    node.restart()
    assert node.loop.tick().state == "serving"
    done = [kind for kind in node.kinds() if kind != "release.failed"]
    assert done == [
        "release.fetched", "release.built", "release.reported", "release.pushed", "release.deployed", "release.announced",
    ]  # fmt: skip
    assert len(node.world.reported) == 1


def test_a_chain_that_cannot_be_read_changes_nothing(node: Node) -> None:
    node.loop.tick()
    node.world.wanted = Untrusted("endpoints disagree", code="chain.disagree")
    status = node.loop.tick()
    assert (status.state, status.code) == ("waiting", "chain.disagree")
    assert node.world.running is not None
    assert "remove" not in node.world.calls


def test_after_a_moment_without_a_chain_the_status_tells_the_real_obstacle_again(node: Node) -> None:
    node.world.fails["fetch"] = TryLater("no gateway", code="bundle.unreachable")
    node.loop.tick()
    node.world.wanted = TryLater("no chain", code="chain.unreachable")
    assert node.loop.tick().code == "chain.unreachable"
    node.world.wanted = approved(1)
    assert node.loop.tick().code == "bundle.unreachable"


@pytest.mark.parametrize("what", ["\ud800", "x" * (1 << 20)])
def test_a_failure_with_an_impossible_description_is_recorded_all_the_same(node: Node, what: str) -> None:
    node.world.fails["fetch"] = Untrusted(what, code="x.bad")
    assert node.loop.tick().state == "refused"
    assert node.kinds() == ["release.failed"]


def test_when_nothing_is_live_nothing_runs_and_the_stop_is_one_entry(node: Node) -> None:
    node.loop.tick()
    node.world.wanted = None
    assert [node.loop.tick().state for _ in range(3)] == ["stopped"] * 3
    assert node.world.running is None
    assert [e.facts["why"] for e in node.ledger.entries() if e.kind == "release.stopped"] == ["revoked"]
    assert node.loop.status.code == "release.revoked"


def wants(node: Node, wanted: object) -> Callable[[], None]:
    """The chain changes its mind."""
    return lambda: setattr(node.world, "wanted", wanted)


@pytest.mark.parametrize("step", STEPS[2:5])
def test_a_release_that_is_halted_on_its_way_is_not_deployed(node: Node, step: str) -> None:
    node.loop.tick()
    node.world.wanted = approved(2)
    node.world.calls.clear()
    node.world.during[step] = wants(node, None)
    node.loop.tick()
    assert "deploy" not in node.world.calls
    assert node.loop.tick().state == "stopped"
    assert node.world.running is None
    assert "release.failed" not in node.kinds()  # nobody failed


def test_a_release_that_is_halted_while_it_starts_is_not_announced(node: Node) -> None:
    node.world.during["deploy"] = wants(node, None)
    node.loop.tick()
    assert "announce" not in node.world.calls
    assert node.loop.tick().state == "stopped"


def test_a_release_that_is_overtaken_on_its_way_gives_way(node: Node) -> None:
    node.world.during["build"] = wants(node, approved(2))
    node.loop.tick()
    assert node.world.running is None
    assert node.loop.tick().state == "serving"
    assert node.world.running is not None
    assert node.world.running.release == approved(2).bundle


def test_a_chain_that_falls_silent_on_the_way_deploys_nothing(node: Node) -> None:
    node.world.during["build"] = wants(node, TryLater("no chain", code="chain.unreachable"))
    status = node.loop.tick()
    assert (status.state, status.code) == ("waiting", "chain.unreachable")
    assert node.world.running is None


def test_what_runs_ends_at_once_when_it_is_halted_while_the_next_is_built(node: Node) -> None:
    node.loop.tick()
    seen = []

    def halt() -> None:  # what another thread does while this one builds
        node.loop.watch()
        assert node.world.running is not None  # nobody has said stop
        node.world.wanted = None
        node.loop.watch()
        seen.append((node.world.running, node.loop.release, node.kinds()[-1]))

    node.world.wanted = approved(2)
    node.world.during["build"] = halt
    node.loop.tick()
    assert seen == [(None, None, "release.stopped")]


def test_a_step_that_fails_because_of_a_halt_is_nobodys_failure(node: Node) -> None:
    node.world.during["deploy"] = lambda: (wants(node, None)(), node.loop.watch())
    node.world.fails["deploy"] = TryLater("what was started is gone", code="deploy.engine")
    node.loop.tick()
    assert node.loop.tick().state == "stopped"
    assert "release.failed" not in node.kinds()


def test_a_silent_chain_stops_nothing_while_the_next_is_built(node: Node) -> None:
    node.loop.tick()
    node.world.wanted = approved(2)
    node.world.during["build"] = lambda: (wants(node, TryLater("no", code="x"))(), node.loop.watch())
    node.loop.tick()
    assert node.world.running is not None


def test_a_release_that_comes_back_after_a_stop_is_recorded_anew(node: Node) -> None:
    node.loop.tick()
    node.world.wanted = None
    node.loop.tick()
    node.world.wanted = approved(1)
    assert node.loop.tick().state == "serving"
    assert node.kinds().count("release.deployed") == 2


def test_another_image_in_its_place_is_replaced_at_once(node: Node) -> None:
    node.loop.tick()
    node.world.drift()
    assert node.loop.tick().state == "serving"
    assert node.world.running is not None
    assert node.world.running.images == {"web": digest_of(approved(1).bundle)}


def test_a_build_that_nobody_confirmed_is_not_served(node: Node) -> None:
    node.world.wanted = approved(1, agreed=False)
    status = node.loop.tick()
    assert (status.state, status.code) == ("waiting", "release.waiting-for-builders")
    assert node.world.running is None
    assert "release.failed" not in node.kinds()
    node.clock.now = status.retry
    node.world.wanted = approved(1)
    assert node.loop.tick().state == "serving"
    assert len(node.world.reported) == 1


def test_a_build_that_turns_out_otherwise_is_reported_anew(node: Node) -> None:
    """The engines of this machine were upgraded; what it told the chain before is not what it builds now."""
    node.loop.tick()
    node.world.rebuilt = digest_of(approved(9).bundle)
    node.restart()
    assert node.loop.tick().code == "release.images"  # until the chain agrees
    assert node.world.reported[1:] == [images_digest({"web": node.world.rebuilt})]


def test_images_that_others_did_not_build_are_not_served(node: Node) -> None:
    node.world.wanted = approved(2)
    object.__setattr__(node.world.wanted, "images", b"\x01" * 32)
    status = node.loop.tick()
    assert (status.state, status.code) == ("refused", "release.images")
    assert node.world.running is None


@pytest.mark.parametrize("says", [{"release": 9}, {"pipeline": 2}, {"parent": bundle(7)}, {"parent": None}])
def test_a_manifest_that_is_not_what_was_voted_on_is_refused(node: Node, says: dict[str, object]) -> None:
    node.world.wanted, node.world.says = approved(2), says
    status = node.loop.tick()
    assert (status.state, status.code) == ("refused", "release.manifest")
    assert "build" not in node.world.calls
