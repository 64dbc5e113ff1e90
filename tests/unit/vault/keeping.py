"""A vault in one folder, for tests of what it keeps: database, key file, root, a type and people."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, insert, select

from cyberprivacy.bundle import datatype
from cyberprivacy.vault import owners, tables
from cyberprivacy.vault.change import Create, Done
from cyberprivacy.vault.changing import Means, Quota
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.sealing import KeyRing
from cyberprivacy.vault.types import Types

ORDER = "example.shop.order.v1"
NOTE = "example.notes.note.v1"
NOW = 1_800_000_000
SCHEMA = json.dumps(
    {
        "type": "object",
        "title": "Order",
        "titles": {"de": "Bestellung"},
        "properties": {"total": {"type": "integer", "x-unit": "cent"}, "note": {"type": "string"}},
        "required": ["total"],
    }
).encode()
TEXT = json.dumps({"type": "object", "title": "Note", "properties": {"text": {"type": "string"}}}).encode()


def order(total: int, note: str = "") -> Create:
    return Create(ORDER, json.dumps({"total": total, "note": note}).encode())


@dataclass
class Vault:
    """Everything that belongs together; `open` and `close` as a server would."""

    folder: Path
    url: str
    database: Database
    root: DevelopmentRoot
    store: KeyStore
    ring: KeyRing
    records: Records
    means: Means

    @classmethod
    def make(cls, folder: Path, url: str, *, quota: Quota | None = None) -> "Vault":
        root = DevelopmentRoot.make(folder / "root")
        KeyStore.make(folder / "keys", root).close()
        root.close()
        return cls.open(folder, url, quota=quota, declare=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        url: str,
        *,
        quota: Quota | None = None,
        declare: bool = False,
        clock: Callable[[], float] = lambda: NOW,
    ) -> "Vault":
        database = Database.open(url)
        root = DevelopmentRoot.open(folder / "root")
        store = KeyStore.open(folder / "keys", root)
        ring = KeyRing(store)
        means = Means(ring=ring, types=Types(), quota=quota or Quota(), clock=clock)
        if declare:
            with database.transaction() as connection:
                means.types.declare(connection, datatype.parse(ORDER, SCHEMA), now=NOW)
                means.types.declare(connection, datatype.parse(NOTE, TEXT), now=NOW)
        return cls(folder, url, database, root, store, ring, Records(means), means)

    def close(self) -> None:
        self.database.close()
        self.store.close()
        self.root.close()

    def person(self, name: str) -> bytes:
        """An account, and its owner in one application; the owner's id."""
        account, owner = sha256(name.encode()).digest(), sha256(b"owner" + name.encode()).digest()
        with self.database.transaction() as connection:
            row = {"id": account, "seq": 0, "head": bytes(32), "at": NOW, "secret": bytes(32), "created": NOW}
            connection.execute(insert(tables.ACCOUNTS).values(row))
            owners.admit(connection, self.store, owner, account=account, app="shop", now=NOW)
        return owner

    def change(self, owner: bytes, *changes: object, key: str | None = None) -> tuple[Done, ...]:
        with self.database.transaction() as connection:
            return self.records.change(connection, owner, changes, key=key)  # type: ignore[arg-type]

    def read(self, owner: bytes, record: bytes) -> Record:
        with self.database.reading() as connection:
            return self.records.read(connection, owner, record)

    def all(self, owner: bytes, kind: str | None = None) -> list[Record]:
        with self.database.reading() as connection:
            return list(self.records.all(connection, owner, kind=kind))

    def rows(self, table: str) -> int:
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(tables.METADATA.tables[table])).scalar_one()
