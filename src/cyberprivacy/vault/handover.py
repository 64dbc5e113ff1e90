"""A vault that the release before still has: a node ends that one only when the next already answers.

Until then this one answers whoever is nobody, so that the node sees that it is up, and tells everybody else to
come again in a second. The key file has one process at a time; whoever gets it opens the rest.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.personal import Backing, Visit
from cyberprivacy.vault.web.dispatch import refusal

PAUSE: Final = 0.1
"""Seconds between two tries: a lock that another process holds tells nobody when it is free."""

_log = structlog.get_logger("vault")


class HandedOver(TryLater):
    """The release before has not let go of the vault yet, or it could not be opened after that."""

    code = "vault.handover"
    hint = "Ask again in a second: a new release is taking over."


class Awaited:
    """A `Backing` that becomes another one as soon as that can be opened.

    Args:
        open_: opens it; raises "keystore.busy" while another process has it.
    """

    def __init__(self, open_: Callable[[], Backing]) -> None:
        self._open = open_
        self._found: Backing | None = None
        self._opening, self._closed = threading.Lock(), False
        self._why: CyberPrivacyError = HandedOver("another release has the vault")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Backing`, also for all that follows."""
        if self._found is None:
            await refusal(self._why, scope["path"])(scope, receive, send)
        else:
            await self._found(scope, receive, send)

    def visit(self, token: str) -> Visit:
        """Nobody is known before it is open."""
        return self._now().visit(token)

    def contributions(self, statistic: str) -> Sequence[tuple[str, int]] | None:
        """No numbers before it is open."""
        return self._now().contributions(statistic)

    def receipts(self, question: bytes) -> bytes:
        """No receipts before it is open."""
        return self._now().receipts(question)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take the vault over, and do then what has to go on."""
        taking = asyncio.create_task(self._take_over())
        try:
            yield
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    def close(self) -> None:
        """Close what was opened; what is being opened at this moment, too."""
        with self._opening:
            self._closed = True
            if self._found is not None:
                self._found.close()

    def _now(self) -> Backing:
        if self._found is None:
            raise self._why
        return self._found

    async def _take_over(self) -> None:
        while not await run_in_threadpool(self._try):  # noqa: ASYNC110  another process's lock is no event here
            await asyncio.sleep(PAUSE)
        async with self._now().running():
            await asyncio.Event().wait()

    def _try(self) -> bool:
        """Whether it is open now. Another failure than a busy one is told, and tried again."""
        with self._opening:
            if self._closed:  # a thread outlives the task that waits for it
                return False
            try:
                self._found = self._open()
            except CyberPrivacyError as error:
                if error.code not in ("keystore.busy", self._why.code):
                    _log.error("handover", code=error.code, what=str(error))
                    self._why = error
            return self._found is not None
