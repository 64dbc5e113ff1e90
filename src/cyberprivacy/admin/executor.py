"""Acts, and only on what is on record: it takes what the ledger alone can make, and makes only after logging."""

from typing import Protocol

from cyberprivacy.admin.refusals import BadRequest
from cyberprivacy.admin.register import DONE, REQUESTED
from cyberprivacy.admin.request import Act
from cyberprivacy.admin.statistics import Noise, answer, contributions
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.log import Entry, Ledger
from cyberprivacy.ledger.witnessed import WitnessedEntry


class Numbers(Protocol):
    """The way to the application's own numbers."""

    def contributions(self, statistic: str) -> bytes:
        """What the application answers about this statistic, `statistics.MAX_BYTES` + 1 bytes at most.

        Raises:
            TryLater: it does not answer.
        """
        ...


class Executor:
    """Lets recorded requests happen; each is then followed by an entry that says so."""

    def __init__(self, ledger: Ledger, numbers: Numbers, noise: Noise) -> None:
        self._ledger, self._numbers, self._noise = ledger, numbers, noise

    def execute(self, recorded: WitnessedEntry, declared: Administration) -> Entry:
        """Let a request happen: a setting counts from its time on, a statistic is answered.

        Args:
            recorded: the request, public and witnessed already; its budget is charged.
            declared: of the release that it was made for.

        Raises:
            TryLater: the application or the disk is out of reach; then nothing happened; a budget stays charged.
            Misuse: the entry is about something else ("admin.entry").
        """
        facts = recorded.entry.facts
        if recorded.entry.kind != REQUESTED:
            raise Misuse("not an administrator's request", code="admin.entry", kind=recorded.entry.kind)
        done: dict[str, object] = {"dao": facts["dao"], "request": recorded.entry.index}
        if facts["act"] == Act.ASK:
            asked = next((each for each in declared.statistics if each.name == facts["name"]), None)
            if asked is None:
                raise BadRequest("no such statistic", code="admin.unknown", name=facts["name"])
            done["answer"] = answer(asked, contributions(self._numbers.contributions(asked.name)), self._noise)
        return self._ledger.append(DONE, done)
