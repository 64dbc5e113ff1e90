"""An owner in a database of the tests."""

from grants import h
from sqlalchemy import insert

from cyberprivacy.vault.database import Database
from cyberprivacy.vault.tables import ACCOUNTS, OWNERS


def owner(database: Database, app: str) -> bytes:
    """An owner at an application, as a pairwise id."""
    made = h(f"alice at {app}")
    with database.transaction() as connection:
        account = {
            "id": h(f"account of {app}"),
            "seq": 0,
            "head": bytes(32),
            "at": 1,
            "secret": bytes(32),
            "created": 1,
        }
        connection.execute(insert(ACCOUNTS).values(account))
        row = {"id": made, "account": account["id"], "app": app, "seq": 0, "records": 0, "bytes": 0, "created": 1}
        connection.execute(insert(OWNERS).values(row))
    return made
