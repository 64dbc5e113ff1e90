"""What every command has that runs until it is told to end: how it hears that, and where its log goes."""

import signal
import socket
import sys
import threading
from typing import Final

import structlog

ENDS: Final = (signal.SIGTERM, signal.SIGINT)


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


def log_to_stderr() -> None:
    """One JSON object a line, with time (UTC) and level, from "info" upwards."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
