"""Moments and spans of time, as people read them."""

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(seconds: int) -> str:
    """Such as "7 d", "1 h 30 min" or "8 s": the two largest units."""
    parts = []
    for size, unit in _UNITS:
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) or "0 s"


def moment(when: int, now: int) -> str:
    """Local time, and how far it is: "2026-11-24 03:50:12 (in 8 s)"; "" for 0."""
    if when == 0:
        return ""
    local = datetime.fromtimestamp(when, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{local} (in {span(when - now)})" if when > now else f"{local} ({span(now - when)} ago)"
