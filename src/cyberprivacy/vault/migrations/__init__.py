"""How the tables came to be: each change a numbered file, packaged with the program, run at opening.

A change that was released is never edited; the next one is added. `tests/unit/vault/test_database.py` holds the
sum of all of them against `tables`.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from cyberprivacy.errors import Misuse

_LOCK: Final = 0x7564692F31
"""The advisory lock of PostgreSQL ("udi/1"): two servers that start at once migrate one after the other."""


class NewerDatabase(Misuse):
    """A newer program has changed these tables; this one would not understand them."""

    code = "database.newer"
    hint = "Start the program that last used this database, or a newer one."


def run(connection: Connection) -> None:
    """Bring the tables to this program's version, in the caller's transaction.

    Raises:
        NewerDatabase: they are past it; nothing was touched.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]  # newest first
    present = MigrationContext.configure(connection).get_current_revision()
    if present == known[0]:
        return
    if present is not None and present not in known:
        raise NewerDatabase("the tables are newer than this program", version=present, newest=known[0])
    command.upgrade(config, "head")
