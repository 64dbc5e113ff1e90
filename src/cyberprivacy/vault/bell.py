"""A bell: threads ring it when something has changed, streams wait for it."""

import asyncio
from threading import Lock


class Bell:
    """Counts its rings, so that whoever looks away for a moment misses none."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rings = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def rings(self) -> int:
        """How often it has rung."""
        return self._rings

    def ring(self) -> None:
        """Wake everybody up; from any thread."""
        with self._lock:
            self._rings += 1
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait(self, heard: int, longest: float) -> int:
        """Return once it has rung more often than `heard`, or after so many seconds; how often it has."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._rings != heard:
                return self._rings
            self._waiting.add(mine)
        try:
            async with asyncio.timeout(longest):
                await mine[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(mine)
        return self._rings
