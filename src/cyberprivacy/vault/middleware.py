"""ASGI middleware that gives an application accounts, sign-in, records, export and erase.

    app = Starlette(routes=[…], middleware=[
        Middleware(PersonalData, app="shop", site="https://shop.example", data=Path("/data"), types=Path("types")),
    ])

The vault's endpoints answer beside the application's own, at the application's address. Those find who is there in
`request.state.person` (a pairwise id, or None) and their records in `request.state.records` (`PersonalRecords`, or
None). What they refuse, such as a record that is not of its type, is answered as the vault answers.

A page imports `/udi/page.js` (the SDK, made for pages) and calls `signIn`: that signs in by the vault's own
endpoints, then trades the token for a cookie, `POST /udi/cookie` with `Authorization: Bearer …`; `DELETE` signs out.
One process for each data folder.
"""

import time
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.bundle import typefolder
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import web
from cyberprivacy.vault.cookie import Cookie
from cyberprivacy.vault.personal import PersonalRecords
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.sessions import NoSession, Session, Sessions
from cyberprivacy.vault.web.assembly import Vault, opened
from cyberprivacy.vault.web.dispatch import SECURITY, refusal

NETWORK: Final = "cyberprivacy:dev"
TRADE: Final = "/udi/cookie"
SCRIPT: Final = "/udi/page.js"
_VAULT: Final = ("/udi/", "/.well-known/udi", "/openapi.json")
"""Where paths of the vault begin; the application has all others."""
_OURS: Final = (TRADE, SCRIPT)


class PersonalData:
    """Lets people keep what an application knows about them, and the application use it.

    Args:
        application: what is wrapped.
        app: name of the application, as in its manifest.
        site: its address, such as "https://shop.example".
        data: folder for keys and, unless `database` says otherwise, data; made if it is not there.
        types: folder of the schemas of what it keeps; see `bundle.typefolder`.
        database: `postgresql://…`; "" for SQLite in the folder.
        network: names the domain of what people sign.
        clock: POSIX seconds.

    Raises:
        CyberPrivacyError: the vault cannot be opened, or another process has it.
    """

    def __init__(
        self,
        application: ASGIApp,
        *,
        app: str,
        site: str,
        data: Path,
        types: Path,
        database: str = "",
        network: str = NETWORK,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._application, self._app, self._clock = application, app, clock
        place = Place(Site.parse(site), network, apps={app: Site.parse(site)})
        self._cookie = Cookie(app, place.site)
        self._open = ExitStack()
        declared = typefolder.load(types)
        self.vault: Vault = self._open.enter_context(opened(data, database, place, types=declared, clock=clock))
        self._sessions = Sessions(self.vault.database)
        self._endpoints = self.vault.application()
        self._script = FileResponse(web.SCRIPT, media_type="text/javascript", headers=SECURITY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is the vault's; hand everything else on, with who is there."""
        if scope["type"] == "lifespan":
            with self._open:
                await self._application(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(_VAULT) and scope["path"] not in _OURS:
            await self._endpoints(scope, receive, send)
        else:
            try:
                await self._serve(scope, receive, _private(send))
            except CyberPrivacyError as error:
                await refusal(error, scope["path"])(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _OURS:
            answer = self._script if scope["path"] == SCRIPT else await self._trade(Request(scope))
            await answer(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        session = await run_in_threadpool(self._find, self._cookie.token(asked))
        records = None if session is None else PersonalRecords(self.vault, session)
        asked.state.person = None if records is None else records.person
        asked.state.records = records
        await self._application(scope, receive, send)

    def _find(self, token: str) -> Session | None:
        """Whose token this is; None where nobody's, or no longer: that is no error of a page."""
        try:
            return self._session(token)
        except NoSession:
            return None

    def _session(self, token: str) -> Session:
        """Raises NoSession: none, or not this application's."""
        session = self._sessions.find(token, self._clock())
        if session.app != self._app:
            raise NoSession("this session is not the application's", code="session.app", app=session.app)
        return session

    async def _trade(self, request: Request) -> Response:
        """A token for a cookie, or the end of both."""
        response = Response(status_code=204, headers=SECURITY)
        if request.method == "DELETE":
            session = await run_in_threadpool(self._find, self._cookie.token(request))
            if session is not None:
                await run_in_threadpool(self._sessions.end, session.account, only=session.id)
            self._cookie.take(response)
            return response
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        session = await run_in_threadpool(self._session, token if request.method == "POST" else "")
        self._cookie.give(response, token, int(session.expires - self._clock()))
        return response


def _private(send: Send) -> Send:
    """Say of every page that it is this person's: no cache between may show it to another."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
        await send(message)

    return sent
