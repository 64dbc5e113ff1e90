"""Copies on disk: written whole or not at all, read with suspicion.

A file that is damaged, too large or about something else is as good as none. Nothing secret is in it; the folder
is its owner's alone so that nobody else chooses what is asked for again, and when.
"""

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.document import Document, to_base64
from cyberprivacy.errors import TryLater, Untrusted

MAX_FILE: Final = 512 << 10
MAX_ENTRIES: Final = 1000
ABANDONED: Final = 3600
"""Seconds after which an unfinished file belongs to nobody."""

MAX_PENANCE: Final = 3600
"""Seconds that a source is left alone at most, whatever a damaged file or a wrong clock says."""

_FIELDS: Final = frozenset({"v", "url", "at", "body", "chain"})
_UNFINISHED: Final = ".new-"
_POLL: Final = 0.05


class CacheUnusable(TryLater):
    """The folder of copies cannot be used."""

    code = "collateral.cache"
    hint = "Free some space, or name another folder by XDG_CACHE_HOME."


@dataclass(frozen=True, slots=True)
class Copy:
    """What a vendor answered.

    Attributes:
        body: the answer.
        chain: certificates of who signed it, in PEM; b"" when the answer is a certificate or a list itself.
        at: when it was fetched, seconds since 1970.
    """

    body: bytes
    chain: bytes
    at: int


class Queue:
    """The right to ask one source, which one thread of one process has at a time.

    Attributes:
        until: seconds since 1970 before which the source shall be left alone.
    """

    def __init__(self, descriptor: int, clock: Callable[[], float]) -> None:
        self._descriptor, self._clock = descriptor, clock
        text = os.pread(descriptor, 20, 0)
        self.until = min(float(text), clock() + MAX_PENANCE) if text.isdigit() else 0.0

    def leave_alone(self, seconds: float) -> None:
        """Let everybody, in whatever process, wait so long before the source is asked again."""
        self.until = self._clock() + min(seconds, MAX_PENANCE)
        with suppress(OSError):  # a full disk: then this process alone remembers
            os.pwrite(self._descriptor, b"%-20d" % (int(self.until) + 1), 0)
            os.ftruncate(self._descriptor, len(b"%d" % (int(self.until) + 1)))


class Cache:
    """A folder of copies, shared by any number of processes."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Keep copies in this folder, which is made when it is needed.

        Args:
            folder: for nothing else.
            clock: seconds since 1970.
        """
        self._folder, self._clock = folder, clock

    def read(self, url: str) -> Copy | None:
        """The copy of what this address answered; None when there is none that can be used."""
        try:
            with self._file(url).open("rb") as file:
                data = file.read(MAX_FILE + 1)
        except OSError:
            return None
        digest, _, rest = data.partition(b"\n")
        if len(data) > MAX_FILE or digest != sha256(rest).hexdigest().encode():
            return None
        try:
            document = Document(canonical.decode(rest, limit=MAX_FILE), "copy", _FIELDS)
            document.version()
            body = document.base64("body", limit=MAX_FILE)
            copy = Copy(body, document.base64("chain", limit=MAX_FILE), document.integer("at"))
        except Untrusted:
            return None
        return copy if document.raw("url") == url else None

    def write(self, url: str, copy: Copy) -> None:
        """Keep a copy; whoever reads meanwhile sees the old one.

        Raises:
            CacheUnusable: the disk is full, or refuses.
        """
        value = {
            "v": 1,
            "url": url,
            "at": copy.at,
            "body": to_base64(copy.body),
            "chain": to_base64(copy.chain),
        }
        rest = canonical.encode(value)
        with self._usable():
            self._sweep()
            descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._folder)  # 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(sha256(rest).hexdigest().encode() + b"\n" + rest)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._file(url))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    @contextmanager
    def queue(self, host: str, *, patience: float) -> Iterator[Queue]:
        """Wait for the right to ask this host, and keep it while the block lasts.

        A process that is killed loses it at once: the lock is the kernel's.

        Raises:
            TryLater: others took longer than `patience` seconds ("collateral.queue").
            CacheUnusable: the folder refuses.
        """
        with self._usable():
            path = self._folder / f"{sha256(host.encode()).hexdigest()[:32]}.queue"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            until = time.monotonic() + patience
            while not _locked(descriptor):
                if time.monotonic() > until:
                    raise TryLater("others ask this source and do not end", code="collateral.queue", host=host)
                time.sleep(_POLL)
            yield Queue(descriptor, self._clock)
        finally:
            os.close(descriptor)

    def _file(self, url: str) -> Path:
        return self._folder / f"{sha256(url.encode()).hexdigest()}.copy"

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield
        except OSError as error:
            reason = error.strerror
            raise CacheUnusable("copies cannot be kept", folder=str(self._folder), reason=reason) from error

    def _sweep(self) -> None:
        """Remove what a killed process left unfinished, and the oldest copies when there are too many."""
        copies: list[tuple[float, Path]] = []
        for path in self._folder.iterdir():
            try:
                age = path.stat().st_mtime
            except FileNotFoundError:
                continue  # somebody else sweeps, too
            if path.name.startswith(_UNFINISHED):
                if age < time.time() - ABANDONED:
                    path.unlink(missing_ok=True)
            elif path.suffix == ".copy":
                copies.append((age, path))
        for _, path in sorted(copies)[: max(0, len(copies) - MAX_ENTRIES + 1)]:
            path.unlink(missing_ok=True)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True
