"""A security application put together: its folder, its desk, and the thread that does what is due."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.security.book import Book
from cyberprivacy.vault.security.desk import Desk
from cyberprivacy.vault.security.guard import Guard
from cyberprivacy.vault.vaultkey import VaultKey

KEY: Final = "guardian.key"
BOOK: Final = "security.db"
ROUND: Final = 5.0
"""Seconds between two looks at what is due."""
_log = structlog.get_logger("security")


@contextmanager
def opened(
    data: Path, operator: str, vaults: Mapping[Site, Path | None], *, delay: int, round_: float = ROUND
) -> Iterator[Desk]:
    """A desk over a folder, at work while the block lasts.

    Args:
        data: the folder; made if it is not there.
        operator: who runs it, as the cards say.
        vaults: where it helps, each with the certificate that it must have (PEM; None asks this machine's).
        delay: seconds before a recovery is asked for.
        round_: seconds between two looks at what is due.

    Raises:
        Misuse: the key or a certificate cannot be read.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        guard = Guard(VaultKey.open(data / KEY), operator)
        book = Book(data / BOOK)
        stack.callback(book.close)
        connections = {
            site.uri: stack.enter_context(Connection(site.uri, certificate=certificate))
            for site, certificate in vaults.items()
        }
        desk, over = Desk(book, guard, connections, delay=delay), Event()
        worker = Thread(target=_work, args=(desk, over, round_), name="desk", daemon=True)
        worker.start()
        try:
            yield desk
        finally:
            over.set()
            worker.join(timeout=60)


def _work(desk: Desk, over: Event, round_: float) -> None:
    while not over.wait(round_):
        try:
            desk.work()
        except (
            CyberPrivacyError,
            sqlite3.Error,
        ) as error:  # a request's own trouble is on record; this is the desk's
            _log.error("desk", what=str(error))
