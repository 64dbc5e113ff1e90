"""What an account is after its events: which keys speak for it, who can help, what is frozen, what waits.

Pure: `changes.advance` makes the next state from one event, time comes from the event. Delays are for people: each
leaves whoever still holds a key the time to notice and to object. Source: docs/spec/udi-1.md, "Accounts".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import Guardian

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
YOUNG: Final = 24 * HOUR
"""Seconds before a key that was added may move, erase or export, or push out an older key."""
NEW_GUARDIANS: Final = 7 * DAY
"""Seconds before other guardians count."""
FROZEN: Final = 5 * DAY
"""Seconds after which a freeze ends by itself."""
THAW: Final = 48 * HOUR
"""Seconds of a freeze that nobody can cut short."""
RECOVERY: Final = 48 * HOUR
"""Seconds between the last approval that was needed and the new key, when an old device approved too."""
RECOVERY_BLIND: Final = 7 * DAY
"""The same when none did."""
CANCELS: Final = 3
COOLDOWN: Final = 30 * DAY
"""Seconds without recoveries after three that were cancelled."""


class EventRefused(Untrusted):
    """An event, or a key, may not do this to this account now."""

    code = "account.refused"
    hint = "Look at the account's events; somebody may have changed it meanwhile."


class Act(Enum):
    """What a key wants to do."""

    READ = "read"
    WRITE = "write"
    GRANT = "grant"
    HEAVY = "move, erase or export"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Somebody asks for a new key.

    Attributes:
        digest: of the event that asked, 32 bytes.
        key: the new one.
        approvals: commitments of the guardians who agree.
        enough: when the last approval that was needed came; None before.
        device: when an old key agreed; None if none did.
    """

    digest: bytes
    key: Key
    approvals: frozenset[bytes]
    enough: int | None
    device: int | None

    @property
    def ready(self) -> int | None:
        """From when the new key may take over; None while approvals are missing."""
        if self.enough is None:
            return None
        blind = self.enough + RECOVERY_BLIND
        return blind if self.device is None else min(blind, max(self.enough, self.device) + RECOVERY)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An account after `seq` + 1 events.

    Attributes:
        account: id, 32 bytes.
        head: digest of the last event, 32 bytes.
        at: when that was, POSIX seconds.
        keys: who speaks for it, and from when on they count as old.
        guardians: who can help.
        coming: other guardians, and from when on they count.
        frozen: when the last freeze was; None when it was ended.
        cancels: recoveries that were cancelled since one went through or the last pause.
        calm: no recovery may be asked for before this time.
        revoked_before: grants that were registered before this time no longer count.
    """

    account: bytes
    seq: int
    head: bytes
    at: int
    keys: Mapping[Key, int]
    guardians: tuple[Guardian, ...]
    coming: tuple[tuple[Guardian, ...], int] | None = None
    frozen: int | None = None
    recovery: Recovery | None = None
    cancels: int = 0
    calm: int = 0
    revoked_before: int = 0

    def is_frozen(self, now: float) -> bool:
        """Whether grants, moves and erasing rest."""
        return self.frozen_until is not None and now < self.frozen_until

    @property
    def frozen_until(self) -> int | None:
        """When the last freeze ends by itself; None when it was ended."""
        return None if self.frozen is None else self.frozen + FROZEN

    def helpers(self, now: float) -> tuple[Guardian, ...]:
        """Who can help at this time."""
        return self.coming[0] if self.coming is not None and now >= self.coming[1] else self.guardians


def majority(guardians: int) -> int:
    """How many of so many guardians must agree: more than half of one more, rounded up."""
    return (guardians + 2) // 2


def check(state: State, key: Key, act: Act, *, now: float) -> None:
    """Refuse unless a key may do this for the account now. The owner's own reading is never frozen.

    Raises:
        EventRefused: not a key of the account ("account.key"), frozen ("account.frozen"), or too young for what
            cannot be taken back ("account.young").
    """
    if key not in state.keys:
        raise EventRefused("not a key of this account", code="account.key", key=key.text)
    if act is not Act.READ and state.is_frozen(now):
        raise EventRefused("the account is frozen", code="account.frozen", since=state.frozen)
    if act is Act.HEAVY and now < state.keys[key]:
        raise EventRefused("this key is too new for that", code="account.young", until=state.keys[key])
