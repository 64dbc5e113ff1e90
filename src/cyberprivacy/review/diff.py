"""What a reviewer reads: the difference of two trees, what matters most first, nothing hidden.

Characters that a screen would hide or turn are shown by their number; every file has its part of the
objective measure beside it; changed packages and base images are listed apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.bundle import manifest
from cyberprivacy.bundle.manifest import BadManifest
from cyberprivacy.review import administration, leverage, prices
from cyberprivacy.review.contents import as_text
from cyberprivacy.review.edits import edits, hunks
from cyberprivacy.review.hidden import visible
from cyberprivacy.review.measure import Measurement, measure
from cyberprivacy.review.names import MANIFEST, is_dockerfile
from cyberprivacy.review.tree import Tree, read_tree

MAX_LINE: Final = 2000
"""Characters of one line that are shown; what is left out is said."""

MAX_TEXT: Final = 8 << 20
"""Bytes of a file that is compared line by line; a larger one is summed up."""

_PROSE: Final = (".md", ".rst", ".txt", ".adoc")


@dataclass(frozen=True, slots=True)
class Change:
    r"""One file's change.

    Attributes:
        kind: "added", "removed", "changed" or "renamed" (same bytes, another path).
        path: in the new tree; for a removed file, in the old one.
        old_path: where a renamed file stood; otherwise "".
        lines: its part of the measure.
        text: unified diff, every line visible; first sign " ", "+", "-", or "@" before a hunk, "\\" for a remark.
    """

    kind: str
    path: str
    old_path: str
    lines: int
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputChange:
    """A package, base image, input file or right of administrators that came, went, or changed; "" = absent."""

    kind: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two trees: changes in the order to read them."""

    changes: tuple[Change, ...]
    inputs: tuple[InputChange, ...]
    measurement: Measurement


def compare(old: Path, new: Path, *, ignore: frozenset[str] = frozenset()) -> Difference:
    """What leads from one tree to another; `ignore` as in `measure`.

    Raises:
        Misuse, Untrusted, TryLater: as `measure`.
    """
    measurement = measure([old], new, ignore=ignore)
    lines: dict[str, int] = {}
    for row in measurement.rows:
        lines[row.path] = lines.get(row.path, 0) + row.lines
    before, after = read_tree(old, ignore=ignore), read_tree(new, ignore=ignore)
    changes = sorted(_changes(before, after, lines), key=_importance)
    return Difference(tuple(changes), tuple(_inputs(before, after)), measurement)


def _importance(change: Change) -> tuple[int, int, str]:
    """What decides most stands first: how it is built, what it may do, what it takes in, then code."""
    path = change.path
    ranks = (
        is_dockerfile(path),
        path.startswith("k8s/"),
        path == MANIFEST,
        leverage.by_name(path),
        not path.lower().endswith(_PROSE),
    )
    rank = next((number for number, holds in enumerate(ranks) if holds), len(ranks))
    return rank, -change.lines, path


def _changes(before: Tree, after: Tree, lines: Mapping[str, int]) -> Iterator[Change]:
    gone = {path for path in before.files if path not in after.files}
    came = [path for path in after.files if path not in before.files]
    by_digest = {sha256(before.read(path)).digest(): path for path in sorted(gone, reverse=True)}
    for path in came:
        data = after.read(path)
        source = by_digest.pop(sha256(data).digest(), "")
        if source:
            gone.discard(source)
            yield Change("renamed", path, source, lines.get(path, 0) + lines.get(source, 0), ())
        else:
            yield Change("added", path, "", lines.get(path, 0), tuple(_file_diff(b"", data)))
    for path in gone:
        yield Change("removed", path, "", lines.get(path, 0), tuple(_file_diff(before.read(path), b"")))
    for path in after.files:
        if path in before.files:
            data, was = after.read(path), before.read(path)
            if data != was:
                yield Change("changed", path, "", lines.get(path, 0), tuple(_file_diff(was, data)))


def _file_diff(old: bytes, new: bytes) -> Iterator[str]:
    before, after = as_text(old), as_text(new)
    if before is None or after is None or max(len(old), len(new)) > MAX_TEXT:
        yield f"\\ not shown: {_summary(old)} -> {_summary(new)}"
        return
    a, b = _lines(before), _lines(after)
    changes = edits(a, b)
    if not changes:
        yield "\\ only line ends, or the last one, changed"
    for span, group in hunks(changes, len(a), len(b)):
        yield _header(span.old, span.old_end, span.new, span.new_end)
        at = span.old
        for change in group:
            yield from (_shown(" ", line) for line in a[at : change.old])
            yield from (_shown("-", line) for line in a[change.old : change.old_end])
            yield from (_shown("+", line) for line in b[change.new : change.new_end])
            at = change.old_end
        yield from (_shown(" ", line) for line in a[at : span.old_end])


def _header(old: int, old_end: int, new: int, new_end: int) -> str:
    """`@@ -start,count +start,count @@`; a start is 0 where nothing stands."""
    sides = ((old, old_end), (new, new_end))
    shown = [f"{start + 1 if end > start else start},{end - start}" for start, end in sides]
    return f"@@ -{shown[0]} +{shown[1]} @@"


def _lines(text: str) -> list[str]:
    """Lines without their ends; a file without content has none."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _shown(sign: str, line: str) -> str:
    if len(line) > MAX_LINE:
        return f"{sign}{visible(line[:MAX_LINE])} … ({len(line)} characters; read the rest in the file itself)"
    return sign + visible(line)


def _summary(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {sha256(data).hexdigest()[:16]}…" if data else "nothing"


def _inputs(before: Tree, after: Tree) -> Iterator[InputChange]:
    old, new = prices.inputs(before), prices.inputs(after)
    yield from _told("package", _packages(old), _packages(new))
    yield from _told("base image", dict.fromkeys(old.bases, "used"), dict.fromkeys(new.bases, "used"))
    yield from _told("input file", _files(old), _files(new))
    yield from _told("what administrators may do", _administration(before), _administration(after))


def _told(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[InputChange]:
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name, ""), new.get(name, "")
        if was != now:
            yield InputChange(kind, visible(name), was, now)


def _administration(tree: Tree) -> Mapping[str, str]:
    """What the manifest lets administrators do; nothing if it cannot be read, which the gate says itself."""
    try:
        return (
            administration.described(manifest.parse(tree.read(MANIFEST)).admin) if MANIFEST in tree.files else {}
        )
    except BadManifest:
        return {}


def _packages(inputs: prices.Inputs) -> dict[str, str]:
    """Package -> version and the first signs of its digests."""
    digests: dict[str, list[str]] = {}
    versions: dict[str, str] = {}
    for name, version, digest in sorted(inputs.pins):
        digests.setdefault(name, []).append(digest[:12])
        versions[name] = version
    return {name: f"{versions[name]} ({', '.join(found)})" for name, found in digests.items()}


def _files(inputs: prices.Inputs) -> dict[str, str]:
    return {name: f"sha256 {digest[:16]}…, {size} bytes" for digest, (name, size) in inputs.files.items()}
