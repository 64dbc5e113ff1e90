"""The machine's own door: it proves what the machine is, whatever becomes of the node, and does nothing else.

    GET  /evidence?nonce=<64 hex digits>   a document as `cyberprivacy evidence make` writes it, about this TLS key
    GET  /enrolment                        what the TPM asks with, for `cyberprivacy tpm certify`
    POST /enrolment                        the answer; the TPM opens it, and evidence carries the certificates
    GET  /boot-log                         what firmware and the first process measured
    GET  /identity                         the node's account and keys, which its provider lists on chain
    POST /upgrade                          `measurements.json` of the next image: see `upgrade`
    GET  /listening                        where this machine can be spoken to

The TLS key is born here and lives in memory only. This process is an unprivileged user: `preparing` has left in
`/run/privacy-os` what it needs.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cyberprivacy.attest import tpmenrolment
from cyberprivacy.attest.bare import EvidenceDocument, key_bound
from cyberprivacy.attest.enrolment import MAX_MESSAGE, Answer
from cyberprivacy.attest.files import replace_file
from cyberprivacy.attest.identity import EARLY, LONGEST, TlsIdentity
from cyberprivacy.attest.tpmdevice import TpmAttester
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.privacy_os.listening import listening
from cyberprivacy.privacy_os.preparing import BOOT_LOG, CERTIFICATES, DATA, HANDED, STATE
from cyberprivacy.privacy_os.tls_server import tls_server
from cyberprivacy.privacy_os.upgrade import NAME, Image
from cyberprivacy.privacy_os.volume import Configuration

IDENTITY: Final = DATA / "identity.json"
PORT: Final = 8443
ROLE: Final = "machine"
"""The role of a machine's own key: nobody takes it for that of a node."""
VALID: Final = 300
"""Seconds for which evidence is good."""
_STATUS: Final = ((Misuse, 400), (Untrusted, 403), (TryLater, 503))


class Service:
    """The machine's answers. One TPM: one question at a time."""

    def __init__(self, handed: Path = HANDED) -> None:
        """Read what was left here, and open the TPM.

        Raises:
            Misuse: no TPM, or a configuration that the first process would not have taken.
            TryLater: the TPM does not answer.
        """
        self.configuration = Configuration.parse((handed / "configuration").read_bytes())
        self._log, self._state = handed / BOOT_LOG, handed / STATE
        self._attester = TpmAttester(self._state, log=self._log)
        if (self._state / CERTIFICATES).exists():  # of an earlier start, where data outlasts it
            self._attester.certified((self._state / CERTIFICATES).read_bytes())
        address = str(self.configuration.address.ip)
        self.tls = TlsIdentity.born([address], lifetime=LONGEST, now=int(time.time()))

    def evidence(self, nonce: str) -> bytes:
        """Evidence about the TLS key, for somebody's nonce of 64 hex digits."""
        try:
            challenge = bytes.fromhex(nonce)
        except ValueError:
            challenge = b""
        if len(challenge) != 32 or nonce != challenge.hex():
            raise Misuse("a nonce is 64 lower-case hex digits", code="evidence.nonce", length=len(nonce))
        now = int(time.time())
        bound = key_bound(self.tls.spki, challenge, since=now - EARLY, until=now + VALID, role=ROLE)
        return EvidenceDocument(bound, self._attester.quote(bound.digest())).encode()

    def ask(self) -> bytes:
        """What the TPM asks with."""
        return tpmenrolment.ask(self._attester.held).encode()

    def install(self, answer: bytes) -> None:
        """Let the TPM open an answer."""
        certificates = tpmenrolment.accept(self._attester.held, Answer.parse(answer))
        self._attester.certified(certificates)
        replace_file(self._state / CERTIFICATES, certificates)  # for the node, whose key it is, too

    def upgrade(self, statement: bytes) -> None:
        """Keep what the next image will measure. At the next start the data disk is prepared for it, if it may be.

        Raises:
            Misuse: this machine keeps no data ("os.no-data-disk").
            BadUpgrade: it does not add up.
        """
        if not self.configuration.data:
            raise Misuse("this machine has no data disk", code="os.no-data-disk")
        Image.parse(statement)
        replace_file(self._state / NAME, statement)

    def log(self) -> bytes:
        """What was measured."""
        return self._log.read_bytes()

    def identity(self) -> bytes:
        """Who the node is.

        Raises:
            TryLater: it has not come that far.
        """
        try:
            return IDENTITY.read_bytes()
        except FileNotFoundError:
            raise TryLater("the node has not started yet", code="os.no-node") from None


def application(service: Service) -> Starlette:
    """The routes."""
    lock = asyncio.Lock()

    async def alone(work: partial[bytes] | partial[None]) -> bytes | None:
        async with lock:
            return await asyncio.to_thread(work)

    async def evidence(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        return Response(await alone(partial(service.evidence, nonce)), media_type="application/json")

    async def ask(_: Request) -> Response:
        return Response(await alone(partial(service.ask)), media_type="application/json")

    def taken(work: Callable[[bytes], None]) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > MAX_MESSAGE:
                    raise Misuse("too much", code="enrolment.size", limit=MAX_MESSAGE)
            await alone(partial(work, bytes(body)))
            return Response(status_code=204)

        return take

    async def log(_: Request) -> Response:
        return Response(service.log(), media_type="application/octet-stream")

    async def identity(_: Request) -> Response:
        return Response(service.identity(), media_type="application/json")

    async def doors(_: Request) -> Response:
        return JSONResponse(listening())

    async def refused(_: Request, error: Exception) -> Response:
        status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
        return JSONResponse({"error": getattr(error, "code", "error"), "what": str(error)}, status)

    routes = [
        Route("/evidence", evidence, methods=["GET"]),
        Route("/enrolment", ask, methods=["GET"]),
        Route("/enrolment", taken(service.install), methods=["POST"]),
        Route("/upgrade", taken(service.upgrade), methods=["POST"]),
        Route("/boot-log", log, methods=["GET"]),
        Route("/identity", identity, methods=["GET"]),
        Route("/listening", doors, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={CyberPrivacyError: refused})


def serve(service: Service) -> None:
    """Answer until the power is off."""
    server = tls_server(application(service), service.tls.pem(), keep=5)
    with socket.create_server((str(service.configuration.address.ip), PORT)) as door:
        print("privacy-os: serving", flush=True)  # noqa: T201  # the console is this machine's only log
        _let_go()
        server.run([door])


def _let_go() -> None:
    """Tell the first process, which waits for the end of this one's input, that the node may start."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


if __name__ == "__main__":
    serve(Service())
