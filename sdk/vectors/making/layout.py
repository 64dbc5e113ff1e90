"""The layout of a file of vectors: that of Wycheproof, with our reason codes.

A case says what goes in, and either what comes out (`found`) or the code of the refusal.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """One question and its answer.

    Attributes:
        comment: what the case is about, in a few words.
        given: what goes in.
        found: what comes out, if it is good.
        code: reason of the refusal, or "" if it is good.
        flags: names of the rules that the case is about.
    """

    comment: str
    given: Json
    found: Json = field(default_factory=dict)
    code: str = ""
    flags: tuple[str, ...] = ()

    def as_json(self, number: int) -> Json:
        """The case with its number in the file."""
        head: Json = {
            "tcId": number,
            "comment": self.comment,
            "flags": sorted({*self.flags, *_subject(self.code)}),
        }
        if self.code:
            return {**head, **self.given, "result": "invalid", "code": self.code}
        return {**head, **self.given, "found": self.found, "result": "valid"}


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that share what the place is or expects."""

    type: str
    shared: Json
    cases: Sequence[Case]


def write(algorithm: str, groups: Sequence[Group]) -> bytes:
    """The bytes of one file: a line for each case, so that a change is seen as one.

    Raises:
        ValueError: less than half of the cases are refusals, or two say the same.
    """
    cases = [case for group in groups for case in group.cases]
    if 2 * sum(bool(case.code) for case in cases) < len(cases):
        raise ValueError(f"{algorithm}: less than half of {len(cases)} cases are refusals")
    twice = [comment for comment, count in Counter(case.comment for case in cases).items() if count > 1]
    if twice:
        raise ValueError(f"{algorithm}: two cases have one comment: {twice}")
    lines = [f'{{"algorithm":"{algorithm}","generatorVersion":"udi/1","numberOfTests":{len(cases)},"testGroups":[']
    number = 0
    for place, group in enumerate(groups):
        shared = json.dumps({"type": group.type, **group.shared}, separators=(",", ":"))
        lines.append(f'{shared[:-1]},"tests":[')
        tests = [case.as_json(number + at) for at, case in enumerate(group.cases, 1)]
        number += len(tests)
        lines.append(",\n".join(json.dumps(each, separators=(",", ":")) for each in tests))
        lines.append("]}" if place == len(groups) - 1 else "]},")
    return ("\n".join([*lines, "]}"]) + "\n").encode()


def _subject(code: str) -> tuple[str, ...]:
    return (code,) if code else ()
