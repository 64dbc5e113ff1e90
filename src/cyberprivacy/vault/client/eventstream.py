"""Server-sent events as they arrive, bounded. Source: HTML, "Server-sent events", section 9.2.6."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cyberprivacy.errors import TryLater

MAX_EVENT: Final = 64 << 10
"""Bytes of one event."""


class BadStream(TryLater):
    """What comes is no stream of events, or one without end."""

    code = "events.form"
    hint = "Ask the source again; if it stays so, the source is at fault."


@dataclass(frozen=True, slots=True)
class Told:
    """One event: its kind ("message" where none is said), its data, and the id that it was told with, or ""."""

    kind: str
    data: str
    id: str


class EventStream:
    """Makes events of bytes."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, received: bytes) -> Iterator[Told]:
        """The events that are whole now.

        Raises:
            BadStream: an event is larger than any honest one, or not UTF-8.
        """
        *lines, self._rest = (self._rest + received).split(b"\n")
        if len(self._rest) > MAX_EVENT or sum(map(len, self._fields.get("data", []))) > MAX_EVENT:
            raise BadStream("an event is too large", limit=MAX_EVENT)
        for line in lines:
            try:
                text = line.removesuffix(b"\r").decode()
            except UnicodeDecodeError:
                raise BadStream("an event is not UTF-8") from None
            if text:
                name, _, value = text.partition(":")
                if name:  # else a comment: a sign of life
                    self._fields.setdefault(name, []).append(value.removeprefix(" "))
            elif self._fields:
                told, self._fields = self._fields, {}
                if "data" in told:
                    kind, id_ = told.get("event", ["message"])[-1], told.get("id", [""])[-1]
                    yield Told(kind, "\n".join(told["data"]), id_)
