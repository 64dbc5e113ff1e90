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


def anybody() -> ssl.SSLContext:
    """TLS with whoever answers: a node's certificate is its own, and proof comes in another way.

    Each time new, so that whoever asks may add what they compare.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls
