"""The table as an application: one route for each path, and nothing beside the table."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.vault.web.dispatch import Doors, answer, refusal
from cyberprivacy.vault.web.endpoint import HEADERS, Endpoint
from cyberprivacy.vault.web.problem import NotFound


def application(
    endpoints: Sequence[Endpoint],
    doors: Doors,
    *,
    origins: Sequence[str] = (),
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Starlette:
    """The interface of a vault.

    Args:
        endpoints: the table.
        doors: what every request passes.
        origins: of web pages elsewhere whose scripts may call it; none by default.
        running: what else runs in its loop, from its start to its end.
    """
    paths: dict[str, dict[str, Endpoint]] = {}
    for each in endpoints:
        if each.method in paths.setdefault(each.path, {}):
            raise Misuse("two entries for one method and path", code="api.table", path=each.path)
        paths[each.path][each.method] = each
    # `/grants/{grant}:revoke` also looks like `/grants/{grant}`: what is longer after its parameter comes first.
    ordered = sorted(paths.items(), key=lambda entry: -len(entry[0]))
    routes = [Route(path, _route(methods, doors), methods=list(methods)) for path, methods in ordered]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *HEADERS],
        expose_headers=["ETag", "Location", "Retry-After", "Udi-Type", "Udi-Created", "Udi-Changed"],
    )
    return Starlette(
        routes=routes,
        middleware=[cors] if origins else [],
        lifespan=lambda _: running(),
        exception_handlers={HTTPException: _nothing_here, Exception: _failed},
    )


def _route(methods: Mapping[str, Endpoint], doors: Doors) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        return await answer(request, methods["GET" if request.method == "HEAD" else request.method], doors)

    return run


async def _nothing_here(_: Request, error: Exception) -> Response:
    """Starlette found no route (404), or not for this method (405)."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        response = refusal(NotFound("not with this method", code="api.method"), "")
        response.headers.update(error.headers or {})
        return response
    return refusal(NotFound("there is nothing here"), "")


async def _failed(_: Request, _error: Exception) -> Response:
    """A defect of ours: the log has it, whoever asked does not."""
    return refusal(TryLater("the vault failed", code="api.failed", hint="Tell whoever runs this vault."), "")
