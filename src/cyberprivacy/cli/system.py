"""What the operating system refused, as one of our own refusals: "try later" or "you misused me".

Rooms answer the failures that they expect. This is for those that nobody expected, at the edge of the process.
"""

import errno
import os
from collections.abc import Mapping
from typing import Final

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater

LATER: Final = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE),  # a disk
        *(errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ETXTBSY, errno.EDEADLK, errno.ENOLCK),  # somebody's turn
        *(errno.ENOMEM, errno.ENOBUFS, errno.EMFILE, errno.ENFILE),  # a machine that does too much
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EPIPE),  # a peer
        *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),  # a network
        errno.EADDRINUSE,
    }
)
"""Failures that may be over the next time; any other comes back until something else is asked for."""

_ROOM: Final = "Make room on the disk and ask again."
_BUSY: Final = "Ask again when the machine has less to do."
_PEER: Final = "See whether what should answer there is running, and ask again."
HINTS: Final[Mapping[int, str]] = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EIO: "The disk may be failing: see what the kernel says of it.",
    errno.EAGAIN: _BUSY,
    errno.ENOMEM: _BUSY,
    errno.EMFILE: _BUSY,
    errno.ENFILE: _BUSY,
    errno.ECONNREFUSED: _PEER,
    errno.ECONNRESET: _PEER,
    errno.ETIMEDOUT: _PEER,
    errno.EADDRINUSE: "Something else listens there: stop it, or name another port.",
    errno.EADDRNOTAVAIL: "Name an address that this machine has.",
    errno.ENOENT: "Name something that exists.",
    errno.EEXIST: "Name something that does not exist yet.",
    errno.ENOTDIR: "Part of the path is a file: name a directory.",
    errno.EISDIR: "This is a directory: name a file.",
    errno.EACCES: "This user may not do that: ask as another, or name something else.",
    errno.EPERM: "This user may not do that: ask as another, or name something else.",
    errno.EROFS: "Nothing can be written there: name something else.",
    errno.ENAMETOOLONG: "Name something shorter.",
}


def refusal_of(error: OSError) -> CyberPrivacyError:
    """One of our refusals for a failure of the operating system.

    Its code is "os." and the failure's name in lower case, such as "os.enospc"; "os.etimedout" for whatever took
    too long, "os.name" for a host that is not found, "os.tls" for a broken channel, "os.error" for what has no
    name. Its facts are `reason`, and `path` and `other` where the system names them.
    """
    code, hint, later = _kind(error)
    named = {"path": error.filename, "other": error.filename2}
    facts = {name: _text(value) for name, value in named.items() if value is not None}
    refusal = TryLater if later else Misuse
    return refusal(
        "the operating system refused", code=code, hint=hint, **facts, reason=error.strerror or str(error)
    )


def _kind(error: OSError) -> tuple[str, str, bool]:
    """Code, hint, and whether to try later."""
    import socket
    import ssl

    # These two have numbers of their own, which mean something else than those of the system.
    if isinstance(error, socket.gaierror):
        return "os.name", "See whether the name is right and the network is up.", True
    if isinstance(error, ssl.SSLError):
        return "os.tls", _PEER, True
    number = errno.ETIMEDOUT if error.errno is None and isinstance(error, TimeoutError) else error.errno
    name = errno.errorcode.get(number or 0, "error").lower()
    return f"os.{name}", HINTS.get(number or 0, ""), number in LATER


def _text(named: object) -> str:
    """A file's name as the system had it: text, bytes, or the number of a descriptor."""
    return os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else str(named)
