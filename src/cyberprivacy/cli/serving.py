"""What every `… serve` of an interface does first: a socket where it was told to, and a log of JSON lines."""

import socket
import sys

import structlog

from cyberprivacy.errors import Misuse


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
