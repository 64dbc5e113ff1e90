"""The administrators' door over HTTP, under `/.well-known/cyberprivacy/`: the only place that takes a POST.

* `GET admin`: what may be turned and asked, its bounds and present values, for anybody.
* `POST admin`: one signed request, canonical JSON of 16 KiB at most; the answer comes when it has happened.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cyberprivacy.admin.refusals import BadRequest, NotReady
from cyberprivacy.admin.request import MAX_REQUEST
from cyberprivacy.node.administration import Door
from cyberprivacy.node.pacing import Pace, behind_front

PATH: Final = "/.well-known/cyberprivacy/admin"
RATE: Final = 10
"""Requests of one address in one minute."""
AT_ONCE: Final = 4
"""Requests that are judged or wait for witnesses at a time: each holds a thread that proofs need, too."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(door: Door, *, clock: Callable[[], float]) -> list[Route]:
    """The two routes of the door; refusals are answered by `api.application`."""
    pace, seats = Pace(RATE, clock=clock), asyncio.Semaphore(AT_ONCE)

    async def show(_request: Request) -> Response:
        return JSONResponse(dict(await run_in_threadpool(door.show)), headers=_HEADERS)

    async def act(request: Request) -> Response:
        if not pace.allows(behind_front(request)):
            raise NotReady("too many requests of one address", code="admin.many", hint="Wait a minute.")
        body = await _body(request)
        if seats.locked():
            raise NotReady("too many requests at a time", code="admin.many", hint="Ask again in a moment.")
        async with seats:
            told = await run_in_threadpool(door.handle, body)
        return JSONResponse(dict(told), headers=_HEADERS)

    return [Route(PATH, show, methods=["GET"]), Route(PATH, act, methods=["POST"])]


async def _body(request: Request) -> bytes:
    """The body, if it is not too large; what is too large is not read to its end."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST:
            raise BadRequest("a request is too large", code="admin.size", limit=MAX_REQUEST)
    return bytes(body)
