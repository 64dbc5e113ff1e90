"""A release reaches a wave only after the one before has stayed ready, whatever dies or falls silent on the way."""

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.unit.deploy.fleet.engines import PACE, Killed, World, application, clusters, node, serving

from cyberprivacy.deploy.fleet.waves import Unready
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted

WAVES = (1, 1, 2, 3)
OLD, NEW = application(1), application(2)


@pytest.fixture
def world() -> World:
    """Four clusters in three waves, all on the old release."""
    world = clusters(WAVES)
    node(world).apply(OLD)
    world.switched.clear()
    world.told.clear()
    return world


def test_waves_follow_one_another_and_each_gate_is_held(world: World) -> None:
    start = world.now
    deployment = node(world).apply(NEW)
    assert (deployment.release, deployment.ready, deployment.wanted) == (NEW.release, 4, 4)
    assert [name for name, _ in world.switched] == ["1a", "1b", "2c", "3d"]
    assert world.now - start == 2 * PACE.soak  # two gates, and none behind the last wave
    assert [(kind, facts["wave"], facts.get("clusters")) for kind, facts in world.told] == [
        ("deploy.wave", 1, ["1a", "1b"]),
        ("deploy.gate", 1, None),
        ("deploy.wave", 2, ["2c"]),
        ("deploy.gate", 2, None),
        ("deploy.wave", 3, ["3d"]),
    ]


def test_the_same_again_changes_nothing_and_holds_no_gate(world: World) -> None:
    start = world.now
    assert node(world).apply(OLD).release == OLD.release
    assert (world.switched, world.told, world.now) == ([], [], start)


@pytest.mark.parametrize(("state", "base"), [("silent", TryLater), ("sick", Untrusted)])
@pytest.mark.parametrize("ill", ["1a", "1b", "2c", "3d"])
def test_the_first_failure_stops_the_roll_out_and_is_named(
    world: World, ill: str, state: str, base: type[CyberPrivacyError]
) -> None:
    world.engines[ill].become(state)
    with pytest.raises(base, match=rf"cluster {ill} \(wave {ill[0]}\)"):
        node(world).apply(NEW)
    later = [name for name in world.engines if name >= ill]
    assert {serving(world)[name] for name in later} == {OLD.release}
    assert [name for name, _ in world.switched] == [name for name in world.engines if name < ill]


def test_a_gate_that_does_not_hold_keeps_the_release_from_later_waves(world: World) -> None:
    start = world.now
    world.during[start + 4] = ("1b", "lame")
    with pytest.raises(Unready, match=r"cluster 1b \(wave 1\): is not ready"):
        node(world).apply(NEW)
    assert world.now - start <= PACE.soak + PACE.patience + PACE.look
    assert [name for name, _ in world.switched] == ["1a", "1b"]
    world.engines["1b"].become("well")
    assert node(world).apply(NEW).release == NEW.release


def test_what_is_tried_again_is_told_once(world: World) -> None:
    fleet = node(world)
    world.engines["2c"].become("sick")
    for _ in range(3):
        with pytest.raises(Untrusted):
            fleet.apply(NEW)
    assert [(kind, facts["wave"]) for kind, facts in world.told] == [
        ("deploy.wave", 1),
        ("deploy.gate", 1),
        ("deploy.wave", 2),
    ]


def test_a_break_begins_the_soak_anew(world: World) -> None:
    start = world.now
    world.during[start + 8], world.during[start + 10] = ("1a", "lame"), ("1a", "well")
    node(world).apply(NEW)
    assert world.now - start == 10 + PACE.soak + PACE.soak


def test_a_cluster_that_falls_silent_during_its_gate_is_asked_again(world: World) -> None:
    world.during[world.now + 4] = ("1a", "silent")
    with pytest.raises(TryLater, match="cluster 1a") as silence:
        node(world).apply(NEW)
    assert silence.value.code == "test.silent"


def test_a_removal_ends_a_roll_out_and_nothing_of_it_stays(world: World) -> None:
    fleet = node(world)
    pause = world.pause

    def remove(seconds: float) -> None:
        fleet.remove("book")
        pause(seconds)

    fleet._waves._pause = remove
    with pytest.raises(TryLater) as stopped:
        fleet.apply(NEW)
    assert stopped.value.code == "deploy.stopped"
    assert set(serving(world).values()) == {None}


def test_a_removal_that_has_passed_a_cluster_before_it_was_reached_catches_up(world: World) -> None:
    fleet, last = node(world), world.engines["1a"]
    apply = last.apply

    def late(wanted):
        fleet.remove("book")
        return apply(wanted)

    last.apply = late  # type: ignore[method-assign]
    with pytest.raises(TryLater) as stopped:
        fleet.apply(NEW)
    assert (stopped.value.code, set(serving(world).values())) == ("deploy.stopped", {None})


def test_what_a_cluster_refuses_keeps_its_kind_code_and_hint(world: World) -> None:
    def refuse(_: object) -> None:
        raise Misuse("no way", code="x.no", hint="do otherwise", why=7)

    world.engines["2c"].apply = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(Misuse) as refusal:
        node(world).apply(NEW)
    error = refusal.value
    assert (error.code, error.hint, error.facts) == ("x.no", "do otherwise", {"why": 7})
    assert error.what == "cluster 2c (wave 2): no way"


class Waves(RuleBasedStateMachine):
    """Roll-outs of ever newer releases, by nodes that die at any step, in clusters that fail at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.release, self.checked = clusters(WAVES), 1, 0
        for engine in self.world.engines.values():
            self._judge(engine.name)

    def _judge(self, name: str) -> None:
        """Judge each switch of a cluster at the moment at which it happens."""
        engine, apply = self.world.engines[name], self.world.engines[name].apply

        def judged(wanted):
            before = len(self.world.switched)
            others = [one for one in self.world.engines.values() if one.name[0] < name[0]]
            ahead = [one for one in self.world.engines.values() if one.name[0] >= name[0] and one.name != name]
            facts = [(one.name, self._serves(one, wanted), one.since) for one in others]
            proven = any(self._serves(one, wanted) for one in ahead)
            try:
                return apply(wanted)
            finally:
                if len(self.world.switched) > before and not proven:
                    self._held(name, facts)

        engine.apply = judged  # type: ignore[method-assign]

    def _serves(self, one, wanted) -> bool:
        return one.serving is not None and one.serving.release == wanted.release

    def _held(self, name: str, facts: list[tuple[str, bool, float | None]]) -> None:
        self.checked += 1
        for other, has, since in facts:
            assert has, f"{name} came before {other}"
            if int(other[0]) == int(name[0]) - 1:
                assert since is not None, f"{other} was not ready"
                assert self.world.now - since >= PACE.soak, f"{other} was not ready for long enough"

    @rule(kill=st.integers(0, 40), newer=st.booleans())
    def roll_out(self, kill: int, newer: bool) -> None:
        self.release += newer
        self.world.kill = kill
        with suppress(Killed, CyberPrivacyError):
            node(self.world).apply(application(self.release))
        self.world.kill = 0

    @rule(
        place=st.integers(0, 3),
        state=st.sampled_from(["silent", "sick", "lame", "well"]),
        after=st.integers(0, 25),
    )
    def fail(self, place: int, state: str, after: int) -> None:
        """Now, or while a gate is held."""
        name = list(self.world.engines)[place]
        if after:
            self.world.during[self.world.now + after] = (name, state)
        else:
            self.world.engines[name].become(state)

    @rule()
    def heal(self) -> None:
        """With nothing in its way, whoever begins again comes to the end, and switches nobody twice."""
        self.world.during.clear()
        for engine in self.world.engines.values():
            if engine.state != "well":
                engine.become("well")
        wanted, before = application(self.release), len(self.world.switched)
        had = [name for name, cid in serving(self.world).items() if cid == wanted.release]
        assert node(self.world).apply(wanted).ready == len(WAVES)
        assert set(serving(self.world).values()) == {wanted.release}
        switched = [name for name, _ in self.world.switched[before:]]
        assert sorted([*had, *switched]) == sorted(self.world.engines)

    @invariant()
    def no_cluster_goes_back(self) -> None:
        for name in self.world.engines:
            mine = [cid for cluster, cid in self.world.switched if cluster == name]
            assert len(mine) == len(set(mine))


TestWaves = Waves.TestCase
TestWaves.settings = settings(stateful_step_count=15)
