"""A directory read with bounds: regular files only, no links followed."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.hidden import first_unseen


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a directory.

    Attributes:
        root: the directory.
        files: path with `/` -> size in bytes; in order of path.
        folders: every directory that one of them is in, at whatever depth.
        findings: entries that a bundle may not have; they are not in `files`.
    """

    root: Path
    files: dict[str, int]
    folders: frozenset[str]
    findings: tuple[Finding, ...]

    def read(self, path: str) -> bytes:
        """The content of one of `files`.

        Raises:
            TryLater: it cannot be read, or grew since it was listed ("review.read").
        """
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(self.files[path] + 1)
        except OSError as error:
            raise TryLater("a file cannot be read", code="review.read", path=path, reason=str(error)) from None
        if len(data) > self.files[path]:
            raise TryLater("a file grew while it was read", code="review.read", path=path)
        return data

    def holds(self, path: str) -> bool:
        """Whether a file or a directory of this path is there."""
        clean = path.strip("/")
        return clean in ("", ".") or clean in self.files or clean in self.folders


def read_tree(root: Path, *, ignore: frozenset[str] = frozenset(), limits: Limits = DEFAULT) -> Tree:
    """List a directory; what a bundle may not have becomes a finding.

    Args:
        root: the directory.
        ignore: names that are left out wherever they stand, as `bundle.pack` does with working directories.
        limits: what a bundle may hold.

    Raises:
        Misuse: `root` is not a directory ("review.tree").
        TryLater: it cannot be listed ("review.read").
    """
    if not root.is_dir():
        raise Misuse("not a directory", code="review.tree", path=str(root))
    files: dict[str, int] = {}
    findings: list[Finding] = []
    size = 0
    for count, (path, entry) in enumerate(_walk(root, ignore, limits.depth), 1):
        if count > limits.entries:
            findings.append(_one("tree.files", "", f"more than {limits.entries} entries"))
            break
        bad = _bad(path, entry, limits.depth)
        if bad is not None:
            findings.append(bad)
        elif stat.S_ISREG(entry.st_mode):
            files[path] = entry.st_size
            size += entry.st_size
    if size > limits.content:
        findings.append(_one("tree.size", "", f"{size} bytes, the limit is {limits.content}"))
    return Tree(root, dict(sorted(files.items())), _folders(files), tuple(findings))


def _folders(files: Iterable[str]) -> frozenset[str]:
    """The directories above these files; each is climbed to once."""
    found: set[str] = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)


def _walk(root: Path, ignore: frozenset[str], most: int) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below `root` with what it is, links not followed."""
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    if entry.name in ignore:
                        continue
                    path = folder + entry.name
                    about = entry.stat(follow_symlinks=False)
                    yield path, about
                    if stat.S_ISDIR(about.st_mode) and depth < most:
                        waiting.append((path + "/", depth + 1))
        except OSError as error:
            raise TryLater(
                "a directory cannot be listed", code="review.read", path=folder, reason=str(error)
            ) from None


def _bad(path: str, entry: os.stat_result, depth: int) -> Finding | None:
    if not (stat.S_ISREG(entry.st_mode) or stat.S_ISDIR(entry.st_mode)):
        return _one("tree.entry", path, "neither a file nor a directory")
    if path.count("/") >= depth:
        return _one("tree.entry", path, f"deeper than {depth} directories")
    try:
        path.encode()
    except UnicodeEncodeError:
        return _one("tree.name", path, "the name is not UTF-8")
    character = first_unseen(path)
    if character is not None or "\n" in path or "\t" in path:
        return _one("tree.name", path, f"the name holds {character or 'a line feed or tab'}")
    if unicodedata.normalize("NFC", path) != path:
        return _one("tree.name", path, "the name is not in Unicode form NFC")
    return None


def _one(code: str, path: str, what: str) -> Finding:
    report = Report(path)
    report.add(code, 0, what)
    return report.findings[0]
