"""Scenes of key events: a log that has begun, and what may or may not come next."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Self

from cyberprivacy.vault.account import State
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyevent import Event, Kind, Opening, Signed
from cyberprivacy.vault.keylog import accept, replay
from making.layout import Case, Group, Json
from making.people import NETWORK, SCHEMA, Person, key, opening, secret, signed

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
Step = Callable[[Person], tuple[Event, str]]
Table = tuple[tuple[str, str, *tuple[Step, ...]], ...]
"""Rows of code ("" where every step is allowed), comment and steps."""


def shown(state: State) -> Json:
    """A state, as the vectors compare it."""
    recovery, coming = state.recovery, state.coming
    return {
        "account": state.account.hex(),
        "seq": state.seq,
        "head": state.head.hex(),
        "at": state.at,
        "keys": {each.text: since for each, since in sorted(state.keys.items())},
        "guardians": [each.commitment.hex() for each in state.guardians],
        "coming": coming and {"guardians": [each.commitment.hex() for each in coming[0]], "from": coming[1]},
        "frozen": state.frozen,
        "recovery": recovery
        and {
            "digest": recovery.digest.hex(),
            "key": recovery.key.text,
            "approvals": sorted(each.hex() for each in recovery.approvals),
            "ready": recovery.ready,
        },
        "cancels": state.cancels,
        "calm": state.calm,
        "revokedBefore": state.revoked_before,
    }


def step(
    kind: Kind, by: str, *, later: int = 0, opened: str = "", salted: str = "", asked: bool = False, **body: object
) -> Step:
    """The next event.

    Args:
        kind: what it does.
        by: who signs.
        later: seconds after the event before.
        opened: the guardian whose opening is shown.
        salted: the guardian whose salt is shown, if it is another one's.
        asked: it is about the recovery that is under way, or about a made-up one.
        body: its other fields.
    """

    def make(person: Person) -> tuple[Event, str]:
        fields = dict(body)
        if opened:
            fields["guardian"] = Opening(key(opened), opening(salted or opened).salt)
        if asked:
            recovery = person.state and person.state.recovery
            fields["recovery"] = recovery.digest if recovery else b"\3" * 32
        return person.next(kind, later=later, **fields), by

    return make


@dataclass
class Scene:
    """Cases that share their beginning."""

    name: str
    person: Person
    cases: list[Case] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def play(self, table: Table) -> Self:
        """Every row of a table."""
        for code, comment, *steps in table:
            if code:
                self.bad(comment, code, *steps)
            else:
                self.good(comment, *steps)
        return self

    def good(self, comment: str, *steps: Step) -> None:
        """Every step is allowed."""
        person = self._copy()
        for each in steps:
            person.take(*each(person))
        self._accepted(comment, person)

    def bad(self, comment: str, code: str, *steps: Step) -> None:
        """The last step is refused."""
        person = self._copy()
        for each in steps[:-1]:
            person.take(*each(person))
        last = signed(*steps[-1](person))
        self._refused(comment, code, [*person.log[len(self.person.log) :], last])

    def begins(self, comment: str, *names: str, guarded_by: tuple[str, ...] = ()) -> None:
        """An inception, signed by the first name."""
        self._accepted(comment, Person().begin(*names, guarded_by=guarded_by))

    def sent(self, comment: str, code: str, *events: Signed, clock: int | None = None) -> None:
        """Events as they stand; accepted if there is no code."""
        if code:
            self._refused(comment, code, events, clock)
            return
        state = replay([*self.person.log, *events], Judge(), SCHEMA)[-1]
        if clock is not None:
            before = replay(self.person.log, Judge(), SCHEMA)[-1]
            state = accept(before, events[0], Judge(), SCHEMA, now=clock)
        self.names |= {"anna", "bert"}
        given: Json = {"then": [each.encode().decode() for each in events], "clock": clock}
        self.cases.append(Case(f"{self.name}: {comment}", given, shown(state)))

    def raw(self, comment: str, code: str, text: str) -> None:
        """A text that is no good event."""
        self.cases.append(Case(f"{self.name}: {comment}", {"then": [text], "clock": None}, code=code))

    def group(self) -> Group:
        """All cases so far."""
        names = sorted(self.names | self.person.names)
        shared: Json = {
            "network": NETWORK,
            "secrets": {key(name).text: secret(name).hex() for name in names},
            "log": [each.encode().decode() for each in self.person.log],
        }
        return Group("KeyEvents", shared, self.cases)

    def _copy(self) -> Person:
        return replace(self.person, log=list(self.person.log), names=set(self.person.names))

    def _accepted(self, comment: str, person: Person) -> None:
        if person.state is None:
            raise ValueError(comment)
        self.names |= person.names
        then = [each.encode().decode() for each in person.log[len(self.person.log) :]]
        self.cases.append(Case(f"{self.name}: {comment}", {"then": then, "clock": None}, shown(person.state)))

    def _refused(
        self, comment: str, code: str, events: list[Signed] | tuple[Signed, ...], clock: int | None = None
    ) -> None:
        given: Json = {"then": [each.encode().decode() for each in events], "clock": clock}
        self.cases.append(Case(f"{self.name}: {comment}", given, code=code))
