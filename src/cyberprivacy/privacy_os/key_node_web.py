"""A key node's server: three questions over TLS, one at a time, each of bounded size."""

import asyncio
import socket
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import uvicorn
from cryptography.x509 import load_pem_x509_certificate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cyberprivacy.attest.certificates import spki
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.privacy_os.key_node import KeyNode
from cyberprivacy.privacy_os.key_request import MAX_ASK
from cyberprivacy.privacy_os.tls_server import tls_server

KEPT: Final = 120
"""Seconds: a slow TPM makes two keys between two questions."""
_STATUS: Final = ((Misuse, 400), (Untrusted, 403), (TryLater, 503))


def application(node: KeyNode) -> Starlette:
    """The routes."""
    alone = asyncio.Lock()

    def route(path: str, work: Callable[[bytes], bytes]) -> Route:
        async def answer(request: Request) -> Response:
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > MAX_ASK:
                    raise Misuse("too much", code="keys.size", limit=MAX_ASK)
            async with alone:
                return Response(await asyncio.to_thread(work, bytes(body)), media_type="application/json")

        return Route(path, answer, methods=["POST"])

    async def refused(_: Request, error: Exception) -> Response:
        status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
        what = str(error).encode("ascii", "backslashreplace").decode()[:300]
        return JSONResponse({"error": getattr(error, "code", "error"), "what": what}, status)

    routes = [
        route("/enrolment", node.enrol),
        route("/challenge", lambda _: node.challenge()),
        route("/part", node.part),
    ]
    return Starlette(routes=routes, exception_handlers={CyberPrivacyError: refused})


def pin_of(pem: bytes) -> bytes:
    """By what machines know a server: SHA-256 of the SubjectPublicKeyInfo of its certificate, 32 bytes."""
    return sha256(spki(load_pem_x509_certificate(pem))).digest()


def server(node: KeyNode, pem: bytes) -> uvicorn.Server:
    """A server that runs on given sockets until it is told to end."""
    return tls_server(application(node), pem, keep=KEPT)


def serve(node: KeyNode, pem: bytes, door: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT."""
    server(node, pem).run([door])
