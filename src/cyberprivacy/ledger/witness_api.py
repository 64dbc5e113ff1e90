"""A witness over HTTP: one address that takes heads, one that shows the newest. Nobody has an account.

Source: C2SP tlog-witness; submission and monitoring prefix are the same.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.submission import MAX_REQUEST
from cyberprivacy.ledger.witness import TEXT_TYPE, Reply

AT_ONCE: Final = 8
"""Requests that are judged at a time: each holds a thread that others of this process need, too."""
PATIENCE: Final = 10.0
"""Seconds that the body of a request may take to arrive."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Cosigner(Protocol):
    """What answers: a `Witness`, or somebody in front of one."""

    def add_checkpoint(self, body: bytes) -> Reply:
        """See `Witness.add_checkpoint`."""
        ...

    def newest(self, origin_hash: str) -> bytes | None:
        """See `Witness.newest`."""
        ...


def witness_application(witness: Cosigner, *, allows: Callable[[Request], bool] = lambda _: True) -> Starlette:
    """The HTTP interface of a witness.

    Args:
        witness: what answers.
        allows: whether a request is not one too many of whoever asks.
    """
    seats = asyncio.Semaphore(AT_ONCE)

    async def add(request: Request) -> Response:
        if not allows(request):
            raise _refusal(429, "too many requests of one address")
        body = await _body(request)
        if seats.locked():
            raise _refusal(429, "too many requests at a time")
        try:
            async with seats:
                reply = await run_in_threadpool(witness.add_checkpoint, body)
        except TryLater as refusal:  # the disk, or the clock: nothing was signed
            raise _refusal(503, refusal.what) from refusal
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


async def _body(request: Request) -> bytes:
    """The body, if it comes in time and is not too large; what is too large is not read to its end."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > MAX_REQUEST:
                    raise _refusal(413, "too large")
    except TimeoutError:
        raise _refusal(408, "the request did not arrive in time") from None
    except ClientDisconnect:
        raise _refusal(400, "nobody is there any more") from None
    return bytes(body)


def _refusal(status: int, what: str) -> HTTPException:
    """Nothing was signed; after most of these the log asks again by itself."""
    return HTTPException(status, f"{what}\n", headers=_HEADERS)
