"""Whatever fails, whenever the node restarts: once the storm is over the wanted release runs."""

from pathlib import Path

from engines import World, approved
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from reconciling import STEPS, Node

from cyberprivacy.errors import TryLater, Untrusted


class Storm(RuleBasedStateMachine):
    """Votes, halts, faults and restarts, in any order."""

    @initialize()
    def start(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.world = World(wanted=approved(1))
        self.node = Node(self.world, Path(self.folder.name))
        self.number = 1

    @rule()
    def vote(self) -> None:
        self.number += 1
        self.world.wanted = approved(self.number)

    @rule()
    def halt(self) -> None:
        self.world.wanted = None

    @rule()
    def lose_the_chain(self) -> None:
        self.world.wanted = TryLater("no chain", code="chain.unreachable")

    @rule(step=st.sampled_from(STEPS), bad=st.booleans())
    def break_a_step(self, step: str, bad: bool) -> None:
        self.world.fails = {step: Untrusted("bad", code="x.bad") if bad else TryLater("down", code="x.down")}

    @rule(seconds=st.integers(0, 400))
    def tick(self, seconds: int) -> None:
        self.node.clock.now += seconds
        self.node.loop.tick()

    @rule()
    def crash(self) -> None:
        self.node.restart()

    @invariant()
    def only_a_voted_release_ever_runs(self) -> None:
        if hasattr(self, "world") and self.world.running is not None:
            assert self.world.running.release in {approved(n).bundle for n in range(1, self.number + 1)}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.fails = {}
        self.world.wanted = approved(self.number)
        self.node.clock.now += 1000
        assert self.node.loop.tick().state == "serving"
        assert self.world.running is not None
        assert self.world.running.release == approved(self.number).bundle
        self.node.ledger.close()
        self.folder.cleanup()


TestStorm = Storm.TestCase
TestStorm.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
