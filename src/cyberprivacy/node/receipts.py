"""What hosted applications give people receipts of, in this node's log: a digest each, which nobody can take back.

The node goes and asks. An application that keeps people's data can have nothing else written than that digest
under its own name, and only so many in an hour: what is more waits in the application. A receipt is written once,
whoever dies in between, as nothing new is taken before the application knows where the last ones stand.
Source: docs/spec/udi-1.md, "Receipts in a ledger".
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.commitment import Commitment
from cyberprivacy.ledger.hosted import LIMIT, MOST, RECEIPTS, question, read_answer
from cyberprivacy.ledger.log import Entry, Ledger
from cyberprivacy.node.asking import Containers
from cyberprivacy.node.past import PACE, Past
from cyberprivacy.proposal.release import Address

PAUSE: Final = 5.0
"""Seconds between two looks."""
HOUR: Final = 3_600
ROUNDS: Final = PACE // MOST + 1
"""Questions in one look: enough for what an hour allows, and an end with one that repeats itself."""

_log = structlog.get_logger("node")


class Receipts:
    """Those of one DAO's application."""

    def __init__(
        self,
        dao: Address,
        ledger: Ledger,
        endpoints: Callable[[], frozenset[Endpoint]],
        *,
        past: Past,
        clock: Callable[[], float],
    ) -> None:
        """Nothing is asked yet.

        Args:
            dao: of the application.
            ledger: of the node.
            endpoints: where containers of what serves now listen.
            past: what the ledger remembers of this DAO.
            clock: seconds since 1970, as the ledger's.
        """
        self._dao, self._ledger, self._endpoints, self._clock = dao, ledger, endpoints, clock
        self._containers, self._why = Containers(), ""
        self._keeps = False
        self._last: deque[Entry] = deque(past.receipts, maxlen=PACE)

    def serve(self, keeps: bool) -> None:
        """What serves now keeps data of people, as its manifest says; or does not, and is not asked."""
        self._keeps = keeps

    def keep(self, stop: threading.Event) -> None:
        """Ask until `stop` is set; a failure is told once, and tried again."""
        while not stop.wait(PAUSE):
            why = ""
            for where in sorted(self._endpoints()) if self._keeps else ():
                try:
                    self.collect(where)
                except CyberPrivacyError as error:
                    why = error.code
                    if why != self._why:
                        _log.warning("receipts", dao=self._dao, code=why, what=str(error))
            self._why = why
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._containers.close()

    def collect(self, where: Endpoint) -> int:
        """Take what waits in one container, as far as the pace allows; how many receipts that were.

        Raises:
            ContainerSilent: it does not answer.
            Untrusted: it answers otherwise.
            LedgerFull: the disk refuses.
        """
        taken, places = 0, list[tuple[bytes, int]]()
        for _ in range(ROUNDS):
            waiting = read_answer(self._containers.ask(where, RECEIPTS, limit=LIMIT, content=question(places)))
            known = {str(each.facts["leaf"]): each.index for each in self._last}
            new = [each for each in waiting if each.leaf.hex() not in known][: self._room()]
            known |= {str(each.facts["leaf"]): each.index for each in self._take(new)}
            taken += len(new)
            places = [(each.leaf, known[each.leaf.hex()]) for each in waiting if each.leaf.hex() in known]
            if not places:
                break
        return taken

    def _take(self, new: Sequence[Commitment]) -> Sequence[Entry]:
        made: list[Entry] = []
        for each in new:  # what is written is remembered, also where the next one cannot be
            made.append(self._ledger.append(each.kind, {"dao": self._dao, "leaf": each.leaf.hex()}))
            self._last.append(made[-1])
        return made

    def _room(self) -> int:
        """How many more may come now; a clock that went back makes it fewer."""
        since = self._clock() - HOUR
        return PACE - sum(1 for each in self._last if each.time > since)
