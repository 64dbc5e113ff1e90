"""A bell: threads ring it when something has changed, streams wait for it."""

import asyncio
from threading import Lock


class Bell:
    """Whoever waits wakes up at the next ring; a ring that nobody waits for is lost, as it should be."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        """Wake everybody up; from any thread."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def wait(self, longest: float) -> None:
        """Return at the next ring, or after so many seconds."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(mine)
        try:
            async with asyncio.timeout(longest):
                await mine[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(mine)
