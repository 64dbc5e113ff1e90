"""Files that the steps of a build execute: those that a RUN names, and those that these name in turn.

A file is named by its file name, by the name that COPY gives it, as a Python module, by a pattern of a RUN, or
by a program that always reads it (`make`). Whatever a called file mentions counts as called: rather one too many
than one too few. A name that a program puts together while it runs is not found; ADR 0008 says what that costs.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from cyberprivacy.review.dockerfile import parse
from cyberprivacy.review.instructions import Copy, Run

_WORD: Final = re.compile(r"[\w./-]+")
_PATTERN: Final = re.compile(r"[\w./*?\[\]!-]*[*?\[][\w./*?\[\]!-]*")
MAX_PATTERNS: Final = 64
"""In one Dockerfile; with more of them, every file counts as called."""

_READ_BY: Final = {
    "make": ("makefile", "gnumakefile"),
    "just": ("justfile",),
    "rake": ("rakefile",),
    "npm": ("package.json",),
    "yarn": ("package.json",),
    "pnpm": ("package.json",),
}
"""Programs, and the files that tell them what to do, in lower case."""


def called_by(dockerfile: bytes, paths: Iterable[str], read: Callable[[str], bytes]) -> AbstractSet[str]:
    """The files of a bundle that the RUN instructions of a Dockerfile may execute.

    Args:
        dockerfile: the file.
        paths: every file of the bundle.
        read: the content of one of them.
    """
    steps = [one for _, one in parse(dockerfile, "Dockerfile")[0]]
    texts = [text for one in steps if isinstance(one, Run) for text in (*one.words, one.shell)]
    names = _Names(paths, [one for one in steps if isinstance(one, Copy) and not one.stage])
    found = names.matched({word for text in texts for word in _PATTERN.findall(text)})
    found |= names.said(" ".join(texts))
    waiting = list(found)
    while waiting:
        more = names.said(read(waiting.pop()).decode("utf-8", "replace")) - found
        found |= more
        waiting += more
    return found


class _Names:
    """What each file of a bundle may be called by. Every word is looked up once, however often it is said."""

    def __init__(self, paths: Iterable[str], copies: Iterable[Copy]) -> None:
        self._files: dict[str, set[str]] = defaultdict(set)
        self._modules: dict[str, set[str]] = defaultdict(set)
        self._folders: dict[str, set[str]] = defaultdict(set)
        self._heard: set[str] = set()
        self._above = {path: _above(path) for path in paths}
        for path, folders in self._above.items():
            self._add(path, path)
            for folder in folders:
                self._folders[_last(folder)].add(path)
        for copy in copies:
            sources = {source.strip("/").removeprefix("./") for source in copy.sources}
            for path, folders in self._above.items():
                if path in sources:
                    self._add(copy.target, path)
                elif not sources.isdisjoint((*folders, "", ".")):
                    self._folders[_last(copy.target)].add(path)

    def _add(self, name: str, path: str) -> None:
        self._files[_last(name)].add(path)
        if name.endswith(".py"):
            module = name.removesuffix(".py").removesuffix("/__main__").removesuffix("/__init__")
            self._modules[_last(module)].add(path)

    def said(self, text: str) -> set[str]:
        """The files that a text names, in words that were not said before."""
        words = set(_WORD.findall(text)) - self._heard
        self._heard |= words
        found: set[str] = set()
        for word in words:
            found |= self._files.get(_last(word), set()) | self._modules.get(word.rpartition(".")[2], set())
        tools = {file for word in words for file in _READ_BY.get(_last(word), ())}
        if tools:
            found |= {path for path in self._above if _last(path).lower() in tools}
        return found

    def matched(self, patterns: set[str]) -> set[str]:
        """The files that patterns of a shell may stand for; one without letters is all of its directory."""
        if len(patterns) > MAX_PATTERNS:
            return set(self._above)
        found: set[str] = set()
        for word in patterns:
            folder, _, pattern = word.rstrip("/").rpartition("/")
            if re.search(r"\w", pattern):
                form = re.compile(fnmatch.translate(pattern))
                found |= {path for name, paths in self._files.items() if form.match(name) for path in paths}
            else:
                found |= self._folders.get(_last(folder), set())
        return found


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _above(path: str) -> tuple[str, ...]:
    """The directories that a file is in, the innermost first."""
    steps = path.split("/")
    return tuple("/".join(steps[:length]) for length in range(len(steps) - 1, 0, -1))
