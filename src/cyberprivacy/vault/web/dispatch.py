"""How a request becomes a call of an entry of the table, and what it returns a response.

In this order, each before the next costs anything: pace of the address, form of path, query and headers, the
session and its pace, the size of the body, its form, and what the account allows now.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault import account as rules
from cyberprivacy.vault.account import State
from cyberprivacy.vault.sessions import Session
from cyberprivacy.vault.web.crew import Crew
from cyberprivacy.vault.web.endpoint import SMALL, Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.forms import check_headers, check_path, read_body, read_query
from cyberprivacy.vault.web.pace import Pace, TooFast
from cyberprivacy.vault.web.problem import MEDIA, BadCall, problem, status_of

PATIENCE: Final = 60.0
"""Seconds within which a body has to be here."""
SECURITY: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, refusals too."""
_log = structlog.get_logger("vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What every request passes.

    Attributes:
        find: the session of a token at a time (POSIX seconds); refuses what is none.
        state: an account as its events left it.
        addresses, accounts: the pace of each.
        readers, writers: do short calls.
        clock: POSIX seconds.
    """

    find: Callable[[str, float], Session]
    state: Callable[[bytes], State]
    addresses: Pace
    accounts: Pace
    readers: Crew
    writers: Crew
    clock: Callable[[], float] = time.time


async def answer(request: Request, endpoint: Endpoint, doors: Doors) -> Response:
    """Let a request through to its entry, or refuse it."""
    try:
        reply = await _let_through(request, endpoint, doors)
    except CyberPrivacyError as error:
        return refusal(error, endpoint.name)
    return respond(endpoint, reply)


async def _let_through(request: Request, endpoint: Endpoint, doors: Doors) -> Reply:
    address = request.client.host if request.client else ""
    doors.addresses.take(address, endpoint.cost, time.monotonic())
    path = check_path(endpoint, request.path_params)
    query = read_query(endpoint, request.query_params.multi_items())
    headers = check_headers(endpoint, request.headers)
    token, raw, session = request.headers.get("authorization", ""), b"", None
    large = endpoint.body is not None and not _is_small(request)
    if large:  # a stranger's large body is not even read
        session = await run_in_threadpool(_session, endpoint, token, doors)
    if endpoint.body is not None:
        raw = await _body(request, endpoint)

    def call() -> Reply:
        known = session if large else _session(endpoint, token, doors)
        now = doors.clock()
        _allowed(endpoint, known, doors, now)
        body = read_body(endpoint, raw)
        return endpoint.run(Call(known, path, query, body, headers, now))

    if endpoint.short:
        return await (doors.readers if endpoint.method == "GET" else doors.writers).do(call)
    return await run_in_threadpool(call)


def _is_small(request: Request) -> bool:
    """Whether a body is said to be so short that reading it costs less than finding out who sends it."""
    told = request.headers.get("content-length", "")
    return told.isdecimal() and len(told) < 8 and int(told) <= SMALL


def _session(endpoint: Endpoint, header: str, doors: Doors) -> Session | None:
    if endpoint.who in (Who.ANYBODY, Who.SIGNED, Who.HOLDER):
        return None
    scheme, _, token = header.partition(" ")
    session = doors.find(token if scheme.lower() == "bearer" else "", doors.clock())
    doors.accounts.take(session.account.hex(), endpoint.cost, time.monotonic())
    if endpoint.who is Who.OWNER:
        session.check_owner()
    return session


def _allowed(endpoint: Endpoint, session: Session | None, doors: Doors, now: float) -> None:
    """What the account's own rules say of this act, by this key, now."""
    if session is not None and endpoint.act is not None:
        rules.check(doors.state(session.account), session.key, endpoint.act, now=now)


async def _body(request: Request, endpoint: Endpoint) -> bytes:
    """The body, if it is not too large; what is too large is not read to its end."""
    told = request.headers.get("content-length", "0")
    body = bytearray()
    if not told.isdecimal() or len(told) > 12 or int(told) > endpoint.limit:
        raise BadCall("the body is too large", code="api.size", limit=endpoint.limit)
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > endpoint.limit:
                    raise BadCall("the body is too large", code="api.size", limit=endpoint.limit)
    except (TimeoutError, ClientDisconnect):
        raise TryLater("the body did not arrive", code="api.slow", hint="Send it again.") from None
    return bytes(body)


def respond(endpoint: Endpoint, reply: Reply) -> Response:
    """A reply as HTTP."""
    headers = {**SECURITY, **reply.headers}
    status = reply.status or endpoint.status
    media = endpoint.answer.value if isinstance(endpoint.answer, Media) else "application/json"
    match reply.value:
        case None:
            return Response(status_code=status, headers=headers)
        case bytes():
            return Response(reply.value, status, headers, media or None)
        case msgspec.Struct():
            return Response(msgspec.json.encode(reply.value), status, headers, media)
        case AsyncIterator() | Iterator():
            return StreamingResponse(reply.value, status, headers, media)


def refusal(error: CyberPrivacyError, where: str) -> Response:
    """A refusal as HTTP, and as an event in the log: its code, never what the request held."""
    status = status_of(error)
    _log.info("refused", code=error.code, endpoint=where, status=status)
    headers: dict[str, Any] = {**SECURITY}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooFast):
        headers["Retry-After"] = str(error.facts["seconds"])
    return Response(msgspec.json.encode(problem(error)), status, headers, MEDIA)
