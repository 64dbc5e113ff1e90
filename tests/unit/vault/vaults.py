"""Owners of the tests whose records are not sealed."""

from grants import h
from sqlalchemy import insert

from cyberprivacy.vault.database import Database
from cyberprivacy.vault.tables import ACCOUNTS, OWNERS


def owner(database: Database, app: str) -> bytes:
    """An owner at an application, as a pairwise id."""
    made = h(f"alice at {app}")
    account = h(f"account of {app}")
    with database.transaction() as connection:
        row = {"id": account, "seq": 0, "head": bytes(32), "at": 1, "secret": bytes(32), "created": 1}
        connection.execute(insert(ACCOUNTS).values(row))
        owned = {"id": made, "account": account, "app": app, "created": 1, "generation": 1}
        connection.execute(insert(OWNERS).values(seq=0, records=0, bytes=0, **owned))
    return made
