"""What may be done to records, as values: create, update, delete; and the fingerprint of a list of them.

Source: docs/spec/udi-1.md, "Records".
"""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final, NamedTuple

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.sealing import Draw

MAX_BATCH: Final = 1_000
"""Changes in one list."""
_COUNT: Final = 74
"""Random bits of a UUID of version 7."""
_STEP: Final = 7
"""Bytes of a step: what came next in a millisecond cannot be guessed, and thousands fit into one."""
_KEY: Final = re.compile(r"[!-~]{1,128}\Z")


class BadChange(Misuse):
    """A change cannot be made as it was asked for; nothing of its list was."""

    code = "record.change"
    hint = "Read the record again, then decide anew."


class Create(NamedTuple):
    """A new record.

    Attributes:
        type: declared data type.
        body: JSON, kept byte by byte.
        record: id of 16 bytes, where it has one from elsewhere; None = a new one.
        judged: whether the caller has found the body to be of its type, in this transaction.
    """

    type: str
    body: bytes
    record: bytes | None = None
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Another body for a record of which the caller has seen revision `rev`."""

    record: bytes
    rev: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of a record of which the caller has seen revision `rev`."""

    record: bytes
    rev: int


Change = Create | Update | Delete


class Done(NamedTuple):
    """What became of a change: the record, and its revision (of a deleted one: one more than its last)."""

    record: bytes
    rev: int


def check_key(key: str) -> None:
    """Refuse an idempotency key that is not 1 to 128 visible ASCII characters ("idempotency.key")."""
    if not _KEY.match(key):
        raise BadChange(
            "not an idempotency key", code="idempotency.key", hint="1 to 128 visible ASCII characters."
        )


def check_batch(changes: Sequence[Change]) -> None:
    """Refuse a list that is empty or too long, has a record twice, or ids of another length.

    Raises:
        BadChange: "record.batch", "record.id", "record.twice".
    """
    if not 0 < len(changes) <= MAX_BATCH:
        raise BadChange("not a list of changes", code="record.batch", most=MAX_BATCH, found=len(changes))
    named = [change.record for change in changes if change.record is not None]
    if any(len(each) != 16 for each in named):
        raise BadChange("not the id of a record", code="record.id", hint="32 hex digits.")
    if len(set(named)) < len(named):
        raise BadChange("two changes of one record", code="record.twice", hint="Send one, then the other.")


def fingerprint(changes: Sequence[Change]) -> bytes:
    """32 bytes that tell these changes from all others. Never kept as it is: see `records`."""
    hashed = sha256(b"udi/1 changes")
    for change in changes:
        match change:
            case Create(type=kind, body=body, record=record):
                parts = (b"c", record or b"", kind.encode(), body)
            case Update(record=record, rev=rev, body=body):
                parts = (b"u", record, str(rev).encode(), body)
            case Delete(record=record, rev=rev):
                parts = (b"d", record, str(rev).encode(), b"")
        for part in parts:
            hashed.update(len(part).to_bytes(4, "big") + part)
    return hashed.digest()


class Ids:
    """Ids of records, 16 bytes: UUIDs of version 7, each greater than all that this object gave before.

    Within a millisecond, and where the clock has gone back, the random bits count on by random steps.
    Source: RFC 9562 sections 5.7 and 6.2 (method 2).
    """

    def __init__(self) -> None:
        self._lock, self._last = Lock(), (0, 0)

    def new(self, draw: Draw = os.urandom, clock: Callable[[], float] = time.time) -> bytes:
        """The next; `clock` is POSIX seconds."""
        now = int(clock() * 1000)
        with self._lock:
            at, count = self._last
            count += 1 + int.from_bytes(draw(_STEP))
            if now > at or count >> _COUNT:
                at, count = max(now, at + 1), int.from_bytes(draw(10)) >> 81 - _COUNT  # the first bit stays free
            self._last = at, count
        high, low = divmod(count, 1 << 62)
        return (at << 80 | 7 << 76 | high << 64 | 2 << 62 | low).to_bytes(16)


def new_id(draw: Draw, clock: Callable[[], float] = time.time) -> bytes:
    """16 bytes that sort by time: milliseconds (6), random (10)."""
    return int(clock() * 1000).to_bytes(6, "big") + draw(10)
