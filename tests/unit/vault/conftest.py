"""Each test of what a vault keeps runs on both engines."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from callers import Town, town
from keeping import Vault

from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.vault.database import Database

ENGINES = ("sqlite", "postgresql")
_NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of this room, with a database `vault` whose tables are there."""
    with Postgres() as server:
        Database.open(server.create("vault")).close()
        yield server


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database."""
    return fresh(request, tmp_path)


def fresh(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a database of the engine that a fixture is asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'vault.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create(f"vault{next(_NUMBERS)}", template="vault")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, open."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Iterator[Vault]:
    """A vault with two declared types and nobody in it."""
    made = Vault.make(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
def here(database_url: str, tmp_path: Path) -> Iterator[Town]:
    """A vault that people call over HTTP."""
    with town(tmp_path, database=database_url) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def town_of_all(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One for all tests of a file."""
    folder = tmp_path_factory.mktemp("vault")
    with town(folder, database=fresh(request, folder)) as made:
        yield made
