"""What an operation costs in a vault that grows: people with ten records each, on SQLite.

    nice uv run python bench/vault_growth.py [--sizes 10000,100000,10000000] [--runs 300] [--keep FOLDER]

A size is records; there are a tenth as many accounts, so one person's part is always the same. Vaults of all sizes
are made first, in bulk: the rows that people who sign in and write ten records leave behind, sealed by the
product's own sealing under keys of its own key file, a thousand people to a transaction, past HTTP and schemas.
Then they take turns at each operation, so that the machine's moods are everybody's. Owners are drawn at random:
neither keys nor pages are at hand, but for what the system keeps of files: these are read through before,
so that no size waits for a disk if there is memory enough (`resident` in the raw data says how much of each
database was there in the end). Told are medians, processor time and wall time, in microseconds, and the ratio to
the smallest size. With `--keep` the vaults stay, and the next run goes on with them.

* create: one record with its idempotency key, one transaction, synced to the disk
* read: one record by its id; list: a page of all ten
* import: ten lines of an archive in one transaction
* export: everything of one person as a signed archive, in memory
* ask: an account is erased for everybody who asks from then on
* erase: the whole run that ends twenty such erasures, each its share. It wraps anew the keys of those who share a
  segment with somebody who goes, of up to twenty segments, and the keys of all segments
"""

import argparse
import io
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text

from cyberprivacy.vault import archive, erasing, imports, sealing, tables
from cyberprivacy.vault.archive import ArchiveWriter
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.change import Create, Ids, new_id
from cyberprivacy.vault.erasing import Scope, What
from cyberprivacy.vault.erasure import Erasure
from cyberprivacy.vault.gathering import Gathering
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.sealing import KeyRing, Place
from cyberprivacy.vault.statement import Statement
from cyberprivacy.vault.vaultkey import VaultKey
from filecache import resident, warm
from peers.summary import growth_table
from vault import ORDER, Vault, body

RESULTS = Path(__file__).parent / "results" / "vault-growth.json"
EACH = 10
"""Records of one person."""
CHUNK = 1_000
"""People that are put in at once."""
ERASED = 20
TURNS = 10
OPERATIONS = {"create": "create", "read": "read", "list": "list", "import": "bring", "export": "export"}
ERASURES = 4
"""Runs of erasing at each size."""
PLANS = {
    "read": "SELECT * FROM records JOIN owners ON owners.id = owner WHERE owner = x'' AND records.id = x''",
    "list": "SELECT * FROM records WHERE owner = x'' AND id > x'' ORDER BY id LIMIT 100",
    "list of a type": "SELECT * FROM records WHERE owner = x'' AND type = '' AND id > x'' ORDER BY id LIMIT 100",
    "import": "SELECT id FROM records WHERE owner = x'' AND id BETWEEN x'' AND x'' LIMIT 1",
    "idempotency": "SELECT * FROM idempotency WHERE owner = x'' AND key = '' ORDER BY n",
    "events": "SELECT * FROM outbox WHERE owner = x'' AND seq > 0 ORDER BY seq LIMIT 100",
    "session": "SELECT * FROM sessions JOIN accounts ON accounts.id = sessions.account WHERE token = x''",
    "sessions that ended": "DELETE FROM sessions WHERE expires <= 0",
    "grants": "SELECT * FROM grants WHERE owner = x'' ORDER BY id LIMIT 100",
    "account": "SELECT * FROM owners WHERE account = x'' ORDER BY app",
    "purge": "DELETE FROM records WHERE owner = x''",
    "erasing": "SELECT * FROM erasures WHERE step = '' ORDER BY id",
    "deleted today": "SELECT id FROM owners WHERE dirty < 1 AND generation > 0",
}


class Growing:
    """A vault that grows; people are numbers."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ids = folder, Ids()
        self.vault = Vault(folder, f"sqlite:///{folder}/vault.db")
        self._means, self._store = self.vault.means, self.vault.store
        with self.vault.database.reading() as connection:
            erased = select(func.count()).select_from(tables.ERASURES)
            there = connection.execute(select(func.count()).select_from(tables.ACCOUNTS)).scalar_one() - 1
            self.people = there + connection.execute(erased).scalar_one()
        self.gone = {n for n in range(self.people) if not self._store.holds(Holder(owner_of(n), 1))}

    def grow(self, people: int) -> None:
        """Until there are so many, each with ten records."""
        while self.people < people:
            numbers = range(self.people, min(people, self.people + CHUNK))
            self._put(sorted(map(owner_of, numbers)))
            self.people = numbers.stop
            if self.people % 10_000 == 0:
                print(f"{self.people} people", flush=True)

    def _put(self, owners: list[bytes]) -> None:
        new = [holder for each in owners if not self._store.holds(holder := Holder(each, 1))]
        self._store.create(new)  # some are there if a run was cut short
        rows: dict[Any, list[dict[str, object]]] = {
            tables.ACCOUNTS: [
                {"id": each, "seq": 0, "head": each, "at": 1, "frozen": None, "secret": each, "created": 1}
                for each in owners
            ],
            tables.KEY_EVENTS: [
                {"account": each, "seq": 0, "digest": each, "document": b"{}", "taken": 1} for each in owners
            ],
            tables.OWNERS: [
                {"id": each, "account": each, "app": "shop", "seq": EACH, "records": EACH, "bytes": EACH * 562}
                | {"generation": 1, "dirty": None, "created": 1}
                for each in owners
            ],
            tables.RECORDS: [row for each in owners for row in self._records(each)],
        }
        rows[tables.OUTBOX] = [
            {"owner": row["owner"], "seq": n % EACH + 1, "change": "created", "type": ORDER}
            | {"record": row["id"], "rev": 1, "at": 1}
            for n, row in enumerate(rows[tables.RECORDS])
        ]
        with self.vault.database.transaction() as connection:
            connection.execute(text("PRAGMA cache_size = -400000"))
            for table, each in rows.items():
                Statement(insert(table)).run(connection, *each)

    def _records(self, owner: bytes) -> list[dict[str, object]]:
        user = self._means.ring.key(Holder(owner, 1))
        made = []
        for n in range(EACH):
            record, content = record_of(owner, n), body(n)
            sealed = sealing.seal(user, Place(owner, record, ORDER, 1), content)
            kept = {"key": sealed.key, "sealed": sealed.body, "bytes": len(content), "created": 1, "changed": 1}
            made.append({"owner": owner, "id": record, "type": ORDER, "rev": 1, **kept})
        return made

    def anybody(self, *, writes: bool = False) -> bytes:
        """Somebody who is there. Every tenth person writes, the others keep what they have: pages stay as long."""
        while (number := random.randrange(self.people)) in self.gone or (number % 10 == 0) != writes:  # noqa: S311
            pass
        return owner_of(number)

    def create(self) -> None:
        """See above; so with the others."""
        with self.vault.database.transaction() as connection:
            self.vault.records.change(
                connection, self.anybody(writes=True), [Create(ORDER, body(1))], key=os.urandom(8).hex()
            )

    def read(self) -> None:
        """One record."""
        owner = self.anybody()
        with self.vault.database.reading() as connection:
            self.vault.records.read(connection, owner, record_of(owner, random.randrange(EACH)))  # noqa: S311

    def list(self) -> None:
        """A page."""
        with self.vault.database.reading() as connection:
            assert len(self.vault.records.page(connection, self.anybody())) == EACH

    def bring(self) -> None:
        """An import."""
        lines = b"".join(
            archive.line(id_=self._ids.new().hex(), type_=ORDER, rev=1, created=1, changed=1, original=body(n))
            for n in range(EACH)
        )
        with self.vault.database.transaction() as connection:
            owner, types = self.anybody(writes=True), self._means.types
            done = imports.take_in(
                connection, self.vault.records, types, owner, imports.read_lines(lines), dry=False
            )
        assert done.created == EACH

    def export(self) -> None:
        """An archive."""
        key, means = VaultKey.open(self._folder / "vault.key"), self._means
        with self.vault.database.reading() as connection:
            writer = ArchiveWriter(io.BytesIO(), key.sign, key.public)
            gathering = Gathering(connection, self.vault.records, Blobs(means), means.types, lambda _: None)
            gathering.put(writer, self.anybody(), {"site": "http://127.0.0.1"}, made="now")

    def ask(self) -> None:
        """Somebody erases everything."""
        number = next(n for n in iter(lambda: random.randrange(self.people), -1) if n not in self.gone)  # noqa: S311
        self.gone.add(number)
        with self.vault.database.transaction() as connection:
            erasing.ask(connection, owner_of(number), Scope(What.ACCOUNT), now=int(time.time()))

    def erase(self) -> None:
        """The run that ends all that was asked for."""
        ring = KeyRing(self._store)
        ended = Erasure(self.vault.database, ring, VaultKey.open(self._folder / "vault.key")).run()
        assert len(ended) == ERASED

    def plans(self) -> dict[str, str]:
        """How SQLite finds what the statements ask for."""
        with self.vault.database.reading() as connection:
            return {
                name: "; ".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {each}")))
                for name, each in PLANS.items()
            }


def owner_of(number: int) -> bytes:
    """Somebody's id, 32 bytes; for all that is measured here it is the account's, too."""
    return sha256(b"growth" + number.to_bytes(8, "big")).digest()


def record_of(owner: bytes, n: int) -> bytes:
    """The id of somebody's n-th record, 16 bytes."""
    return new_id(lambda size: owner[:size], lambda: 1_800_000_000 + n)


def cost(work: Callable[[], None], runs: int, share: int = 1) -> list[tuple[float, float]]:
    """Processor and wall time of each run, in microseconds."""
    found = []
    for _ in range(runs):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        found.append((cpu / share * 1e6, wall / share * 1e6))
    return found


def medians(found: list[tuple[float, float]]) -> dict[str, float]:
    """Of what `cost` found."""
    cpu, wall = (round(statistics.median(each), 1) for each in zip(*found, strict=True))
    return {"cpu_us": cpu, "wall_us": wall}


def measure(every: dict[int, Growing], runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Each operation at each size; the sizes take turns, so that the machine's moods are everybody's."""
    raw: dict[int, dict[str, list[tuple[float, float]]]] = {size: {} for size in every}
    for turn in range(TURNS + 1):
        for name, method in OPERATIONS.items():
            for size in random.sample(sorted(every), len(every)):
                found = cost(getattr(every[size], method), max(1, runs // TURNS))
                if turn:  # in the first, statements are made ready
                    raw[size].setdefault(name, []).extend(found)
    for turn in range(ERASURES + 1):
        for size in random.sample(sorted(every), len(every)):
            asked, erased = cost(every[size].ask, ERASED), cost(every[size].erase, 1, share=ERASED)
            if turn:
                raw[size].setdefault("ask", []).extend(asked)
                raw[size].setdefault("erase", []).extend(erased)
    return {
        str(size): {name: medians(found) for name, found in operations.items()} for size, operations in raw.items()
    }


def ratios(found: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Each size against the smallest."""
    first = next(iter(found.values()))
    return {
        size: {
            name: {each: round(value / first[name][each], 2) for each, value in costs.items()}
            for name, costs in operations.items()
        }
        for size, operations in found.items()
    }


def main() -> None:
    """Grow, measure, print, and keep the raw data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="folder for the vaults; they stay there")
    chosen = parser.parse_args()
    said: dict[str, Any] = {"machine": platform.platform(), "cpus": os.cpu_count(), "load": [os.getloadavg()]}
    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        every: dict[int, Growing] = {}
        for size in map(int, chosen.sizes.split(",")):
            (place := folder / str(size)).mkdir(parents=True, exist_ok=True)
            every[size] = Growing(place)
            every[size].grow(size // EACH)
        for size in sorted(every, reverse=True):
            warm(folder / str(size))
        found = measure(every, chosen.runs)
        largest = every[max(every)]
        said["plans"], said["bytes"] = largest.plans(), largest.vault.database.file.stat().st_size  # type: ignore[union-attr]  # SQLite
        said["load"].append(os.getloadavg())
        said["resident"] = {str(size): resident(folder / str(size) / "vault.db") for size in every}
        for each in every.values():
            each.vault.database.close()
    RESULTS.write_text(json.dumps(said | {"sizes": found, "ratios": ratios(found)}, indent=1) + "\n")
    print(json.dumps(said["plans"] | {"ratios": ratios(found)}, indent=1))
    print(growth_table(found))


if __name__ == "__main__":
    main()
