"""One rule of the gate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as people read it.

    Attributes:
        says: what must hold, in one sentence.
        hint: what an author does about a breach.
        note: True if a breach is only pointed out to reviewers; False if it closes the gate.
    """

    says: str
    hint: str
    note: bool = False
