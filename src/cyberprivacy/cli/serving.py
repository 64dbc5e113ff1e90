"""What commands do first that run until they are told to end: a socket, a log of JSON lines, an ear for it."""

import signal
import socket
import sys
import threading
from typing import Final

import structlog

from cyberprivacy.errors import Misuse

ENDS: Final = (signal.SIGTERM, signal.SIGINT)


def socket_at(listen: str, *, code: str) -> socket.socket:
    """A socket that listens at HOST:PORT; port 0 is any.

    Raises:
        Misuse: not HOST:PORT, or it cannot be had, under this code.
    """
    from cyberprivacy.bundle.serve import listening

    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535 or not host:
        raise Misuse("not HOST:PORT", code=code, listen=listen[:100])
    try:
        return listening(host.strip("[]"), int(port))
    except OSError as error:
        raise Misuse("cannot listen there", code=code, listen=listen, why=error.strerror) from None


def log_to_stderr() -> None:
    """One JSON object for each event, with level and time (UTC)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def told_to_end() -> threading.Event:
    """An event that is set when this process is asked to end (SIGTERM, SIGINT). Once in a process.

    A Python handler runs in the main thread alone, and only once that thread does something: the kernel may give
    the signal to any other thread, and a main thread that waits for one of them would never hear of it. So the
    event is set by a thread that reads the number that the interpreter's own handler writes, in whichever thread.

    Raises:
        ValueError: not called in the main thread.

    Source: Python documentation, `signal.set_wakeup_fd`.
    """
    told, heard = threading.Event(), socket.socketpair()
    heard[1].setblocking(False)
    signal.set_wakeup_fd(heard[1].fileno(), warn_on_full_buffer=False)
    for number in ENDS:
        signal.signal(number, lambda *_: None)  # or the process would end at once

    def listen() -> None:
        while True:
            if heard[0].recv(1)[0] in ENDS:
                told.set()

    threading.Thread(target=listen, name="told-to-end", daemon=True).start()
    return told
