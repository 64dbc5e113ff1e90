"""Where a transfer is, as its source sees it.

preparing -> open -> incomplete -> done                        a copy
                          |     -> undo -> erased | kept       a move
                          -> cancelled
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.transfer.receipt import SignedReceipt

UNDO: Final = 72 * 3_600
"""Seconds in which a move can be taken back."""


class TransferRefused(Untrusted):
    """A step that this transfer does not take now."""

    code = "transfer.refused"
    hint = "Look at the state of the transfer."


class State(Enum):
    """See the module's text; from `open` on there may also be nothing missing at once."""

    PREPARING = "preparing"
    OPEN = "open"
    INCOMPLETE = "incomplete"
    DONE = "done"
    UNDO = "undo"
    ERASED = "erased"
    KEPT = "kept"
    CANCELLED = "cancelled"

    @property
    def running(self) -> bool:
        """Whether the recipient has not yet everything, and may still get it."""
        return self in (State.PREPARING, State.OPEN, State.INCOMPLETE)

    @property
    def serving(self) -> bool:
        """Whether chunks are handed out and receipts taken."""
        return self in (State.OPEN, State.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a transfer is: when a move erases (POSIX seconds), and the last receipt; None = not yet."""

    state: State
    due: int | None
    receipt: SignedReceipt | None
