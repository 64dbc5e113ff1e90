"""The table as an application: what stands in it is answered, and nothing beside it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.errors import TryLater
from cyberprivacy.vault.web.dispatch import Doors, answer, refusal
from cyberprivacy.vault.web.endpoint import HEADERS, Endpoint
from cyberprivacy.vault.web.exchange import Asked
from cyberprivacy.vault.web.problem import NotFound
from cyberprivacy.vault.web.routing import Routes


def application(
    endpoints: Sequence[Endpoint],
    doors: Doors,
    *,
    origins: Sequence[str] = (),
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> ASGIApp:
    """The interface of a vault.

    Args:
        endpoints: the table.
        doors: what every request passes.
        origins: of web pages elsewhere whose scripts may call it; none by default.
        running: what else runs in its loop, from its start to its end.
    """
    interface = Interface(endpoints, doors, running)
    if not origins:
        return interface
    return CORSMiddleware(
        interface,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *HEADERS],
        expose_headers=["ETag", "Location", "Retry-After", "Udi-Type", "Udi-Created", "Udi-Changed"],
    )


class Interface:
    """Answers requests by a table; see `application`."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        doors: Doors,
        running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._routes, self._doors = Routes(endpoints), doors
        self._beside = Router(lifespan=lambda _: running())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a defect of ours is for the server to log, not for whoever asked to see."""
        if scope["type"] != "http":  # that the server begins or ends, or something that nobody answers here
            await self._beside(scope, receive, send)
            return
        try:
            response = await self._response(scope, receive)
        except Exception:
            failed = TryLater("the vault failed", code="api.failed", hint="Tell whoever runs this vault.")
            await refusal(failed, "")(scope, receive, send)
            raise
        await response(scope, receive, send)

    async def _response(self, scope: Scope, receive: Receive) -> ASGIApp:
        found = self._routes.find(scope["path"])
        if found is None:
            return refusal(NotFound("there is nothing here"), "")
        method = scope["method"]
        endpoint = found.methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            refused = refusal(NotFound("not with this method", code="api.method"), "")
            refused.headers["Allow"] = ", ".join([*found.methods, *(["HEAD"] if "GET" in found.methods else [])])
            return refused
        return await answer(Asked(scope, receive), endpoint, found.path, self._doors)
