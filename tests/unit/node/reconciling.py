"""A loop over engines that do what a test says, and what it forgets when it is started again."""

from pathlib import Path

from engines import DAO, World

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.journal import Journal
from cyberprivacy.node.past import Past, pasts
from cyberprivacy.node.reconcile import Reconciler
from cyberprivacy.node.road import Road

STEPS = ["fetch", "lint", "build", "report", "push", "deploy", "announce"]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Node:
    """A node over the same world and the same ledger file; `restart` forgets all that is in memory."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.clock = world, folder, Clock()
        self.start()

    def restart(self) -> None:
        self.ledger.close()
        self.start()

    def start(self) -> None:
        self.ledger = FileLedger(self.folder / "ledger", clock=self.clock)
        journal = Journal(self.ledger, DAO, pasts(self.ledger.entries()).get(DAO, Past()))
        road = Road("app", self.world.engines(), journal)
        self.loop = Reconciler(
            DAO, chain=self.world, road=road, runtime=self.world, journal=journal, clock=self.clock
        )

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.ledger.entries()]
