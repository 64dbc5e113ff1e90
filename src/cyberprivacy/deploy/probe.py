"""Asking a container whether it is well, from the host, by HTTP.

The container is a stranger: it may hang, drip one byte a second or talk for ever. One deadline is for the
whole question, and only so many bytes are read.
"""

import re
import socket
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.review.workload import Probe

_MOST_BYTES: Final = 16384
"""Of all heads together; as much as the front takes from an application."""
_AT_ONCE: Final = 64
_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?=[ \r\n]|\Z)")


@dataclass(frozen=True, slots=True)
class Health:
    """One answer. `said` holds a status or the kind of failure, never a body: bodies are about users."""

    well: bool
    said: str

    @property
    def late(self) -> bool:
        """Whether no answer came in time; it may still be one that takes long."""
        return self.said == TimeoutError.__name__


def ask(probe: Probe, endpoint: Endpoint, *, within: float | None = None) -> Health:
    """One GET of the probe's path; a whole head with 200-399 within its timeout is well.

    Args:
        probe: what to ask.
        endpoint: whom.
        within: seconds that the asker has, if those are fewer than the probe's timeout.
    """
    deadline = time.monotonic() + (probe.timeout if within is None else min(probe.timeout, within))
    try:
        with socket.create_connection((str(endpoint.address), endpoint.port), timeout=_left(deadline)) as line:
            line.settimeout(_left(deadline))
            line.sendall(_request(probe, endpoint))  # its timeout is for all of the bytes together
            status = _status(line, deadline)
    except OSError as failure:
        return Health(False, type(failure).__name__)
    except ValueError:
        return Health(False, "no HTTP")
    return Health(200 <= status < 400, f"HTTP {status}")


def ask_all(questions: Collection[tuple[Probe, Endpoint]], *, within: float) -> list[Health]:
    """The answers to these questions, in their order, asked side by side.

    Args:
        questions: what to ask whom.
        within: seconds after which there are no more answers: those still missing are late.
    """
    if not questions:
        return []
    deadline = time.monotonic() + within

    def answer(question: tuple[Probe, Endpoint]) -> Health:
        return ask(*question, within=deadline - time.monotonic())

    with ThreadPoolExecutor(min(len(questions), _AT_ONCE)) as threads:
        return list(threads.map(answer, questions))


def _request(probe: Probe, endpoint: Endpoint) -> bytes:
    lines = (
        f"GET {probe.path} HTTP/1.1",
        f"Host: {endpoint.address}:{endpoint.port}",
        "User-Agent: cyberprivacy-probe/1",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _status(line: socket.socket, deadline: float) -> int:
    """The status of the first answer that is one: 1xx only announce it, and fill our bytes like all else.

    Raises:
        OSError: it did not come in time, or the line broke.
        ValueError: it is no HTTP, or longer than any answer.
    """
    said, room = b"", _MOST_BYTES
    while True:
        if end := _END.search(said):
            status = _STATUS.match(said, 0, end.start())
            if status is None:
                raise ValueError("not the head of an answer")
            if not status[1].startswith(b"1"):
                return int(status[1])
            said = said[end.end() :]
        elif not room:
            raise ValueError("no head of an answer is so long")
        else:
            line.settimeout(_left(deadline))
            part = line.recv(room)
            if not part:
                raise ConnectionError("broke off")
            said, room = said + part, room - len(part)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
