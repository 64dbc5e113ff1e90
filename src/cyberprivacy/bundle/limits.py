"""What one bundle may cost, and the counters that hold a reader to it.

Counted over visits, not over distinct blocks: five blocks that name one another a thousand times each are a
small download and 10**15 bytes of content.
"""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.bundle.refusals import BadBundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a bundle may hold; a DAO or an operator may lower them.

    Attributes:
        content: bytes of file content, repeats included.
        entries: files and directories.
        visits: blocks read, repeats included.
        depth: directories inside one another.
        levels: levels inside one file or one sharded directory.
        name: bytes of one name in UTF-8.
        path: bytes of one path in UTF-8.
        block: bytes of one block.
    """

    content: int = 512 << 20
    entries: int = 50_000
    visits: int = 200_000
    depth: int = 32
    levels: int = 8
    name: int = 255
    path: int = 1024
    block: int = 2 << 20

    @property
    def transfer(self) -> int:
        """Bytes that a source may send for one bundle: content, directories and framing."""
        return self.content + (64 << 20)


DEFAULT: Final = Limits()


class Budget:
    """What is left of the limits during one walk.

    Each method raises BadBundle "bundle.budget" when its counter is used up.
    """

    __slots__ = ("content", "entries", "limits", "visits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.content = self.entries = self.visits = 0

    def visit(self, block: bytes) -> None:
        """Count one block read."""
        self.visits += 1
        if self.visits > self.limits.visits:
            self._refuse("too many blocks", self.limits.visits)
        if len(block) > self.limits.block:
            self._refuse("block is too large", self.limits.block)

    def entry(self, path: str, depth: int) -> None:
        """Count one file or directory, `depth` directories below the root."""
        self.entries += 1
        if self.entries > self.limits.entries:
            self._refuse("too many files and directories", self.limits.entries)
        if depth > self.limits.depth:
            self._refuse("directories are nested too deep", self.limits.depth)
        if len(path.encode()) > self.limits.path:
            self._refuse("path is too long", self.limits.path)

    def hold(self, size: int) -> None:
        """Count bytes of file content."""
        self.content += size
        if self.content > self.limits.content:
            self._refuse("too much content", self.limits.content)

    def level(self, depth: int) -> None:
        """Hold a file or sharded directory to its number of levels."""
        if depth > self.limits.levels:
            self._refuse("a file or directory has too many levels", self.limits.levels)

    def _refuse(self, what: str, limit: int) -> None:
        raise BadBundle(what, code="bundle.budget", limit=limit)
