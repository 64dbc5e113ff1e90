"""Whose certificates we believe where nobody says whose."""

import ssl
from functools import cache

import httpx2


@cache
def public() -> ssl.SSLContext:
    """TLS settings that trust the authorities that the world trusts, whatever the environment says.

    To read their certificates takes some 40 ms, which is done once in a process and not for every client.
    """
    return httpx2.create_ssl_context(trust_env=False)
