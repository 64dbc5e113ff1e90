"""Who does short calls: what came in while they worked, they do next, all in one go.

A call in a thread of its own pays for waking that thread, for a transaction and, if it changes something, for
waiting on the disk. Calls that are done one after the other share all three, and under load there are always some.
What waits for nothing but memory is done at a desk in the loop itself: less than waking any thread takes, and less
than two threads take that both want to work, of which Python lets one, and which change places at each statement.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final, Protocol

from cyberprivacy.vault.web.endpoint import Reply

MOST: Final = 64
"""Calls in one go: so many have to wait when one of them takes long."""
_STUCK: Final = 0.1
"""Seconds for which a clerk waits for a loop."""

_Waiting = tuple[Callable[[], Reply], "asyncio.Future[Reply]"]
_Done = tuple["asyncio.Future[Reply]", Reply | BaseException]


class Does(Protocol):
    """Does short calls."""

    async def do(self, call: Callable[[], Reply]) -> Reply:
        """What a call answers, or raises, once the go in which it was done has ended."""
        ...


class Desk:
    """Does calls in the loop that asks. `around` as a crew has it."""

    def __init__(self, around: Callable[[], AbstractContextManager[None]]) -> None:
        self._around = around
        self._waiting: list[_Waiting] = []

    async def do(self, call: Callable[[], Reply]) -> Reply:
        """See `Does`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._work)
        self._waiting.append((call, future))
        return await future

    def _work(self) -> None:
        waiting, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._work)
        _settle(_gone(self._around, waiting, _outcomes))


class Crew:
    """Does calls in one thread. `around` is entered for each go; what it raises, all calls of that go raise."""

    def __init__(self, around: Callable[[], AbstractContextManager[None]]) -> None:
        """Begin without a thread; the first call starts it."""
        self._around = around
        self._queue = SimpleQueue[_Waiting]()
        self._lock = Lock()
        self._thread: Thread | None = None

    async def do(self, call: Callable[[], Reply]) -> Reply:
        """See `Does`."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            self._start()
        self._queue.put((call, future))
        return await future

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="crew", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            waiting = [self._queue.get()]
            self._join(waiting)
            _tell(_gone(self._around, waiting, self._done))

    def _join(self, waiting: list[_Waiting]) -> None:
        """Add who else waits by now."""
        with suppress(Empty):
            while len(waiting) < MOST:
                waiting.append(self._queue.get_nowait())

    def _done(self, waiting: list[_Waiting]) -> Sequence[_Done]:
        return _outcomes(waiting)


class Clerk(Crew):
    """Does calls in the loop that asks; its thread begins and ends each go, which may take long.

    What `around` has set in the thread's context (`contextvars`) holds for the calls, too. A loop that has ended,
    or in which somebody waits for this go, does nothing: then the thread does the calls.
    """

    def _done(self, waiting: list[_Waiting]) -> Sequence[_Done]:
        loop, done, begun = waiting[0][1].get_loop(), SimpleQueue[Sequence[_Done]](), Lock()

        def work() -> None:
            if begun.acquire(blocking=False):
                self._join(waiting)
                done.put(_outcomes(waiting))

        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(work, context=copy_context())
        with suppress(Empty):
            return done.get(timeout=_STUCK)
        work()
        return done.get()


def _gone(
    around: Callable[[], AbstractContextManager[None]],
    waiting: list[_Waiting],
    do: Callable[[list[_Waiting]], Sequence[_Done]],
) -> Sequence[_Done]:
    """A go: what became of each call; `do` does them, and may add others that have come."""
    try:
        with around():
            done = do(waiting)
    except Exception as error:  # noqa: BLE001 - the end of a go is the edge: each call's own answer is not true now
        return [(future, error) for _, future in waiting]
    return done


def _outcomes(waiting: Sequence[_Waiting]) -> Sequence[_Done]:
    return [(future, _outcome(call)) for call, future in waiting]


def _outcome(call: Callable[[], Reply]) -> Reply | BaseException:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - raised again where the call was made
        return error


def _tell(done: Sequence[_Done]) -> None:
    """Each future its outcome, in the loop that waits for it; one wake-up for all of one loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Done]] = {}
    for each in done:
        loops.setdefault(each[0].get_loop(), []).append(each)
    for loop, mine in loops.items():
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(_settle, mine)


def _settle(done: Sequence[_Done]) -> None:
    for future, outcome in done:
        if future.done():  # whoever asked has gone
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
