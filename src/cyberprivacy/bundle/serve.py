"""Our trustless gateway: whoever holds a bundle can hand it on, and nobody has to believe the one who does.

Source: specs.ipfs.tech/http-gateways/trustless-gateway.
"""

import re
import socket
from collections.abc import Iterator, Mapping
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.gateway import CAR_TYPE, RAW_TYPE
from cyberprivacy.bundle.graph import Find
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.cid import BadCid, Cid

PROBE: Final = "bafkqaaa"
"""The identity CID of no bytes: clients ask for it to learn whether a gateway is there."""

_CAR_BASE: Final = CAR_TYPE.partition(";")[0]
_FIXED: Final = {"version": "1", "order": "dfs", "dups": "n"}
_NEVER: Final = re.compile(r"0(\.0*)?\Z")
_PIECE: Final = 256 << 10
_HEADERS: Final = {
    "Cache-Control": "public, max-age=29030400, immutable",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


class _Refused(HTTPException):
    """A request that is answered with a status and a reason code."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(status, what)
        self.code = code


def gateway_app(find: Find, limits: Limits = DEFAULT) -> Starlette:
    """The gateway over whatever `find` has; `find` is called from several threads at once."""

    def content(request: Request) -> Response:
        as_car = _wants_car(request)
        text = str(request.path_params["cid"])
        if text == PROBE and not as_car:
            return _raw(request, text, b"")
        try:
            cid = Cid.parse(text)
        except BadCid as error:
            raise _Refused(400, error.code, error.what) from None
        block = find(cid)
        if block is None:
            raise _Refused(404, "bundle.missing", "not here")
        return _car(request, cid, find, limits) if as_car else _raw(request, text, block)

    return Starlette(
        routes=[
            Route("/ipfs/{cid}", content, methods=["GET", "HEAD"]),
            Route("/ipfs/{cid}/{path:path}", _no_paths, methods=["GET", "HEAD"]),
        ],
        exception_handlers={HTTPException: _explain},
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that already takes connections, so that nobody has to wait for the server to start.

    Raises:
        OSError: the address is taken or not ours. `port` 0 picks a free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def server(find: Find, *, connections: int = 64, limits: Limits = DEFAULT) -> uvicorn.Server:
    """The HTTP server, not yet running: `server(find).run(sockets=[listening(host, port)])`.

    Args:
        find: gives blocks whose hashes were checked; called from several threads.
        connections: at once; one more is answered with 503.
        limits: what one CAR may hold.
    """
    config = uvicorn.Config(
        gateway_app(find, limits),
        access_log=False,
        log_config=None,
        limit_concurrency=connections,
        timeout_keep_alive=20,
        server_header=False,
    )
    return uvicorn.Server(config)


def _wants_car(request: Request) -> bool:
    """Whether a CAR is asked for; False is one raw block. The query counts before the Accept header."""
    query = request.query_params
    wanted = query.get("format")
    types = _accepted(request.headers.get("accept", ""))
    if wanted is None:
        wanted = "raw" if RAW_TYPE in types else "car" if _CAR_BASE in types else ""
    if wanted not in ("raw", "car"):
        raise _Refused(406, "bundle.format", "ask for format=raw or format=car")
    if wanted == "car":
        _check_car_options({**types.get(_CAR_BASE, {}), **_car_query(query)})
        if query.get("dag-scope", "all") != "all" or "entity-bytes" in query:
            raise _Refused(400, "bundle.scope", "only whole graphs are served")
    return wanted == "car"


def _car_query(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query[f"car-{name}"] for name in _FIXED if f"car-{name}" in query}


def _check_car_options(options: Mapping[str, str]) -> None:
    for name, value in _FIXED.items():
        if options.get(name, value) not in (value, "unk" if name == "order" else value):
            raise _Refused(406, "bundle.format", f"only {CAR_TYPE} is served")


def _accepted(header: str) -> dict[str, dict[str, str]]:
    """Media types of an Accept header with their parameters, without those that q=0 rules out."""
    found: dict[str, dict[str, str]] = {}
    for item in header.split(",")[:20]:
        kind, *parts = (part.strip().lower() for part in item.split(";"))
        options = {name: value for name, _, value in (part.partition("=") for part in parts)}
        if not _NEVER.match(options.get("q", "1")):
            found.setdefault(kind, options)
    return found


def _raw(request: Request, name: str, block: bytes) -> Response:
    headers = _HEADERS | {"Etag": f'"{name}.raw"', "Content-Disposition": f'attachment; filename="{name}.bin"'}
    if _known(request, headers["Etag"]):
        return Response(status_code=304, headers=headers)
    return Response(block, media_type=RAW_TYPE, headers=headers)


def _car(request: Request, cid: Cid, find: Find, limits: Limits) -> Response:
    headers = _HEADERS | {
        "Etag": f'"{cid}.car.dfs.n"',
        "Content-Type": CAR_TYPE,
        "Content-Disposition": f'attachment; filename="{cid}.car"',
    }
    if _known(request, headers["Etag"]):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(_batched(car.write(cid, graph.blocks(cid, find, limits))), headers=headers)


def _batched(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Fewer, larger pieces: each piece costs a change of thread."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _known(request: Request, etag: str) -> bool:
    known = [text.strip().removeprefix("W/") for text in request.headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known


def _no_paths(_: Request) -> Response:
    raise _Refused(400, "bundle.path", "paths are not resolved here: ask for the CID")


def _explain(_: Request, error: Exception) -> Response:
    """A problem document; refusals are not to be cached."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = error.code if isinstance(error, _Refused) else "bundle.request"
    what = error.detail if isinstance(error, HTTPException) else ""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return JSONResponse({"error": code, "what": what}, status, headers, media_type="application/problem+json")
