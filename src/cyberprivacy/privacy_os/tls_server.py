"""A server over TLS 1.3 whose key is in no file: the door of a machine, and a key node."""

import os
import ssl
from typing import Final

import uvicorn
from starlette.applications import Starlette

MAX_WAITING: Final = 64
"""Requests at once; who comes beyond is turned away."""


def tls_server(application: Starlette, pem: bytes, *, keep: int) -> uvicorn.Server:
    """A server that runs on given sockets until it is told to end.

    Args:
        application: what answers.
        pem: certificate and private key. They reach OpenSSL through memory that has no name.
        keep: seconds that a connection may stay open with nothing said.
    """
    held = os.memfd_create("tls")
    try:
        os.write(held, pem)
        config = uvicorn.Config(
            application,
            ssl_certfile=f"/proc/self/fd/{held}",
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
            access_log=False,
            log_level="warning",
            server_header=False,
            limit_concurrency=MAX_WAITING,
            timeout_keep_alive=keep,
        )
        config.load()
    finally:
        os.close(held)
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return uvicorn.Server(config)
