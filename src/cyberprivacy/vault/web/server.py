"""A vault on a TCP port: one process, one event loop, and the threads that do the work."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.applications import Starlette

from cyberprivacy.errors import Misuse

GRACE: Final = 10
"""Seconds that answers may still take once the vault is told to stop."""
MAX_CONNECTIONS: Final = 512
BACKLOG: Final = 256


def listen(address: str) -> socket.socket:
    """A socket that takes connections at "host:port"; port 0 takes any that is free.

    Raises:
        Misuse: not an address, or it cannot be had ("vault.listen").
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family)
    try:
        if not port.isdecimal() or int(port) > 65_535 or not host:
            raise OSError("not host:port")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host.strip("[]"), int(port)))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise Misuse(
            "cannot listen there", code="vault.listen", address=address[:100], why=error.strerror or str(error)
        ) from None
    return opened


def run(app: Starlette, opened: socket.socket, *, started: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered.

    Args:
        started: called when the first request can be taken.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=MAX_CONNECTIONS,
    )
    started()
    uvicorn.Server(config).run(sockets=[opened])
