"""Which evidence was accepted before, so that none is accepted twice where nobody can send a nonce.

Evidence is remembered by its identity, the hash of its signed region: respelled signatures and certificates make
no new evidence. What is no longer valid is forgotten, as every verifier refuses it for that; what is valid is
never forgotten to make room: a full memory refuses.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.evidence import MAX_TIME
from cyberprivacy.attest.policy import MAX_SKEW
from cyberprivacy.errors import Misuse, TryLater, Untrusted

CAPACITY: Final = 16_384
MAX_FILE: Final = 2 << 20
PATIENCE: Final = 10.0
"""Seconds to wait for another process that has the file."""

_IDENTITY: Final = 32
_FIELDS: Final = frozenset({"v", "seen"})


class FullMemory(TryLater):
    """So much valid evidence is remembered that no more can be."""

    code = "seen.full"
    hint = "Wait until some of it is no longer valid, or accept only evidence that is valid for a shorter time."


class BadMemory(Misuse):
    """The file is not one that remembers evidence; nothing is accepted by it."""

    code = "seen.form"
    hint = "It was damaged, or is another file. Name a new one, and know that what was seen before is forgotten."


class Memory(Protocol):
    """Remembers evidence."""

    def first(self, identity: bytes, *, until: int, now: int) -> bool:
        """Whether this evidence is here for the first time; from now on it is not.

        Args:
            identity: SHA-256 of the signed region, 32 bytes.
            until: end of its validity, seconds since 1970.
            now: seconds since 1970.

        Raises:
            FullMemory: there is no room for more.
            Misuse: nothing that could be remembered ("seen.identity").
        """
        ...


class ProcessMemory:
    """Remembers for as long as the process lives; any number of threads may ask."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._seen: Mapping[bytes, int] = {}
        self._capacity = capacity
        self._lock = threading.Lock()

    def first(self, identity: bytes, *, until: int, now: int) -> bool:
        """See `Memory`."""
        with self._lock:
            seen = admit(self._seen, identity, until=until, now=now, capacity=self._capacity)
            if seen is not None:
                self._seen = seen
        return seen is not None


class FileMemory:
    """Remembers in a file, which any number of processes may share; a crash loses nothing that was answered."""

    def __init__(self, path: Path, *, capacity: int = CAPACITY) -> None:
        self._path, self._capacity = path, capacity

    def first(self, identity: bytes, *, until: int, now: int) -> bool:
        """See `Memory`.

        Raises:
            BadMemory: the file is damaged.
            TryLater: it cannot be read or written ("seen.file"), or another process keeps it ("seen.busy").
        """
        try:
            with _locked(self._path.with_name(self._path.name + ".lock")):
                seen = admit(self._read(), identity, until=until, now=now, capacity=self._capacity)
                if seen is not None:
                    self._write(seen)
        except OSError as error:
            raise TryLater(
                "seen evidence cannot be remembered",
                code="seen.file",
                hint="Check the folder and its space; the evidence was not accepted.",
                path=str(self._path),
                reason=error.strerror,
            ) from error
        return seen is not None

    def _read(self) -> dict[bytes, int]:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_FILE + 1)
        except FileNotFoundError:
            return {}
        try:
            return decode(data)
        except Untrusted as error:
            raise BadMemory(error.what, path=str(self._path)) from None

    def _write(self, seen: Mapping[bytes, int]) -> None:
        """Replace the file whole, and be sure of it before anybody hears the answer."""
        beside = self._path.with_name(self._path.name + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(encode(seen))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def admit(
    seen: Mapping[bytes, int], identity: bytes, *, until: int, now: int, capacity: int = CAPACITY
) -> dict[bytes, int] | None:
    """What is remembered after this evidence; None when it is remembered already. Pure.

    Args:
        seen: end of validity by identity.
        identity: SHA-256 of the signed region, 32 bytes.
        until: end of its validity, seconds since 1970.
        now: seconds since 1970.
        capacity: how many may be remembered.
    """
    if len(identity) != _IDENTITY or not 0 <= until < MAX_TIME:
        raise Misuse("not the name of evidence", code="seen.identity", size=len(identity), until=until)
    # A policy may let clocks differ by so much: until then somebody may still accept it.
    live = {each: ends for each, ends in seen.items() if ends + MAX_SKEW >= now}
    if identity in live:
        return None
    if len(live) >= capacity:
        raise FullMemory("too much valid evidence is remembered", capacity=capacity)
    return {**live, identity: until}


def encode(seen: Mapping[bytes, int]) -> bytes:
    """The form on disk: canonical JSON."""
    return canonical.encode({"v": 1, "seen": {identity.hex(): until for identity, until in seen.items()}})


def decode(data: bytes) -> dict[bytes, int]:
    """The value of the form on disk.

    Raises:
        NotCanonical, BadDocument: any other form.
    """
    document = Document(canonical.decode(data, limit=MAX_FILE), "seen evidence", _FIELDS)
    document.version()
    listed = document.mapping("seen", limit=CAPACITY)
    ends = Document(listed, "seen evidence", frozenset(listed))
    return {_identity(name): ends.integer(name, most=MAX_TIME - 1) for name in listed}


def _identity(name: str) -> bytes:
    try:
        identity = bytes.fromhex(name)
    except ValueError:
        identity = b""
    if len(identity) != _IDENTITY or identity.hex() != name:
        raise BadDocument("not the name of evidence", got=name[:80])
    return identity


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes, and other threads of this one, away."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise TryLater("another process keeps the file", code="seen.busy", path=str(path)) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(lock)
