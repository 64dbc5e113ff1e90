"""All endpoints of a vault, and the vault itself put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import time

from starlette.applications import Starlette

from cyberprivacy.vault import forms
from cyberprivacy.vault.accounts import Accounts
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.place import Place
from cyberprivacy.vault.sessions import Sessions
from cyberprivacy.vault.signing_in import Door
from cyberprivacy.vault.web.app import application
from cyberprivacy.vault.web.discovery import Discovery
from cyberprivacy.vault.web.dispatch import Doors
from cyberprivacy.vault.web.endpoint import Endpoint
from cyberprivacy.vault.web.openapi import describe
from cyberprivacy.vault.web.pace import Pace
from cyberprivacy.vault.web.people import People


@dataclass(frozen=True, slots=True)
class Paces:
    """Units a second, and how many at once, of one address and of one account; reading a record costs 1."""

    address: tuple[float, float] = (200.0, 1_000.0)
    account: tuple[float, float] = (200.0, 1_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """What a vault is made of."""

    database: Database
    place: Place
    judge: Judge = field(default_factory=Judge)
    keys: str
    development: bool
    paces: Paces = field(default_factory=Paces)
    clock: Callable[[], float] = time.time


def endpoints(vault: Vault) -> list[Endpoint]:
    """The table."""
    schema = forms.schema(vault.place.network)
    accounts = Accounts(vault.database, vault.judge, schema)
    people = People(accounts, Sessions(vault.database), Door(vault.database, vault.place, vault.judge, schema))
    table: list[Endpoint] = []
    discovery = Discovery(
        vault.place, keys=vault.keys, development=vault.development, describe=lambda: describe(table, title="UDI/1")
    )
    table += [*discovery.endpoints(), *people.endpoints()]
    return table


def serve(vault: Vault, table: Sequence[Endpoint], *, origins: Sequence[str] = ()) -> Starlette:
    """The vault as an ASGI application."""
    accounts = Accounts(vault.database, vault.judge, forms.schema(vault.place.network))
    doors = Doors(
        find=Sessions(vault.database).find,
        state=accounts.state,
        addresses=Pace(*vault.paces.address),
        accounts=Pace(*vault.paces.account),
        clock=vault.clock,
    )
    return application(table, doors, origins=origins)
