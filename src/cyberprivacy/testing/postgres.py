"""A PostgreSQL server for tests and measurements: Debian's, on a unix socket in a folder of its own.

Not for anybody's data: whoever reaches the socket is let in.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg.sql import SQL, Identifier

from cyberprivacy.errors import TryLater

DEBIAN: Final = Path("/usr/lib/postgresql")
QUICK: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""Settings for tests: nothing has to survive the machine."""
START: Final = 30
"""Seconds for a server to answer."""


class NoPostgres(TryLater):
    """A server could not be started here."""

    code = "postgres.start"
    hint = "deploy/install-debian.sh installs Debian's `postgresql`."


class Postgres:
    """A running server; `with` ends it and removes its folder."""

    def __init__(self, settings: Sequence[str] = QUICK) -> None:
        """Make a folder and start a server in it, as the user `postgres` where we are root.

        Raises:
            NoPostgres: it is not installed or does not start.
        """
        found = sorted(DEBIAN.glob("*/bin"), key=lambda place: int(place.parent.name))
        if not found:
            raise NoPostgres("PostgreSQL is not installed", place=str(DEBIAN))
        self._tools = found[-1]
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._uid = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
        if self._uid is not None:
            os.chown(self.folder, self._uid, -1)
        try:
            self._make()
            self._settings = settings
            self._server = self._start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    @property
    def data(self) -> Path:
        """Where the server keeps its files."""
        return self.folder / "data"

    def url(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database, and give its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
            )
        return self.url(name)

    def stop(self) -> None:
        """End the server in an orderly way, whoever is connected: its files can be looked into, or exchanged."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait(START)

    def crash(self) -> None:
        """End the server at once, as if the machine had failed: it recovers from its log when it starts again."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(START)

    def start(self) -> None:
        """Start it again.

        Raises:
            NoPostgres: it does not start.
        """
        self._server = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crash()  # nothing of it is needed any more
        shutil.rmtree(self.folder)

    def _make(self) -> None:
        arguments = ["-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        made = subprocess.run(
            [self._tool("initdb"), *arguments], user=self._uid, cwd="/", capture_output=True, check=False
        )
        if made.returncode:
            raise NoPostgres("no folder for a server could be made", said=made.stderr.decode()[-300:])

    def _start(self) -> subprocess.Popen[bytes]:
        """A server that answers."""
        shown = [part for setting in self._settings for part in ("-c", setting)]
        place = ["-k", str(self.folder), "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [self._tool("postgres"), "-D", str(self.data), *place, *shown],
                user=self._uid,
                cwd="/",
                stdout=log,
                stderr=log,
            )
        waiting = [self._tool("pg_isready"), "-q", "-h", str(self.folder), "-U", "postgres"]
        for _ in range(START * 20):
            if server.poll() is not None:
                raise NoPostgres("the server ended", said=(self.folder / "log").read_text()[-300:])
            if subprocess.run(waiting, check=False).returncode == 0:
                return server
            time.sleep(0.05)
        server.kill()
        raise NoPostgres("the server does not answer", seconds=START)

    def _tool(self, name: str) -> str:
        return f"{self._tools}/{name}"
