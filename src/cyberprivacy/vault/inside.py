"""A vault inside of an application: one process, one folder, and grants to and from other applications."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cyberprivacy.bundle import typefolder
from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import account as rules
from cyberprivacy.vault import counting
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.administered import asked
from cyberprivacy.vault.application import App
from cyberprivacy.vault.carriage import LIMIT, SignedGrant
from cyberprivacy.vault.change import Change, Create, Delete, Done, Update
from cyberprivacy.vault.cookie import Cookie
from cyberprivacy.vault.counting import contributions
from cyberprivacy.vault.followings import Following, Followings
from cyberprivacy.vault.grantbook import GrantBook
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.personal import Kept, Visit
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.receiptlog import answered
from cyberprivacy.vault.recipient import Declared
from cyberprivacy.vault.records import Record
from cyberprivacy.vault.sessions import NoSession, Session, Sessions
from cyberprivacy.vault.web.assembly import Vault
from cyberprivacy.vault.web.dispatch import refusal
from cyberprivacy.vault.web.exchange import SECURITY
from cyberprivacy.vault.web.opening import opened
from cyberprivacy.vault.web.problem import BadCall

FOLLOW: Final = "/udi/followings"


@dataclass(frozen=True, slots=True)
class RecordsInside:
    """`PersonalRecords` in the application's own process; every call is one transaction."""

    vault: Vault
    session: Session
    _followings: Followings

    @property
    def person(self) -> str:
        """See `PersonalRecords`, also for all that follows."""
        return self.session.owner().hex()

    def create(self, kind: str, value: Mapping[str, object], *, key: str | None = None) -> str:
        """A new record."""
        return self._change(Create(kind, msgspec.json.encode(value)), key=key).record.hex()

    def read(self, record: str) -> Kept:
        """One record."""
        self._check(Act.READ)
        with self.vault.database.reading() as connection:
            return _kept(self.vault.records.read(connection, self.session.owner(), bytes.fromhex(record)))

    def list(self, kind: str | None = None, *, after: str = "", limit: int = 100) -> Sequence[Kept]:
        """A page of records."""
        self._check(Act.READ)
        with self.vault.database.reading() as connection:
            page = self.vault.records.page(
                connection, self.session.owner(), kind=kind, after=bytes.fromhex(after), limit=limit
            )
        return [_kept(each) for each in page]

    def update(self, seen: Kept, value: Mapping[str, object]) -> int:
        """Another value."""
        return self._change(Update(bytes.fromhex(seen.id), seen.rev, msgspec.json.encode(value))).rev

    def delete(self, seen: Kept) -> None:
        """The end of a record."""
        self._change(Delete(bytes.fromhex(seen.id), seen.rev))

    def followings(self) -> Sequence[Following]:
        """What comes here."""
        return self._followings.all(self.session.owner())

    def grants(self) -> Sequence[Registered]:
        """What may go from here."""
        with self.vault.database.reading() as connection:
            return GrantBook(connection, self.session.owner()).listed()

    def counted(self, agreed: bool | None = None) -> bool:
        """Whether the person is counted."""
        self._check(Act.READ if agreed is None else Act.WRITE)
        with self.vault.database.transaction() as connection:
            if agreed:
                counting.agree(connection, self.session.owner(), now=int(self.vault.clock()))
            elif agreed is not None:
                counting.disagree(connection, self.session.owner())
            return counting.since(connection, self.session.owner()) is not None

    def _change(self, change: Change, *, key: str | None = None) -> Done:
        self._check(Act.WRITE)
        with self.vault.database.transaction() as connection:
            return self.vault.records.change(connection, self.session.owner(), [change], key=key)[0]

    def _check(self, act: Act) -> None:
        state = self.vault.accounts.state(self.session.account)
        rules.check(state, self.session.key, act, now=self.vault.clock())


class Inside:
    """The vault of one application, in its folder.

    Raises:
        CyberPrivacyError: the vault cannot be opened, or another process has it.
    """

    def __init__(self, app: App, folder: Path, cookie: Cookie) -> None:
        """Open the vault in a folder; it is made where there is none."""
        self._app, self._cookie = app, cookie
        site, declared = Site.parse(app.site), typefolder.load(app.types)
        known = {name: Site.parse(uri) for name, uri in app.sources.items()}
        place, own = Place(site, app.network, apps={app.name: site}, sources=known), _own(app, declared)
        self._open = ExitStack()
        self.vault: Vault = self._open.enter_context(
            opened(
                folder,
                app.database,
                place,
                types=declared,
                own=own,
                prover=app.prover,
                contracts=app.contracts,
                hosted=app.hosted,
                clock=app.clock,
            )
        )
        self.followings, self.follower = self.vault.followings, self.vault.follower
        self._sessions = Sessions(self.vault.database)
        self._endpoints = self.vault.application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to the vault."""
        if scope["path"] != FOLLOW:
            await self._endpoints(scope, receive, send)
            return
        try:
            response = await self._follow(Request(scope, receive))
        except CyberPrivacyError as error:
            response = refusal(error, FOLLOW)
        await response(scope, receive, send)

    def visit(self, token: str) -> Visit:
        """Who is there with this token; raises NoSession."""
        session = self._sessions.find(token, self._app.clock())
        if session.app != self._app.name:
            raise NoSession("this session is not the application's", code="session.app", app=session.app)

        def leave() -> None:
            self._sessions.end(session.account, only=session.id)

        records = RecordsInside(self.vault, session, self.followings)
        return Visit(records, session.account.hex(), session.expires, leave)

    def contributions(self, statistic: str) -> Sequence[tuple[str, int]] | None:
        """What users contribute to a statistic of records; None where the release declares none of this name."""
        declared = asked(self._app.parameters).get(statistic)
        if declared is None:
            return None
        with self.vault.database.reading() as connection:
            now = int(self._app.clock())
            return contributions(connection, self.vault.records, self._app.name, declared.of, now=now)

    def receipts(self, question: bytes) -> bytes:
        """What to tell the node that hosts this."""
        return answered(self.vault.database, question)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Follow the grants under which records come here."""
        return self.follower.running()

    def close(self) -> None:
        """Close the vault."""
        self._open.close()

    async def _follow(self, request: Request) -> Response:
        """Begin to follow a grant that the person who is signed in hands in."""
        token = self._cookie.token(request) if request.method == "POST" else ""
        visit = await run_in_threadpool(self.visit, token)
        document = bytearray()
        async for part in request.stream():
            document += part
            if len(document) > LIMIT:
                raise BadCall("the grant is too large", code="api.size", limit=LIMIT)
        if SignedGrant.decode(bytes(document)).grant.subject.hex() != visit.account:
            raise NoSession("this grant is another person's", code="session.account")
        await self.follower.take(bytes(document))
        return Response(status_code=204, headers=SECURITY)


def _own(app: App, types: Sequence[DataType]) -> Own:
    """The application as grants name it."""
    declared = Declared(frozenset(each.name for each in types), frozenset(app.purposes))
    return replace(Own.of(app.name, app.home, declared), parameters=app.parameters)


def _kept(record: Record) -> Kept:
    value = msgspec.json.decode(record.body, type=dict[str, object])
    return Kept(record.id.hex(), record.type, record.rev, value, record.created, record.changed)
