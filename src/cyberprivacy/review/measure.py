"""The objective size of a change, in lines to read: the same number for everybody who has the same bytes.

Each fresh line counts once (`shingles`), five times where it has leverage (`leverage`, `called`); what comes from
outside has a price (`prices`); a file that went away counts one. Identical files are read once, wherever
they stand and whatever they are called. Comments only lengthen their own author's wait.

What was read where it is not executed was not read as a thing that is: lines and files with leverage are
compared with old ones with leverage only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.review import leverage, prices
from cyberprivacy.review.called import called_by
from cyberprivacy.review.shingles import Shingles, fresh, hidden_lines, lines_of, opaque_lines, remember
from cyberprivacy.review.tree import Tree, read_tree

METRIC: Final = 2
"""Version of this measure; another number for the same bytes needs another version."""


@dataclass(frozen=True, slots=True)
class Row:
    """One file's part of the number.

    Attributes:
        path: file in the new tree; for a removed one, in the old tree.
        lines: its part, leverage included.
        reason: how it came about, in words.
        factor: 5 if each line weighs five, else 1.
    """

    path: str
    lines: int
    reason: str
    factor: int = 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """The size of a change: `total` lines, the sum of `rows`; rows are in order of path."""

    total: int
    rows: tuple[Row, ...]


def measure(old_trees: Sequence[Path], new: Path, *, ignore: frozenset[str] = frozenset()) -> Measurement:
    """How many lines of `new` nobody has read yet.

    Args:
        old_trees: what was read before: first the release that runs (its missing files count as removed),
            then any whose lap has fully elapsed. None: everything is new.
        new: the tree to read.
        ignore: names that are left out wherever they stand, as `bundle.pack` does.

    Raises:
        Misuse: not directories.
        Untrusted: a manifest cannot be read, or a tree holds what a bundle may not ("measure.tree").
        TryLater: a file cannot be read.
    """
    old = [_sound(path, ignore) for path in old_trees]
    tree = _sound(new, ignore)
    taken = prices.inputs(tree)
    rows = [Row(*row) for row in prices.priced(taken, [prices.inputs(one) for one in old])]
    rows += [Row(*row) for row in prices.remarks(tree, taken, old)]
    counted = {row.path for row in rows}
    for row in _Reader(old).rows(tree):
        if row.path not in taken.locked:
            rows.append(row)
        elif row.path not in counted:  # a lock that lost a package, or says the same in another order
            rows.append(Row(row.path, 1, "no package is new"))
    if old:
        rows += [Row(path, 1, "removed") for path in old[0].files if path not in tree.files]
    ordered = tuple(sorted(rows, key=lambda row: (row.path, row.reason)))
    return Measurement(sum(row.lines for row in ordered), ordered)


class _Reader:
    """What old trees held: files and shingles, with leverage and in all."""

    def __init__(self, old: Sequence[Tree]) -> None:
        self._files: dict[bool, set[bytes]] = {True: set(), False: set()}
        self._read: dict[bool, Shingles] = {True: {}, False: {}}
        for tree in old:
            strong = _with_leverage(tree)
            for path in tree.files:
                self._remember(tree.read(path), strong=path in strong)

    def _remember(self, data: bytes, *, strong: bool) -> None:
        lines = lines_of(data) or []
        for known in (True, False) if strong else (False,):
            self._files[known].add(sha256(data).digest())
            remember(lines, self._read[known])

    def rows(self, tree: Tree) -> list[Row]:
        """The rows of all files of a new tree of which something was not read."""
        strong = _with_leverage(tree)
        found: list[Row] = []
        # files with leverage first: their second copy elsewhere is free, but not the other way round
        for path in sorted(tree.files, key=lambda path: (path not in strong, path)):
            row = self._row(path, tree.read(path), strong=path in strong)
            if row is not None:
                found.append(row)
        return found

    def _row(self, path: str, data: bytes, *, strong: bool) -> Row | None:
        digest = sha256(data).digest()
        if digest in self._files[strong]:
            return None
        for known in (True, False) if strong else (False,):
            self._files[known].add(digest)
        factor = leverage.FACTOR if strong else 1
        lines = lines_of(data)
        if lines is None:
            return Row(path, opaque_lines(len(data)) * factor, f"{len(data)} bytes that are not text", factor)
        new = fresh(lines, self._read[strong])
        blanks = hidden_lines(data)
        if new.lines + blanks == 0:
            return None
        reason = f"{len(new.numbers)} lines, {new.tokens} tokens, {new.size} bytes"
        reason += ", and blanks at line ends" if blanks else ""
        return Row(path, (new.lines + blanks) * factor, reason + (f"; times {factor}" if strong else ""), factor)


def _with_leverage(tree: Tree) -> set[str]:
    dockerfiles = prices.dockerfiles_of(tree)
    strong = dockerfiles | {path for path in tree.files if leverage.by_name(path)}
    for path in dockerfiles:
        strong |= called_by(tree.read(path), tree.files, tree.read)
    return strong


def _sound(path: Path, ignore: frozenset[str]) -> Tree:
    tree = read_tree(path, ignore=ignore)
    if tree.findings:
        raise Untrusted(
            "the tree holds what a bundle may not",
            code="measure.tree",
            hint="Run `cyberprivacy lint` on it.",
            first=str(tree.findings[0]),
        )
    return tree
