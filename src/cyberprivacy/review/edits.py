"""What changed between two lists of lines, in time that a hostile author cannot stretch.

Lines that stand once on both sides hold the picture together (longest common order of these); the small gaps
between them go to difflib while a budget lasts; what is left is shown as removed and added.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

GAP: Final = 10_000
"""Lines of one side times lines of the other that one gap may have to be looked at closely."""

BUDGET: Final = 1_000_000
"""The same for all gaps of a file together."""

CONTEXT: Final = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """Old lines [old, old_end) became new lines [new, new_end); positions from 0."""

    old: int
    old_end: int
    new: int
    new_end: int


def edits(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """The edits that lead from `old` to `new`, in order, none of them empty, never touching."""
    found: list[Edit] = []
    budget = BUDGET
    at = (0, 0)
    for anchor in [*_anchors(old, new), (len(old), len(new))]:
        gap = _trimmed(old, new, Edit(at[0], anchor[0], at[1], anchor[1]))
        size = (gap.old_end - gap.old) * (gap.new_end - gap.new)
        if 0 < size <= min(GAP, budget):
            budget -= size
            found += _close_look(old, new, gap)
        elif gap.old < gap.old_end or gap.new < gap.new_end:
            found.append(gap)
        at = (anchor[0] + 1, anchor[1] + 1)
    return found


def hunks(changes: Sequence[Edit], old_length: int, new_length: int) -> Iterator[tuple[Edit, list[Edit]]]:
    """Edits that stand close together, each group with the span of lines that shows it with its context."""
    group: list[Edit] = []
    for change in changes:
        if group and change.old - group[-1].old_end > 2 * CONTEXT:
            yield _span(group, old_length, new_length), group
            group = []
        group.append(change)
    if group:
        yield _span(group, old_length, new_length), group


def _span(group: list[Edit], old_length: int, new_length: int) -> Edit:
    before = min(CONTEXT, group[0].old, group[0].new)
    after = min(CONTEXT, old_length - group[-1].old_end, new_length - group[-1].new_end)
    return Edit(group[0].old - before, group[-1].old_end + after, group[0].new - before, group[-1].new_end + after)


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that stand once on both sides, in the longest order that both sides have; n log n."""
    once_old = {line for line, count in Counter(old).items() if count == 1}
    once_new = {line for line, count in Counter(new).items() if count == 1}
    place = {line: at for at, line in enumerate(new) if line in once_new}
    pairs = [(at, place[line]) for at, line in enumerate(old) if line in once_old and line in place]
    ends: list[int] = []  # smallest position in `new` that ends an order of each length
    last: list[int] = []  # the pair that is there
    before: list[int] = []
    for index, (_, at) in enumerate(pairs):
        length = bisect_left(ends, at)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [at]
        last[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _trimmed(old: Sequence[str], new: Sequence[str], gap: Edit) -> Edit:
    """The gap without equal lines at its start and end."""
    a, a_end, b, b_end = gap.old, gap.old_end, gap.new, gap.new_end
    while a < a_end and b < b_end and old[a] == new[b]:
        a, b = a + 1, b + 1
    while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
        a_end, b_end = a_end - 1, b_end - 1
    return Edit(a, a_end, b, b_end)


def _close_look(old: Sequence[str], new: Sequence[str], gap: Edit) -> list[Edit]:
    matcher = SequenceMatcher(None, old[gap.old : gap.old_end], new[gap.new : gap.new_end], autojunk=False)
    return [
        Edit(gap.old + a, gap.old + a_end, gap.new + b, gap.new + b_end)
        for tag, a, a_end, b, b_end in matcher.get_opcodes()
        if tag != "equal"
    ]
