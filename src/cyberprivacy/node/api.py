"""What a node says about itself, to anyone who asks: evidence, status, ledger.

Nothing here can be told to it, but for the signed requests of administrators (`admin_api`) and the signed heads
of logs that it was configured to watch (`circle_api`).

Served on a socket of its own behind the TLS front, under `/.well-known/cyberprivacy/`:

* `` (nothing): a page for people that says how to check all this.
* `attestation?nonce=<64 hex>`: evidence and statement made for this nonce and this TLS session (canonical JSON).
* `status`: what runs, what is on its way, what it waits for.
* `ready`: 204 if users may be sent to this node, 503 while another one of the same application serves them better.
* `log?from=<index>`: entries of the ledger, one canonical JSON document a line, 1,000 at most; the
  header `Cyberprivacy-Log-Size` says how many there are.
* `log/checkpoint`, `log/tile/…`: the same, signed, as C2SP tlog-tiles has it: files that anybody can mirror.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cyberprivacy.attest.agent import Busy
from cyberprivacy.attest.session import TlsSession
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.reading import Source
from cyberprivacy.node.logfiles import NoSuchFile, log_files

PREFIX: Final = "/.well-known/cyberprivacy"
PAGE: Final = 1_000
ASKERS: Final = 8
"""How many may ask for a proof at a time: each costs a look at every container, and a quote."""
_NONCE: Final = re.compile(r"[0-9a-f]{64}\Z")
_SECRET: Final = re.compile(r"(?:[0-9a-f]{64}|[0-9a-f]{96})\Z")
_INDEX: Final = re.compile(r"(0|[1-9][0-9]{0,11})\Z")
_STATUS: Final = {1: 409, 2: 400, 3: 503}
_PAGE_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
PAGE_TEXT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check this server</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem }}
h1 {{ font-size: 1.6rem; line-height: 1.25 }}
pre, td {{ font-family: ui-monospace, monospace; font-size: .9rem; overflow-wrap: anywhere }}
pre {{ white-space: pre-wrap; padding: 1rem; border: 1px solid #8886; border-radius: .5rem }}
th {{ text-align: left; font-weight: 600; padding-right: 1.5rem; vertical-align: top; white-space: nowrap }}
</style></head><body>
<h1>What runs here was decided by vote. Do not take our word for it.</h1>
<p>From your own computer, with an Ethereum endpoint that you trust:</p>
<pre>cyberprivacy verify https://{host} --dao {dao} --rpc https://your-endpoint</pre>
<p>It connects here, takes this server's key and its hardware evidence, and follows them to the release that the
members of the DAO voted for. It prints one line for each check, and who could still cheat.
Have the DAO's address from somebody else than this server, and that of its factory for <code>--factory</code>.</p>
<table>
<tr><th>DAO</th><td>{dao}</td></tr>
<tr><th>state</th><td>{state}</td></tr>
<tr><th>release</th><td>{release}</td></tr>
<tr><th>source</th><td>ipfs://{wanted}</td></tr>
</table>
<p><a href="status">Status</a> and <a href="log">ledger</a> of this node are open to everybody, as JSON.
<a href="admin">What administrators may turn</a> is open, too, and each act of theirs is on the ledger before it
takes effect. There is no other way to tell this node anything.</p>
</body></html>
"""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class NotReady(TryLater):
    """Something serves that this node does not send users to yet."""

    code = "api.unready"
    hint = "It has just started. Another node of this application answers meanwhile."


class NoSession(TryLater):
    """Nobody knows in which TLS session this was asked, so nothing can be proven in it."""

    code = "api.session"
    hint = "Ask through the node's own TLS front."


def _session(request: Request) -> TlsSession:
    """The TLS session, as the front tells it; what clients say of it never passes the front."""
    secret = request.headers.get("cyberprivacy-exporter", "").lower()
    certificate = request.headers.get("cyberprivacy-certificate", "")
    if not _SECRET.match(secret) or not _NONCE.match(certificate):
        raise NoSession("the TLS front does not say in which session this is asked")
    return TlsSession(bytes.fromhex(secret), bytes.fromhex(certificate))


def application(
    *,
    attest: Callable[[bytes, TlsSession], bytes],
    status: Callable[[], Mapping[str, object]],
    is_ready: Callable[[], bool],
    ledger: Ledger,
    public: Source,
    more: Sequence[BaseRoute] = (),
) -> Starlette:
    """The interface of a node for one DAO.

    Args:
        attest: 32-byte nonce, TLS session -> attestation as canonical JSON; may raise `CyberPrivacyError`.
        status: the present status as JSON values.
        is_ready: whether the node wants users.
        ledger: what happened.
        public: the same, as the files of a public log.
        more: the administrators' door and the witness, `doors.doors`.
    """
    askers = asyncio.Semaphore(ASKERS)

    async def page(request: Request) -> Response:
        now = await run_in_threadpool(status)
        values = {"host": request.headers.get("host", "…"), **{name: str(value) for name, value in now.items()}}
        text = PAGE_TEXT.format_map({name: escape(value) for name, value in values.items()})
        return HTMLResponse(text, headers=_HEADERS | _PAGE_HEADERS)

    async def attestation(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not _NONCE.match(nonce):
            return _problem("api.nonce", "give a nonce of 64 lower-case hex digits", 400)
        if askers.locked():
            raise Busy("too many ask at the same time")
        async with askers:
            document = await run_in_threadpool(attest, bytes.fromhex(nonce), _session(request))
        return Response(document, media_type="application/json", headers=_HEADERS)

    async def ready(_request: Request) -> Response:
        if not await run_in_threadpool(is_ready):
            raise NotReady("users are better off at another node")
        return Response(status_code=204, headers=_HEADERS)

    own = [
        Route(f"{PREFIX}/", page),
        Route(f"{PREFIX}/attestation", attestation),
        Route(f"{PREFIX}/ready", ready),
    ]
    return assembled([*own, *record(status=status, ledger=ledger, public=public), *more])


def record(*, status: Callable[[], Mapping[str, object]], ledger: Ledger, public: Source) -> list[BaseRoute]:
    """The routes of what is remembered: the present status, the journal, the public log; as `application`."""

    async def state(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(status), headers=_HEADERS)

    async def log(request: Request) -> Response:
        start = request.query_params.get("from", "0")
        if not _INDEX.match(start):
            return _problem("api.index", "`from` is not an index", 400)
        lines = b"".join(line + b"\n" for line in islice(ledger.lines(int(start)), PAGE))
        size = {"Cyberprivacy-Log-Size": str(ledger.head().size)}
        return Response(lines, media_type="application/x-ndjson", headers={**_HEADERS, **size})

    return [
        Route(f"{PREFIX}/status", state),
        Route(f"{PREFIX}/log", log),
        log_files(f"{PREFIX}/log", public),
    ]


def assembled(routes: Sequence[BaseRoute]) -> Starlette:
    """Routes, and what is answered where one of them refuses."""

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, CyberPrivacyError)  # noqa: S101  (registered for this class only)
        status = 404 if isinstance(error, NoSuchFile) else _STATUS.get(error.exit_code, 500)
        return _problem(error.code, error.what, status, error.hint)

    return Starlette(routes=routes, exception_handlers={CyberPrivacyError: refused})


def _problem(code: str, what: str, status: int, hint: str = "") -> Response:
    """A refusal as JSON. Source: RFC 9457, with our reason code as its `type`."""
    body = {"type": code, "title": what, "status": status, "detail": hint}
    return JSONResponse(body, status, headers=_HEADERS, media_type="application/problem+json")
