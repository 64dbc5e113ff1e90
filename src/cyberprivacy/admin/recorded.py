"""Log before act, as a type: whoever acts takes a `RecordedEntry`, and only a recorder that has logged makes one.

The entry says what is about to happen. That it happened is another entry, which names this one.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Final, Protocol

from cyberprivacy.ledger.log import Entry, Ledger
from cyberprivacy.seal import Seal

_SEAL: Final = Seal("a recorder of administrators' acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEntry:
    """An entry that is durable, and public as far as its recorder promises. Same shape as `ledger`'s.

    Attributes:
        entry: what was logged.
        witnesses: who has cosigned a head that holds it, sorted; () where no quorum is configured.
    """

    entry: Entry
    witnesses: tuple[str, ...]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _SEAL.check(seal)


class Witnessing(Protocol):
    """Has an entry seen by others: what `ledger` makes of an entry and a quorum."""

    def witnessed(self, entry: Entry) -> tuple[str, ...]:
        """Who has cosigned a head that holds this entry: a quorum, sorted; () where none is configured.

        Raises:
            TryLater: a quorum is out of reach; nothing that waits for it may happen.
            Untrusted: somebody refuses to cosign this log.
        """
        ...


class Recorder:
    """Writes entries down, and has them seen, before anything happens."""

    def __init__(self, ledger: Ledger, witnessing: Witnessing) -> None:
        self._ledger, self._witnessing = ledger, witnessing

    def record(self, kind: str, facts: Mapping[str, object]) -> RecordedEntry:
        """Log what is about to happen.

        Raises:
            TryLater: the disk or the quorum is out of reach. An entry that nobody has witnessed may stand in the
                log by then; without the second entry it means that nothing happened.
        """
        entry = self._ledger.append(kind, facts)
        return RecordedEntry(entry=entry, witnesses=self._witnessing.witnessed(entry), seal=_SEAL)

    def note(self, kind: str, facts: Mapping[str, object]) -> Entry:
        """Log what has just happened, or what follows from a release that was voted on."""
        return self._ledger.append(kind, facts)
