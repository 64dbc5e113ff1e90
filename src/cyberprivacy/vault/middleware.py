"""ASGI middleware that gives an application accounts, sign-in, records, export and erase.

    app = Starlette(routes=[…], middleware=[
        Middleware(PersonalData, app=App(name="shop", site="https://shop.example", data=DATA, types=TYPES)),
    ])

The vault's endpoints answer beside the application's own, at the application's address. Those find who is there in
`request.state.person` (a pairwise id, or None) and their records in `request.state.records` (`PersonalRecords`, or
None). What they refuse, such as a record that is not of its type, is answered as the vault answers.

A page imports `/udi/page.js` (the SDK, made for pages) and calls `signIn`: that signs in by the vault's own
endpoints, then trades the token for a cookie, `POST /udi/cookie` with `Authorization: Bearer …`; `DELETE` signs
out. One process for each data folder.

Statistics that the release's manifest takes from records (`admin.statistics`, `of`) are answered to the node here,
of those users who agreed; the application does nothing for it.
"""

import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cyberprivacy.bundle import typefolder
from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.bundle.declared import STATISTICS
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import web
from cyberprivacy.vault.administered import PARAMETERS, asked
from cyberprivacy.vault.carriage import LIMIT, SignedGrant
from cyberprivacy.vault.cookie import Cookie
from cyberprivacy.vault.counting import contributions
from cyberprivacy.vault.following import Follower
from cyberprivacy.vault.followings import Followings
from cyberprivacy.vault.personal import PersonalRecords
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.recipient import Declared, ReleasePolicy
from cyberprivacy.vault.sessions import NoSession, Session, Sessions
from cyberprivacy.vault.sharing import Own
from cyberprivacy.vault.web.assembly import Vault, opened
from cyberprivacy.vault.web.dispatch import SECURITY, refusal
from cyberprivacy.vault.web.problem import BadCall

NETWORK: Final = "cyberprivacy:dev"
TRADE: Final = "/udi/cookie"
SCRIPT: Final = "/udi/page.js"
_VAULT: Final = ("/udi/", "/.well-known/udi", "/openapi.json")
"""Where paths of the vault begin; the application has all others."""
FOLLOW: Final = "/udi/followings"
_OURS: Final = (TRADE, SCRIPT, FOLLOW)
_ASKED: Final = STATISTICS + "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An application that keeps people's data.

    Attributes:
        name: as in its manifest.
        site: its address, such as "https://shop.example".
        data: folder for keys and, unless `database` says otherwise, data; made if it is not there.
        types: folder of the schemas of what it keeps; see `bundle.typefolder`.
        database: `postgresql://…`; "" for SQLite in the folder.
        purposes: for what it may be granted other applications' records, a line each.
        sources: addresses of applications whose records people may grant it, by name.
        network: names the domain of what people sign.
        parameters: where the node writes what administrators may ask (see `administered`).
        clock: POSIX seconds.
    """

    name: str
    site: str
    data: Path
    types: Path
    database: str = ""
    purposes: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    network: str = NETWORK
    parameters: Path = PARAMETERS
    clock: Callable[[], float] = time.time


class PersonalData:
    """Lets people keep what an application knows about them, and the application use it.

    Raises:
        CyberPrivacyError: the vault cannot be opened, or another process has it.
    """

    def __init__(self, application: ASGIApp, *, app: App) -> None:
        """Wrap an application, and open its vault."""
        self._application, self._app, self._clock = application, app.name, app.clock
        site, declared = Site.parse(app.site), typefolder.load(app.types)
        place, own = Place(site, app.network, apps={app.name: site}), _own(app, declared)
        self._cookie = Cookie(app.name, site)
        self._open = ExitStack()
        self.vault: Vault = self._open.enter_context(
            opened(
                app.data,
                app.database,
                place,
                types=declared,
                own=own,
                parameters=app.parameters,
                clock=app.clock,
            )
        )
        self._followings = Followings(self.vault.database, self.vault.records)
        known = {name: Site.parse(uri) for name, uri in app.sources.items()}
        self._follower = Follower(self._followings, self.vault.sharing(own), self.vault.key, known, app.clock)
        self._sessions = Sessions(self.vault.database)
        self._endpoints = self.vault.application()
        self._script = FileResponse(web.SCRIPT, media_type="text/javascript", headers=SECURITY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is the vault's; hand everything else on, with who is there."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(_VAULT) and scope["path"] not in _OURS:
            await self._endpoints(scope, receive, send)
        else:
            try:
                await self._serve(scope, receive, _private(send))
            except CyberPrivacyError as error:
                await refusal(error, scope["path"])(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Follow from the application's start to its end; whoever hears of the end finds the vault closed."""
        async with AsyncExitStack() as running:
            running.enter_context(self._open)

            async def sent(message: MutableMapping[str, Any]) -> None:
                match message["type"]:
                    case "lifespan.startup.complete":
                        await running.enter_async_context(self._follower.running())
                    case "lifespan.shutdown.complete" | "lifespan.shutdown.failed":
                        await running.aclose()
                await send(message)

            await self._application(scope, receive, sent)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _OURS:
            await (await self._own(Request(scope, receive)))(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_ASKED):
            told = await run_in_threadpool(self._told, scope["path"].removeprefix(_ASKED))
            if told is not None:
                await JSONResponse(told, headers=SECURITY)(scope, receive, send)
                return
        asked = HTTPConnection(scope)
        session = await run_in_threadpool(self._find, self._cookie.token(asked))
        records = None if session is None else PersonalRecords(self.vault, session, self._followings)
        asked.state.person = None if records is None else records.person
        asked.state.records = records
        await self._application(scope, receive, send)

    async def _own(self, request: Request) -> Response:
        """What the middleware answers itself."""
        match request.url.path:
            case path if path == SCRIPT:
                return self._script
            case path if path == FOLLOW:
                return await self._follow(request)
            case _:
                return await self._trade(request)

    async def _follow(self, request: Request) -> Response:
        """Begin to follow a grant that the person who is signed in hands in."""
        token = self._cookie.token(request) if request.method == "POST" else ""
        session = await run_in_threadpool(self._session, token)
        document = bytearray()
        async for part in request.stream():
            document += part
            if len(document) > LIMIT:
                raise BadCall("the grant is too large", code="api.size", limit=LIMIT)
        if SignedGrant.decode(bytes(document)).grant.subject != session.account:
            raise NoSession("this grant is another person's", code="session.account")
        await self._follower.take(bytes(document))
        return Response(status_code=204, headers=SECURITY)

    def _told(self, statistic: str) -> list[tuple[str, int]] | None:
        """What users contribute to a statistic of records, for the node; None where the application answers."""
        declared = asked(self.vault.parameters).get(statistic)
        if declared is None:
            return None
        with self.vault.database.reading() as connection:
            now = int(self._clock())
            return contributions(connection, self.vault.records, self._app, declared.of, now=now)

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
        """Who is there; a token for a cookie; or the end of both."""
        response = Response(status_code=204, headers=SECURITY)
        if request.method == "DELETE":
            session = await run_in_threadpool(self._find, self._cookie.token(request))
            if session is not None:
                await run_in_threadpool(self._sessions.end, session.account, only=session.id)
            self._cookie.take(response)
            return response
        if request.method == "GET":
            session = await run_in_threadpool(self._session, self._cookie.token(request))
            who = {"app": self._app, "person": session.owner().hex(), "account": session.account.hex()}
            return JSONResponse(who, headers=SECURITY)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        session = await run_in_threadpool(self._session, token if request.method == "POST" else "")
        self._cookie.give(response, token, int(session.expires - self._clock()))
        return response


def _own(app: App, types: Sequence[DataType]) -> Own:
    """The application as grants name it while nothing proves what it is: of no DAO, in no cluster."""
    declared = Declared(frozenset(each.name for each in types), frozenset(app.purposes))
    nowhere = "0x" + "00" * 20
    policy = ReleasePolicy(app.name, 0, nowhere, evidence=None, measurements=None, declared=declared)
    return Own(app.name, bytes(32), policy)


def _private(send: Send) -> Send:
    """Say of every page that it is this person's: no cache between may show it to another."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
        await send(message)

    return sent
