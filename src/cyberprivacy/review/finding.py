"""One breach of one rule, where it is and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.review.hidden import visible
from cyberprivacy.review.rules import RULES

MAX_FINDINGS: Final = 200
"""Findings of one file that are kept: enough to work on, too few to fill a memory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of a rule.

    Attributes:
        code: the rule, a key of `RULES`.
        path: file in the bundle, with `/`.
        line: line in that file, from 1; 0 = the file as a whole.
        what: what was found; for YAML it starts with the path of the field.
        hint: what to do about it.
    """

    code: str
    path: str
    line: int
    what: str
    hint: str

    @property
    def refuses(self) -> bool:
        """Whether it closes the gate; otherwise it is a note for reviewers."""
        return not RULES[self.code].note

    @property
    def place(self) -> str:
        """`path:line`, or `path` for a file as a whole."""
        return f"{self.path}:{self.line}" if self.line else self.path

    def __str__(self) -> str:
        return f"{self.place}: {self.what} [{self.code}]"


class Report:
    """Collects the findings of one file while it is read, so that an author sees all of them at once."""

    def __init__(self, path: str) -> None:
        self._path = visible(path)
        self._findings: list[Finding] = []

    def add(self, code: str, line: int, what: str, *, hint: str = "") -> None:
        """Note a breach, if there are not `MAX_FINDINGS` already; without `hint` the rule's own is taken."""
        if self.full:
            return
        shown = visible(what if len(what) <= 300 else what[:299] + "…").replace("\n", " ")
        self._findings.append(Finding(code, self._path, line, shown, hint or RULES[code].hint))

    @property
    def full(self) -> bool:
        """Whether nothing more is kept, so that there is no use in looking for more."""
        return len(self._findings) == MAX_FINDINGS

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far."""
        return tuple(self._findings)


class Refused(Untrusted):
    """The gate is closed for a bundle.

    Attributes:
        findings: every breach and every note, ordered by file and line.
    """

    code = "lint.refused"
    hint = "Run `cyberprivacy lint DIR` on the sources: it names every place and what to do there."

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        broken = [finding for finding in self.findings if finding.refuses]
        places = {f"{finding.place} {finding.code}": finding.what for finding in broken[:20]}
        super().__init__(f"the bundle breaks {len(broken)} rules of the gate", **places)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, line and code; each breach once."""
    return tuple(sorted(set(findings), key=lambda one: (one.path, one.line, one.code, one.what)))
