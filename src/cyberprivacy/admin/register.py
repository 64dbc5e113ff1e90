"""What administrators have done so far, read from the ledger: it has no memory of its own.

Entries, all with the fact `dao`:

* `admin.requested`: who (`by`) wants what (`release`, `act`, `name`, `value`, and `old`, the value so far), `why`,
  `nonce`, `expiry`, `signature`, from when on it counts (`effective`), for a statistic what it costs (`epsilon`).
* `admin.done`: the request with index `request` has happened; for a statistic, with its `answer`.
* `admin.reset`: a new release left no room for a value: `act`, `name`, `value`, `why` is "undeclared" or "bounds".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cyberprivacy.admin.request import Act
from cyberprivacy.bundle.declared import Administration, Setting, Value
from cyberprivacy.ledger.log import Entry
from cyberprivacy.proposal.release import Address

REQUESTED: Final = "admin.requested"
DONE: Final = "admin.done"
RESET: Final = "admin.reset"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A value that an administrator chose, and from when on it counts (seconds since 1970)."""

    value: str
    effective: int


@dataclass(slots=True)
class Register:
    """One DAO's acts. Whoever shares it between threads takes turns.

    Attributes:
        nonces: the last nonce of each administrator.
        time: of the newest entry of this DAO; our clock is never taken to be before it.
    """

    dao: Address
    nonces: dict[str, int] = field(default_factory=dict)
    time: int = 0
    _waiting: dict[int, Entry] = field(default_factory=dict)
    _chosen: dict[tuple[str, str], list[Chosen]] = field(default_factory=dict)
    _spent: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def read(self, entries: Iterable[Entry]) -> None:
        """Take note of entries, oldest first; those about other things are passed over."""
        for entry in entries:
            if entry.facts.get("dao") == self.dao:
                self.note(entry)

    def note(self, entry: Entry) -> None:
        """Take note of one entry of this DAO."""
        self.time = max(self.time, entry.time)
        match entry.kind, entry.facts:
            case "admin.requested", {
                "by": str(by),
                "nonce": int(nonce),
                "act": str(act),
                "name": str(name),
                **more,
            }:
                self.nonces[by] = max(nonce, self.nonces.get(by, 0))
                self._waiting[entry.index] = entry
                match act, more:  # its own time, not the entry's: a clock that was set back opens no period again
                    case Act.ASK, {"epsilon": int(epsilon), "effective": int(time)}:
                        self._spent.setdefault(name, []).append((time, epsilon))
            case "admin.done", {"request": int(index)}:
                self._happened(self._waiting.pop(index, None))
            case "admin.reset", {"act": str(act), "name": str(name)}:
                self._chosen.pop((act, name), None)

    def _happened(self, request: Entry | None) -> None:
        match request:
            case Entry(
                facts={"act": str(act), "name": str(name), "value": str(value), "effective": int(effective)}
            ) if act != Act.ASK:
                self._chosen.setdefault((act, name), []).append(Chosen(value, effective))

    def value(self, act: Act, setting: Setting, now: int) -> str:
        """What a setting is now: the last value chosen that counts already, or the default."""
        counts = [each.value for each in self._chosen.get((act, setting.name), []) if each.effective <= now]
        fitting = [value for value in counts[-1:] if fits(setting, value)]
        return fitting[0] if fitting else setting.default

    def coming(self, act: Act, setting: Setting, now: int) -> tuple[Chosen, ...]:
        """Values that were chosen and do not count yet."""
        return tuple(each for each in self._chosen.get((act, setting.name), []) if each.effective > now)

    def spent(self, statistic: str, start: int) -> int:
        """Privacy loss, in thousandths, of answers asked for since `start`, also of those that never came."""
        return sum(epsilon for time, epsilon in self._spent.get(statistic, []) if time >= start)

    def homeless(self, declared: Administration, now: int) -> tuple[tuple[str, str, str, str], ...]:
        """Values, now or coming, for which a release has no room: (act, name, value, "undeclared" or "bounds")."""
        rooms = {(act.value, one.name): one for act, one in settings(declared)}
        found: list[tuple[str, str, str, str]] = []
        for (act, name), values in sorted(self._chosen.items()):
            room = rooms.get((act, name))
            past = [each for each in values if each.effective <= now]
            matter = [*past[-1:], *(each for each in values if each.effective > now)]
            if room is None:
                found.append((act, name, values[-1].value, "undeclared"))
            elif misfits := [each.value for each in matter if not fits(room, each.value)]:
                found.append((act, name, misfits[-1], "bounds"))
        return tuple(found)

    def present(self, declared: Administration, now: int) -> dict[str, dict[str, Value]]:
        """What the application reads: {"parameters": {name: value}, "algorithms": {name: choice}}."""
        found: dict[str, dict[str, Value]] = {"parameters": {}, "algorithms": {}}
        for act, one in settings(declared):
            found[_ROOMS[act]][one.name] = one.kind.read(self.value(act, one, now))
        return found


_ROOMS: Final = {Act.SET: "parameters", Act.CHOOSE: "algorithms"}


def settings(declared: Administration) -> tuple[tuple[Act, Setting], ...]:
    """Every setting, with the act that turns it."""
    turned = [(Act.SET, one) for one in declared.parameters]
    return (*turned, *((Act.CHOOSE, one) for one in declared.algorithms))


def fits(setting: Setting, value: str) -> bool:
    """Whether a setting may have this value."""
    try:
        setting.kind.read(value)
    except ValueError:
        return False
    return True
