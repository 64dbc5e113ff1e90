"""A vault that runs by itself and that several applications may share: `cyberprivacy vault serve`.

What people call at the application's own address under `/udi/` and `/.well-known/udi` goes on to the vault, so
that a page of the application can sign them in.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cyberprivacy.bundle import datatype, typefolder
from cyberprivacy.bundle.datatype import BadType, DataType
from cyberprivacy.bundle.growth import check_growth
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.trust import public
from cyberprivacy.vault.application import App
from cyberprivacy.vault.client.connection import MAX_ANSWER, PATIENCE, Connection, VaultSilent, decoded, read
from cyberprivacy.vault.client.person import about
from cyberprivacy.vault.client.records import RecordsThere
from cyberprivacy.vault.personal import Visit
from cyberprivacy.vault.sessions import NoSession, check_form
from cyberprivacy.vault.web.dispatch import refusal
from cyberprivacy.vault.web.kept import TypeShown
from cyberprivacy.vault.web.wire import SessionMine

_SESSION: Final = "/udi/v1/auth/session"
_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "cookie"}
    | {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
)
"""Headers of one connection, or of the application alone. Source: RFC 9110 section 7.6.1."""


class NotOurVault(Misuse):
    """The vault does not keep data for this application as the application thinks."""

    code = "app.vault"
    hint = "Compare with how the vault was started: `cyberprivacy vault serve --app NAME=SITE --types DIR`."


class Shared:
    """An application's way to a vault.

    Raises:
        NotOurVault: it knows no such application there ("app.vault"), has other types ("app.types"), belongs to
            another network ("app.network"), or cannot do what only a vault inside can ("app.inside").
        VaultSilent: it does not answer.
    """

    def __init__(self, app: App) -> None:
        """Look whether the vault fits."""
        if app.database or app.purposes or app.sources or app.hosted:
            raise NotOurVault(
                "only a vault inside the application has a database of its own, purposes, sources, and a node",
                code="app.inside",
                hint="Leave them out, or name a folder as `vault`.",
            )
        self._app, self._vault = app, Connection(app.shared)
        try:
            self._check(typefolder.load(app.types))
        except BaseException:
            self._vault.close()
            raise
        self._onward = httpx2.AsyncClient(
            base_url=self._vault.site.uri, verify=public(), timeout=PATIENCE, trust_env=False
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request on to the vault, and its answer back as it comes."""
        request = Request(scope, receive)
        sent = self._onward.build_request(
            request.method,
            request.url.path,
            params=request.url.query.encode(),
            headers=_kept(request.headers.items())
            | {"x-forwarded-for": request.client.host if request.client else ""},
            content=request.stream(),
        )
        response: Response
        try:
            answer = await self._onward.send(sent, stream=True)
        except httpx2.HTTPError as error:
            silent = VaultSilent("the vault does not answer", why=type(error).__name__)
            response = refusal(silent, request.url.path)
        except ClientDisconnect:
            return
        else:
            response = StreamingResponse(_body(answer), answer.status_code, _kept(answer.headers.items()))
        await response(scope, receive, send)

    def visit(self, token: str) -> Visit:
        """Who is there with this token, as the vault says now; raises NoSession."""
        check_form(token)
        vault = self._vault.of(token)
        try:
            with vault.stream("GET", _SESSION) as answer:
                session = decoded(read(answer, MAX_ANSWER), SessionMine)
        except CyberPrivacyError as error:
            if error.code.startswith("session."):
                raise NoSession(error.what, code=error.code) from None
            raise
        if session.app != self._app.name or session.owner is None:
            raise NoSession("this session is not the application's", code="session.app", app=session.app)
        records = RecordsThere(vault, session.owner)
        return Visit(records, None, session.expires, lambda: vault.ask("DELETE", _SESSION))

    def contributions(self, statistic: str) -> None:
        """None: the node of an application knows nothing of a vault that others share."""

    def receipts(self, question: bytes) -> bytes:
        """Refused, as is an application that says so: a shared vault has a log of its own."""
        raise NotOurVault("no node takes the receipts of a shared vault", code="app.inside", asked=len(question))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let go of the connections at the end, in the event loop that they belong to."""
        async with self._onward:
            yield

    def close(self) -> None:
        """Let go of the other connections."""
        self._vault.close()

    def _check(self, types: Iterable[DataType]) -> None:
        place = about(self._vault)
        if place.network != self._app.network:
            raise NotOurVault(
                "the vault belongs to another network", code="app.network", vault=place.network[:100]
            )
        site = place.apps.get(self._app.name)
        if site is None or site.uri != self._app.site:
            there = "" if site is None else site.uri
            raise NotOurVault(
                "the vault knows no such application there", app=self._app.name, site=self._app.site, vault=there
            )
        for each in types:
            self._check_type(each)

    def _check_type(self, ours: DataType) -> None:
        """Whoever understands our schema has to understand the vault's: it may have grown since."""
        try:
            with self._vault.stream("GET", f"/udi/v1/types/{ours.name}") as answer:
                shown = decoded(read(answer, MAX_ANSWER), TypeShown)
            check_growth(ours, datatype.parse(ours.name, bytes(shown.schema)))
        except (BadType, Misuse) as error:
            raise NotOurVault(
                "the vault has not declared a type of the application",
                code="app.types",
                type=ours.name,
                why=error.code,
            ) from None


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers if name.lower() not in _HOP}
