"""A vault on a socket: one process, one event loop, and the threads that do the work."""

from typing import Final

import uvicorn
from starlette.types import ASGIApp

GRACE: Final = 10
"""Seconds that answers may still take once the vault is told to stop."""
MAX_CONNECTIONS: Final = 512


def prepared(app: ASGIApp, *, front: str = "") -> uvicorn.Server:
    """A server for `run(sockets=[…])`: until SIGTERM or SIGINT; requests that have begun are answered.

    Args:
        app: the vault.
        front: address of the one proxy that is believed about who asks; "" believes nobody.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=bool(front),
        forwarded_allow_ips=front or None,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=MAX_CONNECTIONS,
    )
    return uvicorn.Server(config)
