"""What a vault is made of: all its endpoints, and the doors before them. `opening` makes one from a folder."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from sqlalchemy import Connection
from starlette.types import ASGIApp

from cyberprivacy.vault import forms, owners
from cyberprivacy.vault.accounts import Accounts
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.exports import Exports
from cyberprivacy.vault.following import Follower
from cyberprivacy.vault.followings import Followings
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.messenger import Messenger
from cyberprivacy.vault.place import BadPlace, Place
from cyberprivacy.vault.proven import Prover, Recipients
from cyberprivacy.vault.receiptlog import ReceiptLog
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.sessions import Session, Sessions
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.signing_in import Door
from cyberprivacy.vault.sweeper import Sweeper
from cyberprivacy.vault.transfer.recordkeeping import RecordKeeping
from cyberprivacy.vault.transfer.retention import Retention
from cyberprivacy.vault.transfer.traffic import Traffic
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.vaultkey import VaultKey
from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.allowed import Allowed
from cyberprivacy.vault.web.app import application
from cyberprivacy.vault.web.between import Between
from cyberprivacy.vault.web.crew import Clerk, Crew, Desk
from cyberprivacy.vault.web.custody import Custody
from cyberprivacy.vault.web.data import Data
from cyberprivacy.vault.web.discovery import Discovery
from cyberprivacy.vault.web.dispatch import Doors
from cyberprivacy.vault.web.endpoint import Endpoint
from cyberprivacy.vault.web.followed import Followed
from cyberprivacy.vault.web.handing import Handing
from cyberprivacy.vault.web.moves import Moves
from cyberprivacy.vault.web.numbers import Numbers
from cyberprivacy.vault.web.openapi import describe
from cyberprivacy.vault.web.pace import Pace
from cyberprivacy.vault.web.people import People
from cyberprivacy.vault.web.statistics import Statistics
from cyberprivacy.vault.web.stream import Stream
from cyberprivacy.vault.web.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Paces:
    """Units a second, and how many at once, of one address and of one account; reading a record costs 1."""

    address: tuple[float, float] = (500.0, 2_000.0)
    account: tuple[float, float] = (500.0, 2_000.0)


DEFAULT: Final = Paces()


@dataclass(frozen=True, kw_only=True)
class Vault:
    """What a vault is made of.

    Attributes:
        ring: owners' keys.
        keys: what they hang under, in a word.
        development: whether that is worth nothing.
        clock: POSIX seconds.
        receipts: remembers their digests.
        own: the application that shares under grants; None where none does.
        prover: has recipients prove themselves; None where nobody can judge them.
        waiting: counts answers that wait.
    """

    database: Database
    place: Place
    judge: Judge
    ring: KeyRing
    keys: str
    development: bool
    types: Types
    records: Records
    blobs: Blobs
    exports: Exports
    sweeper: Sweeper
    messenger: Messenger
    key: VaultKey
    paces: Paces
    clock: Callable[[], float]
    receipts: ReceiptLog
    own: Own | None = None
    prover: Prover | None = None
    waiting: Waiting = field(default_factory=Waiting)

    @cached_property
    def recipients(self) -> Recipients:
        """Who has proven themselves here; one for all, as it remembers verdicts."""
        return Recipients(self.prover, self.clock)

    @cached_property
    def accounts(self) -> Accounts:
        """Its accounts; one for all, as they remember states."""
        return Accounts(self.database, self.judge, forms.schema(self.place.network))

    def table(self) -> list[Endpoint]:
        """Every endpoint."""
        rooms = (
            People(self.accounts, Sessions(self.database), self._door()),
            Data(self.database, self.ring.store, self.records, self.types),
            Numbers(self.database, self.records, self.types),
            Stream(self.database, self.records, self.blobs, self.waiting),
            Custody(
                self.database,
                self.ring.store,
                self.records,
                self.types,
                self.exports,
                self.sweeper,
                self.waiting,
                self.receipts,
            ),
        )
        table = [each for room in rooms for each in room.endpoints()]
        if self.traffic is not None:
            sharing, authority = self.traffic.sharing, self.place.site.domain
            site, holder = self.place.of(sharing.own.app), self.key.public
            rooms_between = (
                Between(
                    sharing,
                    self.database.bell,
                    site=site,
                    authority=authority,
                    holder=holder,
                    wake=self._wake,
                    waiting=self.waiting,
                ),
                Allowed(sharing),
                Handing(self.traffic, authority=authority),
                Moves(self.traffic, holder=holder),
                Followed(sharing, self.followings, self.follower),
            )
            table += [each for room in rooms_between for each in room.endpoints()]
            if sharing.own.parameters is not None:
                table += Statistics(self.database, sharing.own.app, sharing.own.parameters).endpoints()
        about = wire.About(
            udi="1",
            network=self.place.network,
            site=self.place.site.uri,
            chain=self.place.chain,
            apps={name: site.uri for name, site in self.place.apps.items()},
            keys=self.keys,
            key=self.key.public.hex(),
            log=self.receipts.keeper,
            openapi="/openapi.json",
        )
        table += Discovery(about, development=self.development, describe=lambda: describe(table)).endpoints()
        return table

    def application(self, *, origins: Sequence[str] = ()) -> ASGIApp:
        """The vault as an ASGI application; scripts of web pages from `origins` may call it."""

        def go(*, writes: bool) -> Callable[[], AbstractContextManager[None]]:
            return lambda: self.database.together(writes=writes)

        alone = self.database.file is not None  # another server may let us wait at each statement
        doors = Doors(
            find=Sessions(self.database).find,
            state=self.accounts.state_at,
            addresses=Pace(*self.paces.address),
            accounts=Pace(*self.paces.account),
            readers=(Desk if alone else Crew)(go(writes=False)),
            writers=(Clerk if alone else Crew)(go(writes=True)),
            clock=self.clock,
        )
        running = nullcontext if self.traffic is None else self.follower.running
        return application(self.table(), doors, origins=origins, running=running)

    def sharing(self, own: Own) -> Sharing:
        """The grants of one of its applications."""
        return Sharing(
            database=self.database,
            records=self.records,
            types=self.types,
            accounts=self.accounts,
            judge=self.judge,
            schema=forms.schema(self.place.network),
            own=own,
            clock=self.clock,
            erase=Retention(self.database, self._keeping).take_back,
            recipients=self.recipients,
        )

    @cached_property
    def traffic(self) -> Traffic | None:
        """Transfers of the application that shares; one for all, as it has threads."""
        if self.own is None:
            return None
        sharing = self.sharing(self.own)
        return Traffic.of(sharing, self._keeping, self.ring, self.key, self.receipts, self.place)

    @cached_property
    def followings(self) -> Followings:
        """What comes here under grants."""
        return Followings(self.database, self.records)

    @cached_property
    def follower(self) -> Follower:
        """Brings in what comes under grants, from the sources that this place names; one for all.

        Raises:
            BadPlace: no application shares here ("vault.shares").
        """
        if self.traffic is None:
            raise BadPlace("no application shares here", code="vault.shares")
        return Follower(self.followings, self.traffic.sharing, self.key, self.place.sources, self.clock)

    @property
    def _keeping(self) -> RecordKeeping:
        return RecordKeeping(self.records, self.blobs)

    def _wake(self) -> None:
        """Something is to be erased, here or elsewhere."""
        self.sweeper.ask()
        self.messenger.ask()

    def _door(self) -> Door:
        def admit(connection: Connection, session: Session) -> None:
            owners.admit(
                connection,
                self.ring.store,
                session.owner(),
                account=session.account,
                app=session.app,
                now=session.created,
            )

        return Door(self.database, self.place, self.judge, forms.schema(self.place.network), admit)
