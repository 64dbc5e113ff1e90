"""How many answers may be under way that wait for something: streams of events, exports that are not ready.

Each holds a connection and some memory for up to an hour, and costs next to nothing to ask for; a pace does not
bound them.
"""

import weakref
from collections import Counter
from collections.abc import AsyncIterator
from threading import Lock
from typing import Final

from cyberprivacy.errors import TryLater
from cyberprivacy.vault.web.pace import TooFast

EACH: Final = 16
"""Of one account, or of one grant's recipient."""
ALL: Final = 4_096
"""Of a vault."""


class TooMany(TooFast):
    """Somebody waits for more at once than their share."""

    code = "api.waits"
    hint = "End some of your streams, or wait until one has ended."


class Crowded(TryLater):
    """As many wait here as there can."""

    code = "api.busy"
    hint = "Try again in a minute."


class Waiting:
    """Counts who waits."""

    def __init__(self, each: int = EACH, most: int = ALL) -> None:
        self._each, self._most, self._lock = each, most, Lock()
        self._now = Counter[bytes]()

    def __len__(self) -> int:
        return self._now.total()

    def let(self, who: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same parts; they count as one who waits, of an account or a grant, until they end.

        Raises:
            TooMany: too many of `who` wait already.
            Crowded: too many of all do.
        """
        with self._lock:
            if self._now[who] >= self._each:
                raise TooMany("too many streams at once", most=self._each, seconds=1)
            if self._now.total() >= self._most:
                raise Crowded("too many wait here", most=self._most)
            self._now[who] += 1
        return _Parts(self, who, parts)

    def end(self, who: bytes) -> None:
        """One of them waits no longer."""
        with self._lock:
            self._now[who] -= 1
            if not self._now[who]:
                del self._now[who]


class _Parts:
    """Parts of an answer. It ends when they do, or when nobody has it any more: it may never have begun."""

    def __init__(self, waiting: Waiting, who: bytes, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._end = weakref.finalize(self, waiting.end, who)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._parts)
        except BaseException:  # the end, and whoever asked having gone
            self._end()
            raise
