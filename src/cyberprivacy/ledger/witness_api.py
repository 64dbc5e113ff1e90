"""A witness over HTTP: one address that takes heads, one that shows the newest. Nobody has an account.

Source: C2SP tlog-witness; submission and monitoring prefix are the same.
"""

from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.submission import MAX_REQUEST
from cyberprivacy.ledger.witness import TEXT_TYPE, Reply

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Cosigner(Protocol):
    """What answers: a `Witness`, or somebody in front of one."""

    def add_checkpoint(self, body: bytes) -> Reply:
        """See `Witness.add_checkpoint`."""
        ...

    def newest(self, origin_hash: str) -> bytes | None:
        """See `Witness.newest`."""
        ...


def witness_application(witness: Cosigner) -> Starlette:
    """The HTTP interface of a witness."""

    async def add(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > MAX_REQUEST:
                    return PlainTextResponse("too large\n", 413, headers=_HEADERS)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            reply = await run_in_threadpool(witness.add_checkpoint, bytes(body))
        except TryLater as refusal:  # the disk, or the clock: nothing was signed
            return PlainTextResponse(f"{refusal.what}\n", 503, headers=_HEADERS)
        # As a header: a media type would get a charset, and this one has none.
        return Response(reply.body, reply.status, headers={**_HEADERS, "Content-Type": reply.type})

    async def newest(request: Request) -> Response:
        found = witness.newest(request.path_params["origin"])
        if found is None:
            return PlainTextResponse("nothing was cosigned for this log\n", 404, headers=_HEADERS)
        return Response(found, headers={**_HEADERS, "Content-Type": TEXT_TYPE})

    return Starlette(
        routes=[Route("/add-checkpoint", add, methods=["POST"]), Route("/{origin:str}/checkpoint", newest)],
    )
