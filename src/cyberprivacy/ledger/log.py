"""What is remembered: an append-only log of everything that a node did, open to everybody.

One canonical JSON document a line. An entry is on disk before anybody learns that it was accepted; a
line that a crash cut short was never accepted and is dropped at the next start. Any other damage is
refused: a log that does not read back is not a log.
"""

import fcntl
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from cyberprivacy import canonical
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.ledger import disk
from cyberprivacy.ledger.disk import LedgerFull
from cyberprivacy.ledger.merkle import Tree
from cyberprivacy.ledger.tiles import MAX_ENTRY


class LedgerDamaged(Untrusted):
    """The log on disk is not what was written."""

    code = "ledger.damaged"
    hint = "Restore the file from a mirror; this node must not continue a log that it cannot read."


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

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """The same, each as it is hashed: canonical JSON."""
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
            LedgerFull: the disk refused.
        """
        self._path, self._clock, self._lock = path, clock, Lock()
        self._ends = array("Q")  # where each line ends: entries stay on disk, however many there are
        self._tree = Tree()
        disk.folder(path.parent)
        with disk.writing(path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            self._take()
            with disk.writing(path):
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
        return self.extend([(kind, facts)])[0]

    def extend(self, events: Sequence[tuple[str, Mapping[str, object]]]) -> list[Entry]:
        """Write several entries with one wait for the disk; all are durable when this returns.

        Raises:
            LedgerFull: the disk refused; the log is as it was.
            ValueError: an entry is larger than 65,535 bytes.
        """
        with self._lock:
            at, now = len(self._ends), int(self._clock())
            entries = [Entry(at + place, now, kind, dict(facts)) for place, (kind, facts) in enumerate(events)]
            lines = [entry.encode() for entry in entries]
            if (longest := max(map(len, lines), default=0)) > MAX_ENTRY:
                raise ValueError(f"an entry of {longest} bytes; {MAX_ENTRY} at most")
            self._write(b"".join(line + b"\n" for line in lines))
            for line in lines:
                self._add(line)
            return entries

    def head(self) -> Head:
        """The present state."""
        with self._lock:
            return Head(self._tree.size, self._tree.root())

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Every entry from `start` on, oldest first."""
        for index, line in enumerate(self.lines(start), start):
            yield _decode(line, index)

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """Every entry from `start` on that is there now, as it is hashed."""
        with self._lock:
            count, begin = len(self._ends), self._begin(start)
        with self._path.open("rb") as file:
            file.seek(begin)
            for _ in range(start, count):
                yield file.readline(MAX_ENTRY + 1).removesuffix(b"\n")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._file).st_size
        try:
            if os.write(self._file, data) != len(data):
                raise OSError("short write")
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            raise LedgerFull("the log cannot be written", reason=str(error)) from error

    def _begin(self, index: int) -> int:
        """Where in the file an entry begins; the end of the file for those that are not there yet."""
        return self._ends[min(index, len(self._ends)) - 1] if index and self._ends else 0

    def _add(self, line: bytes) -> None:
        self._ends.append(self._begin(len(self._ends)) + len(line) + 1)
        self._tree.add(line)

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
                _decode(line[:-1], len(self._ends))
                self._add(line[:-1])
                good += len(line)
        os.ftruncate(self._file, good)
        # The last line may have been written but not yet synced when its writer died: a head that is signed over
        # it must find it again after a power cut.
        os.fsync(self._file)
        disk.settle(self._path.parent)


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
