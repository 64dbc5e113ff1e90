"""What a node says about itself, to anyone who asks: evidence, status, ledger. Nothing here can be told to it.

Served on a socket of its own behind the TLS front, under `/.well-known/cyberprivacy/`:

* `attestation?nonce=<64 hex>`: evidence and statement made for this nonce (canonical JSON).
* `status`: what runs, what is on its way, what it waits for.
* `log?from=<index>`: entries of the ledger, one canonical JSON document a line, 1,000 at most; the
  header `Cyberprivacy-Log-Size` says how many there are.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import Ledger

PREFIX: Final = "/.well-known/cyberprivacy"
PAGE: Final = 1_000
_NONCE: Final = re.compile(r"[0-9a-f]{64}\Z")
_INDEX: Final = re.compile(r"(0|[1-9][0-9]{0,11})\Z")
_STATUS: Final = {1: 409, 2: 400, 3: 503}
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(
    *, attest: Callable[[bytes], bytes], status: Callable[[], Mapping[str, object]], ledger: Ledger
) -> Starlette:
    """The read-only interface of a node for one DAO.

    Args:
        attest: 32-byte nonce -> attestation as canonical JSON; may raise `CyberPrivacyError`.
        status: the present status as JSON values.
        ledger: what happened.
    """

    async def attestation(request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not _NONCE.match(nonce):
            return _problem("api.nonce", "give a nonce of 64 lower-case hex digits", 400)
        document = await run_in_threadpool(attest, bytes.fromhex(nonce))
        return Response(document, media_type="application/json", headers=_HEADERS)

    async def state(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(status), headers=_HEADERS)

    async def log(request: Request) -> Response:
        start = request.query_params.get("from", "0")
        if not _INDEX.match(start):
            return _problem("api.index", "`from` is not an index", 400)
        lines = b"".join(entry.encode() + b"\n" for entry in islice(ledger.entries(int(start)), PAGE))
        size = {"Cyberprivacy-Log-Size": str(ledger.head().size)}
        return Response(lines, media_type="application/x-ndjson", headers={**_HEADERS, **size})

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, CyberPrivacyError)  # noqa: S101  (registered for this class only)
        return _problem(error.code, error.what, _STATUS.get(error.exit_code, 500), error.hint)

    return Starlette(
        routes=[
            Route(f"{PREFIX}/attestation", attestation),
            Route(f"{PREFIX}/status", state),
            Route(f"{PREFIX}/log", log),
        ],
        exception_handlers={CyberPrivacyError: refused},
    )


def _problem(code: str, what: str, status: int, hint: str = "") -> Response:
    """A refusal as JSON. Source: RFC 9457, with our reason code as its `type`."""
    body = {"type": code, "title": what, "status": status, "detail": hint}
    return JSONResponse(body, status, headers=_HEADERS, media_type="application/problem+json")
