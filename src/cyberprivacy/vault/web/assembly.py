"""A vault put together: where it keeps things, all endpoints, and the doors before them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from starlette.applications import Starlette

from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.vault import forms, owners
from cyberprivacy.vault.accounts import Accounts
from cyberprivacy.vault.changing import Means, Quota
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.place import OWNER, Place
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.sessions import Session, Sessions
from cyberprivacy.vault.signing_in import Door
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.web.app import application
from cyberprivacy.vault.web.data import Data
from cyberprivacy.vault.web.discovery import Discovery
from cyberprivacy.vault.web.dispatch import Doors
from cyberprivacy.vault.web.endpoint import Endpoint
from cyberprivacy.vault.web.openapi import describe
from cyberprivacy.vault.web.pace import Pace
from cyberprivacy.vault.web.people import People

FILE: Final = "vault.db"
ROOT: Final = "keys.root"
KEYS: Final = "keys.udi"


@dataclass(frozen=True, slots=True)
class Paces:
    """Units a second, and how many at once, of one address and of one account; reading a record costs 1."""

    address: tuple[float, float] = (500.0, 2_000.0)
    account: tuple[float, float] = (500.0, 2_000.0)


@dataclass(frozen=True, kw_only=True)
class Vault:
    """What a vault is made of.

    Attributes:
        ring: owners' keys.
        development: whether the keys are worth nothing.
        clock: POSIX seconds.
    """

    database: Database
    place: Place
    judge: Judge
    ring: KeyRing
    keys: str
    development: bool
    types: Types = field(default_factory=Types)
    quota: Quota = field(default_factory=Quota)
    paces: Paces = field(default_factory=Paces)
    clock: Callable[[], float] = time.time

    @cached_property
    def accounts(self) -> Accounts:
        """Its accounts; one for all, as they remember states."""
        return Accounts(self.database, self.judge, forms.schema(self.place.network))

    @cached_property
    def records(self) -> Records:
        """What it keeps."""
        return Records(Means(ring=self.ring, types=self.types, quota=self.quota, clock=self.clock))

    def table(self) -> list[Endpoint]:
        """Every endpoint."""
        rooms = (
            People(self.accounts, Sessions(self.database), self._door()),
            Data(self.database, self.records, self.types),
        )
        table = [each for room in rooms for each in room.endpoints()]
        discovery = Discovery(
            self.place, keys=self.keys, development=self.development, describe=lambda: describe(table)
        )
        table += discovery.endpoints()
        return table

    def application(self, *, origins: Sequence[str] = ()) -> Starlette:
        """The vault as an ASGI application; scripts of web pages from `origins` may call it."""
        doors = Doors(
            find=Sessions(self.database).find,
            state=self.accounts.state,
            addresses=Pace(*self.paces.address),
            accounts=Pace(*self.paces.account),
            clock=self.clock,
        )
        return application(self.table(), doors, origins=origins)

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


@contextmanager
def opened(data: Path, database: str, place: Place, *, types: Sequence[DataType] = ()) -> Iterator[Vault]:
    """A vault that keeps everything in a folder, but for its database if that has a URL of its own.

    Args:
        data: the folder; made if it is not there.
        database: `postgresql://…`; "" for SQLite in the folder.
        place: where it is.
        types: that are declared, besides those that were before.

    Raises:
        CyberPrivacyError: the database or the keys cannot be opened, or another process has them.
    """
    with ExitStack() as stack:
        kept = Database.open(database or f"sqlite:///{(data / FILE).absolute()}")
        stack.callback(kept.close)
        root, store = _keys(data, stack)
        vault = Vault(
            database=kept,
            place=place,
            judge=Judge(place=place.passkeys(OWNER)),
            ring=KeyRing(store),
            keys=root.label,
            development=True,
        )
        with kept.transaction() as connection:
            for each in types:
                vault.types.declare(connection, each, now=int(vault.clock()))
        yield vault


def _keys(data: Path, stack: ExitStack) -> tuple[DevelopmentRoot, KeyStore]:
    """The root and the keys under it; made where neither is there yet, never where only one is."""
    root_file, key_file = data / ROOT, data / KEYS
    if not root_file.exists() and not key_file.exists():
        made = DevelopmentRoot.make(root_file)
        KeyStore.make(key_file, made).close()
        made.close()
    root = DevelopmentRoot.open(root_file)
    stack.callback(root.close)
    store = KeyStore.open(key_file, root)
    stack.callback(store.close)
    return root, store
