"""A vault put together: where it keeps things, all endpoints, and the doors before them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.applications import Starlette

from cyberprivacy.vault import forms
from cyberprivacy.vault.accounts import Accounts
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.place import OWNER, Place
from cyberprivacy.vault.sessions import Sessions
from cyberprivacy.vault.signing_in import Door
from cyberprivacy.vault.web.app import application
from cyberprivacy.vault.web.discovery import Discovery
from cyberprivacy.vault.web.dispatch import Doors
from cyberprivacy.vault.web.endpoint import Endpoint
from cyberprivacy.vault.web.openapi import describe
from cyberprivacy.vault.web.pace import Pace
from cyberprivacy.vault.web.people import People

FILE: Final = "vault.db"


@dataclass(frozen=True, slots=True)
class Paces:
    """Units a second, and how many at once, of one address and of one account; reading a record costs 1."""

    address: tuple[float, float] = (500.0, 2_000.0)
    account: tuple[float, float] = (500.0, 2_000.0)


@dataclass(frozen=True, kw_only=True)
class Vault:
    """What a vault is made of.

    Attributes:
        keys: where the keys of what is kept come from, in words.
        development: whether they are worth nothing.
        clock: POSIX seconds.
    """

    database: Database
    place: Place
    judge: Judge
    keys: str
    development: bool
    paces: Paces = field(default_factory=Paces)
    clock: Callable[[], float] = time.time

    @cached_property
    def accounts(self) -> Accounts:
        """Its accounts; one for all, as they remember states."""
        return Accounts(self.database, self.judge, forms.schema(self.place.network))

    def table(self) -> list[Endpoint]:
        """Every endpoint."""
        sessions = Sessions(self.database)
        door = Door(self.database, self.place, self.judge, forms.schema(self.place.network))
        table: list[Endpoint] = []
        table += Discovery(
            self.place, keys=self.keys, development=self.development, describe=lambda: describe(table)
        ).endpoints()
        table += People(self.accounts, sessions, door).endpoints()
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


@contextmanager
def opened(data: Path, database: str, place: Place) -> Iterator[Vault]:
    """A vault that keeps everything in a folder, but for its database if that has a URL of its own.

    Raises:
        CyberPrivacyError: the database or the keys cannot be opened.
    """
    kept = Database.open(database or f"sqlite:///{(data / FILE).absolute()}")
    try:
        yield Vault(
            database=kept,
            place=place,
            judge=Judge(place=place.passkeys(OWNER)),
            keys="a file, for development",
            development=True,
        )
    finally:
        kept.close()
