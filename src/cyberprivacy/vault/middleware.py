"""ASGI middleware that gives an application accounts, sign-in, records, export and erase.

    app = Starlette(routes=[…], middleware=[
        Middleware(PersonalData, app=App(name="shop", site="https://shop.example", types=TYPES, vault="/data")),
    ])

`vault` is a folder, for a vault inside of the application, or the address of one that several share; nothing else
changes. The vault answers beside the application, at the application's address. The application's own endpoints
find who is there in `request.state.person` (a pairwise id, or None) and their records in `request.state.records`
(`PersonalRecords`, or None). What those refuse, such as a record that is not of its type, is answered as the
vault answers.

A page imports `/udi/page.js` (the SDK, made for pages) and calls `signIn`: that signs in by the vault's own
endpoints, then trades the token for a cookie, `POST /udi/cookie` with `Authorization: Bearer …`; `DELETE` signs
out. With a vault inside: one process for each folder.

Statistics that the release's manifest takes from records (`admin.statistics`, `of`) are answered to the node here,
of those users who agreed; the application does nothing for it. So is what the node's log is to remember of
receipts, where a node hosts it (`App.hosted`); then a new release also waits for the vault until the one before
has ended (`handover`).
"""

from collections.abc import MutableMapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.bundle.declared import STATISTICS
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.hosted import LIMIT, RECEIPTS
from cyberprivacy.vault import web
from cyberprivacy.vault.application import App
from cyberprivacy.vault.cookie import Cookie
from cyberprivacy.vault.handover import Awaited
from cyberprivacy.vault.inside import Inside
from cyberprivacy.vault.personal import Backing, PersonalRecords, Visit
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.sessions import NoSession
from cyberprivacy.vault.shared import Shared
from cyberprivacy.vault.slotfile import KeyStoreBusy
from cyberprivacy.vault.web.dispatch import refusal
from cyberprivacy.vault.web.exchange import SECURITY, Answer, Asked

__all__ = ["App", "PersonalData", "PersonalRecords"]

TRADE: Final = "/udi/cookie"
SCRIPT: Final = "/udi/page.js"
_VAULT: Final = ("/udi/", "/.well-known/udi", "/openapi.json")
"""Where paths of the vault begin; the application has all others."""
_ASKED: Final = STATISTICS + "/"


class PersonalData:
    """Lets people keep what an application knows about them, and the application use it.

    Raises:
        CyberPrivacyError: the vault cannot be opened, another process has it, or it is not there.
    """

    def __init__(self, application: ASGIApp, *, app: App) -> None:
        """Wrap an application, and open its vault."""
        self._application, self._app = application, app
        self._cookie = Cookie(app.name, Site.parse(app.site))
        self.backing: Backing = Shared(app) if app.shared else self._inside()
        self._script = FileResponse(web.SCRIPT, media_type="text/javascript", headers=SECURITY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is the vault's; hand everything else on, with who is there."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == SCRIPT:
            await self._script(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(_VAULT) and scope["path"] != TRADE:
            await self.backing(scope, receive, send)
        else:
            try:
                await self._serve(scope, receive, _private(send))
            except CyberPrivacyError as error:
                await refusal(error, scope["path"])(scope, receive, send)

    def _inside(self) -> Backing:
        """The vault in its folder; where a node hosts this, the release before may still have it."""
        open_ = partial(Inside, self._app, Path(self._app.vault), self._cookie)
        try:
            return open_()
        except KeyStoreBusy as busy:
            if not self._app.hosted or busy.code != "keystore.busy":
                raise
            return Awaited(open_)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run from the application's start to its end; whoever hears of the end finds the vault closed."""
        async with AsyncExitStack() as running:
            running.callback(self.backing.close)

            async def sent(message: MutableMapping[str, Any]) -> None:
                match message["type"]:
                    case "lifespan.startup.complete":
                        await running.enter_async_context(self.backing.running())
                    case "lifespan.shutdown.complete" | "lifespan.shutdown.failed":
                        await running.aclose()
                await send(message)

            await self._application(scope, receive, sent)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == TRADE:
            await (await self._trade(Request(scope, receive)))(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_ASKED):
            told = await run_in_threadpool(self.backing.contributions, scope["path"].removeprefix(_ASKED))
            if told is not None:
                await JSONResponse(told, headers=SECURITY)(scope, receive, send)
                return
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] == RECEIPTS
            and self._app.hosted
        ):
            question = await Asked(scope, receive).body(LIMIT)
            said = await run_in_threadpool(self.backing.receipts, question)
            await Answer(200, {}, said, "application/json")(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        visit = await self._visit(self._cookie.token(asked))
        asked.state.person = None if visit is None else visit.records.person
        asked.state.records = None if visit is None else visit.records
        await self._application(scope, receive, send)

    async def _visit(self, token: str) -> Visit | None:
        """Who has this token; None where nobody, or no longer: that is no error of a page."""
        try:
            return await run_in_threadpool(self.backing.visit, token) if token else None
        except NoSession:
            return None

    async def _trade(self, request: Request) -> Response:
        """Who is there; a token for a cookie; or the end of both."""
        response = Response(status_code=204, headers=SECURITY)
        if request.method == "DELETE":
            visit = await self._visit(self._cookie.token(request))
            if visit is not None:
                await run_in_threadpool(visit.leave)
            self._cookie.take(response)
            return response
        if request.method == "GET":
            visit = await run_in_threadpool(self.backing.visit, self._cookie.token(request))
            who = {"app": self._app.name, "person": visit.records.person, "account": visit.account}
            return JSONResponse(who, headers=SECURITY)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        visit = await run_in_threadpool(self.backing.visit, token if request.method == "POST" else "")
        self._cookie.give(response, token, int(visit.expires - self._app.clock()))
        return response


def _private(send: Send) -> Send:
    """Say of every page that it is this person's: no cache between may show it to another."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
        await send(message)

    return sent
