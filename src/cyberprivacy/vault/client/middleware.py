"""Accounts and records for an ASGI application, in one line: `Middleware(Udi, vault="http://127.0.0.1:8300")`.

* What people call at the application's own address under `/udi/v1/` and `/.well-known/udi` goes on to the vault,
  so that `cyberprivacy my …` and wallets work there. A sign-in with the header `Udi-Session: cookie` keeps the
  token in a cookie that scripts cannot read.
* Everything else gets `request.state.udi`: an `Account`, or None where nobody is signed in.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.vault.client.account import Account
from cyberprivacy.vault.client.connection import PATIENCE, Connection

COOKIE: Final = "udi-session"
_SIGN_IN: Final = ("/udi/v1/auth/siwe", "/udi/v1/auth/key")
_SIGN_OUT: Final = "/udi/v1/auth/session"
_ANSWER: Final = 64 << 10
_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "cookie",
        "content-encoding",
    )
)
"""Headers of one connection, or of the application alone. Source: RFC 9110 section 7.6.1."""


class Udi:
    """The middleware."""

    def __init__(self, app: ASGIApp, *, vault: str) -> None:
        """Stand before an application, with the vault at an address.

        Raises:
            Misuse: not the address of a site.
        """
        self._app = app
        self._site = Connection(vault).site
        self._client = httpx2.AsyncClient(
            base_url=self._site.uri,
            timeout=PATIENCE,
            trust_env=False,
            limits=httpx2.Limits(max_keepalive_connections=0),  # nothing is left open when the application ends
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        path = str(scope["path"])
        if path.startswith("/udi/v1/") or path == "/.well-known/udi":
            response = await self._forwarded(request)
            await response(scope, receive, send)
            return
        token = _token(request.headers.get("cookie", ""))
        with Connection(self._site.uri, token) as vault:
            scope.setdefault("state", {})["udi"] = Account(vault) if token else None
            await self._app(scope, receive, send)

    async def _forwarded(self, request: Request) -> Response:
        """The vault's answer to a request."""
        sent = self._client.build_request(
            request.method,
            request.url.path,
            params=request.url.query.encode(),
            headers=_onward(request),
            content=request.stream(),
        )
        try:
            answer = await self._client.send(sent, stream=True)
        except httpx2.HTTPError:
            problem = {
                "type": "vault.unreachable",
                "title": "the vault does not answer",
                "status": 502,
                "detail": "",
            }
            return JSONResponse(problem | {"facts": {}}, 502, media_type="application/problem+json")
        keeps = request.url.path in _SIGN_IN and request.headers.get("udi-session") == "cookie"
        if keeps and answer.is_success:
            return await _into_cookie(request, answer)
        response = StreamingResponse(_body(answer), answer.status_code, _kept(answer.headers.items()))
        if request.method == "DELETE" and request.url.path == _SIGN_OUT:
            response.delete_cookie(COOKIE)
        return response


def _onward(request: Request) -> Mapping[str, str]:
    """What the vault gets to see; a page of this site may use the cookie, one of another site cannot."""
    headers = _kept(request.headers.items())
    token = _token(request.headers.get("cookie", ""))
    if token and "authorization" not in headers and request.headers.get("sec-fetch-site") == "same-origin":
        headers["authorization"] = f"Bearer {token}"
    headers["x-forwarded-for"] = request.client.host if request.client else ""
    return headers


async def _into_cookie(request: Request, answer: httpx2.Response) -> Response:
    """A sign-in whose token goes into a cookie, and to no script."""
    data = b""
    async for part in answer.aiter_bytes():
        data += part
        if len(data) > _ANSWER:
            break
    await answer.aclose()
    opened: dict[str, Any] = json.loads(data[:_ANSWER])
    response = JSONResponse({**opened, "token": ""}, answer.status_code, {"Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE, str(opened["token"]), secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return response


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers if name.lower() not in _HOP}


def _token(cookies: str) -> str:
    try:
        found = SimpleCookie(cookies[:8_192]).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
