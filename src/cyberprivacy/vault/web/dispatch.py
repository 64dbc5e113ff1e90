"""How a request becomes a call of an entry of the table, and what it returns a response.

In this order, each before the next costs anything: pace of the address, form of path, query and headers, the
session and its pace, the size of the body, its form, and what the account allows now.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import account as rules
from cyberprivacy.vault.account import State
from cyberprivacy.vault.sessions import Session
from cyberprivacy.vault.web.crew import Does
from cyberprivacy.vault.web.endpoint import SMALL, Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.exchange import SECURITY, Answer, Asked
from cyberprivacy.vault.web.forms import read_body, read_headers, read_query
from cyberprivacy.vault.web.pace import Pace, TooFast
from cyberprivacy.vault.web.problem import MEDIA, problem, status_of

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
    readers: Does
    writers: Does
    clock: Callable[[], float] = time.time


async def answer(asked: Asked, endpoint: Endpoint, path: Mapping[str, str], doors: Doors) -> ASGIApp:
    """Let a request through to its entry, or refuse it.

    Args:
        asked: the request.
        endpoint: the entry.
        path: its parameters, each of its declared form.
        doors: what every request passes.
    """
    try:
        reply = await _let_through(asked, endpoint, path, doors)
    except CyberPrivacyError as error:
        return refusal(error, endpoint.name)
    return respond(endpoint, reply)


async def _let_through(asked: Asked, endpoint: Endpoint, path: Mapping[str, str], doors: Doors) -> Reply:
    doors.addresses.take(asked.address, endpoint.cost, time.monotonic())
    query, headers = read_query(endpoint, asked.query), read_headers(endpoint, asked)
    token, raw, session = asked.header("authorization") or "", b"", None
    large = endpoint.body is not None and not asked.small(SMALL)
    if large:  # a stranger's large body is not even read
        session = await run_in_threadpool(_session, endpoint, token, doors)
    if endpoint.body is not None:
        raw = await asked.body(endpoint.limit)

    def call() -> Reply:
        known = session if large else _session(endpoint, token, doors)
        now = doors.clock()
        _allowed(endpoint, known, doors, now)
        body = read_body(endpoint, raw)
        return endpoint.run(Call(known, path, query, body, headers, now))

    if endpoint.short:
        return await (doors.readers if endpoint.method == "GET" else doors.writers).do(call)
    return await run_in_threadpool(call)


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


def respond(endpoint: Endpoint, reply: Reply) -> ASGIApp:
    """A reply as HTTP."""
    status, value = reply.status or endpoint.status, reply.value
    media = endpoint.answer.value if isinstance(endpoint.answer, Media) else "application/json"
    if value is None:
        return Answer(status, reply.headers)
    if isinstance(value, bytes):
        return Answer(status, reply.headers, value, media)
    if isinstance(value, msgspec.Struct):
        return Answer(status, reply.headers, msgspec.json.encode(value), media)
    return StreamingResponse(value, status, {**SECURITY, **reply.headers}, media)


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
