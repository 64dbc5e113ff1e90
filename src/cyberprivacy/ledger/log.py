"""What is remembered: an append-only log of everything that a node did, open to everybody.

One canonical JSON document a line. An entry is on disk before anybody learns that it was accepted; a
line that a crash cut short was never accepted and is dropped at the next start. Any other damage is
refused: a log that does not read back is not a log.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

from cyberprivacy import canonical
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.ledger.merkle import Tree

MAX_ENTRY: Final = 65_535
"""Bytes in one entry: what a tile of C2SP tlog-tiles can hold."""


class LedgerDamaged(Untrusted):
    """The log on disk is not what was written."""

    code = "ledger.damaged"
    hint = "Restore the file from a mirror; this node must not continue a log that it cannot read."


class LedgerFull(TryLater):
    """The disk would not take another entry; nothing was accepted."""

    code = "ledger.full"
    hint = "Free disk space; the node goes on by itself."


class LedgerTaken(TryLater):
    """Another process writes this log; two would tear it apart."""

    code = "ledger.taken"
    hint = "A node runs in this data directory: stop it, or give this one a directory of its own."


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        index: place in the log, from 0.
        time: seconds since 1970 by the node's clock.
        kind: lower-case words with dots, such as "release.deployed".
        facts: JSON values; never personal data, never a secret.
    """

    index: int
    time: int
    kind: str
    facts: Mapping[str, object]

    def encode(self) -> bytes:
        """The canonical line, without its line feed."""
        return canonical.encode(
            {"facts": dict(self.facts), "index": self.index, "kind": self.kind, "time": self.time, "v": 1}
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a log: how many entries, and the RFC 6962 root over them (32 bytes)."""

    size: int
    root: bytes


class Ledger(Protocol):
    """Remembers what happened, in order, for ever."""

    def append(self, kind: str, facts: Mapping[str, object]) -> Entry:
        """Write an entry; it is durable when this returns."""
        ...

    def head(self) -> Head:
        """The present state."""
        ...

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Every entry from `start` on, oldest first."""
        ...


class FileLedger:
    """A ledger in one file. One writer at a time, with any number of threads; who only reads need not ask.

    The kernel holds the writer's lock on the file and drops it when the writer ends, however it ends.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        """Open or create the log at `path`.

        Raises:
            LedgerTaken: another writer has it open.
            LedgerDamaged: a line does not read back as the entry that belongs there.
        """
        self._path, self._clock, self._lock = path, clock, Lock()
        self._entries: list[Entry] = []
        self._tree = Tree()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            self._take()
            self._read()
        except BaseException:
            os.close(self._file)
            raise

    def append(self, kind: str, facts: Mapping[str, object]) -> Entry:
        """Write an entry; it is durable when this returns.

        Raises:
            LedgerFull: the disk refused; the log is as it was.
            ValueError: the entry is larger than 65,535 bytes.
        """
        with self._lock:
            entry = Entry(len(self._entries), int(self._clock()), kind, dict(facts))
            line = entry.encode()
            if len(line) > MAX_ENTRY:
                raise ValueError(f"an entry of {len(line)} bytes; {MAX_ENTRY} at most")
            before = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line + b"\n") != len(line) + 1:
                    raise OSError("short write")
                os.fsync(self._file)
            except OSError as error:
                os.ftruncate(self._file, before)
                raise LedgerFull("the log cannot be written", reason=str(error)) from error
            self._entries.append(entry)
            self._tree.add(line)
            return entry

    def head(self) -> Head:
        """The present state."""
        with self._lock:
            return Head(self._tree.size, self._tree.root())

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Every entry from `start` on, oldest first."""
        yield from self._entries[start:]

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _take(self) -> None:
        """Be the only writer: before anything is read, as what looks torn may be what another is just writing."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerTaken("the log is written by another process", path=str(self._path)) from error

    def _read(self) -> None:
        good = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # cut short by a crash: nobody was told that it exists
                self._entries.append(_decode(line[:-1], len(self._entries)))
                self._tree.add(line[:-1])
                good += len(line)
        os.ftruncate(self._file, good)


def _decode(line: bytes, index: int) -> Entry:
    try:
        value = canonical.decode(line, limit=MAX_ENTRY)
    except canonical.NotCanonical as error:
        raise LedgerDamaged("a line of the log is not canonical", line=index + 1) from error
    match value:
        case {
            "v": 1,
            "index": int(at),
            "time": int(time),
            "kind": str(kind),
            "facts": dict(facts),
            **other,
        } if at == index and not other:
            return Entry(at, time, kind, facts)
    raise LedgerDamaged("a line of the log is not the entry that belongs there", line=index + 1)
