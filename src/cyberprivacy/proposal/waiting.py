"""Waiting for the law: the same request again, when its moment has come, and saying so meanwhile."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from cyberprivacy.proposal.refusals import NotYet

_Done = TypeVar("_Done")

_LONGEST: Final = 60.0
_UNKNOWN: Final = 5.0


def patiently(
    attempt: Callable[[], _Done],
    *,
    say: Callable[[NotYet], None],
    now: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
) -> _Done:
    """Do something as soon as the law allows it.

    Args:
        attempt: refused with `NotYet` while it is too early; any other refusal ends the waiting.
        say: told why it waits: at first, when that changes, and once a minute.
        now: seconds since 1970.
        pause: waits for some seconds.
    """
    told: tuple[str, int] | None = None
    while True:
        try:
            return attempt()
        except NotYet as early:
            left = early.until - now() if early.until else _UNKNOWN
            if told != (early.code, early.until) or left > _LONGEST:
                say(early)
                told = (early.code, early.until)
            # At the moment itself the newest block may still be older: half a second is a new question's price.
            pause(min(_LONGEST, max(0.5, left)))
