"""What sealing costs: records of 562 bytes kept under users' keys, beside the same vault without any encryption.

    uv run python bench/vault.py [--rounds 5] [--size 2000] [--postgres] [--grow 10000,100000,1000000]

Both run the same code on the same database, but in one of them keys are not wrapped and bodies are not sealed.
They take turns in each round, in a shuffled order; a ratio is the median over rounds of (speed sealed / speed
plain, in the same round) in processor time, so 0.9 means that sealing makes an operation 11 % dearer. Wall time,
which waits for the disk and for whoever else uses the machine, is told beside it.

* create: one record, one transaction, one idempotency key; synced to the disk
* batch: a list of 100 records in one transaction
* import: 1,000 lines of an archive in one transaction
* read: one record by its id
* export: all records as lines of JSON, gzip level 6, as a person takes them out

`--grow`: microseconds of processor time for each operation in a vault that holds so many records of 1,000 owners.
"""

import argparse
import gzip
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import insert

from cyberprivacy.bundle import datatype
from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.vault import archive, imports, owners, sealing, tables
from cyberprivacy.vault.change import Create, Ids
from cyberprivacy.vault.changing import Means, Quota
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sealing import Draw, KeyRing
from cyberprivacy.vault.types import Types

RESULTS = Path(__file__).parent / "results" / "vault.json"
ORDER = "example.shop.order.v1"
ITEM = {"sku": "abc-1234", "title": "A thing of some length, in blue", "qty": 2, "price": 1999, "currency": "EUR"}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "total": {"type": "integer"},
        "items": {"type": "array", "items": {"type": "object", "required": ["sku", "qty"], "properties": {
            "sku": {"type": "string"}, "qty": {"type": "integer"}}}},
    },
    "required": ["id", "total", "items"],
}  # fmt: skip
Work = Callable[[], object]


@cache
def body(number: int) -> bytes:
    """An order of 562 bytes."""
    order = {"id": f"o-{number:09d}", "items": [ITEM] * 3, "total": 11994, "at": 1_800_000_000, "note": ""}
    order["note"] = "n" * (562 - len(json.dumps(order)))
    return json.dumps(order).encode()


def plain_sealer(
    _user: AESGCM, _owner: bytes, draw: Draw
) -> Callable[[bytes, str, int, bytes], tuple[bytes, bytes]]:
    """As `sealing.sealer`, less everything."""
    return lambda _record, _kind, _rev, body: (draw(60), body)


def plain_opener(_user: AESGCM, _owner: bytes) -> Callable[[bytes, str, int, bytes, bytes], bytes]:
    """As `sealing.opener`, less everything."""
    return lambda _record, _kind, _rev, _key, body: body


def plain_wrap(_user: AESGCM, key: bytes, *, draw: Draw = os.urandom) -> bytes:
    """As `sealing.wrap`, less everything."""
    return key + draw(28)


def plain_unwrap(_user: AESGCM, wrapped: bytes) -> bytes:
    """As `sealing.unwrap`, less everything."""
    return wrapped[:32]


PLAIN: dict[str, object] = {
    "sealer": plain_sealer, "opener": plain_opener, "wrap": plain_wrap, "unwrap": plain_unwrap,
}  # fmt: skip


@contextmanager
def unsealed() -> Iterator[None]:
    """Within the block nothing is encrypted."""
    kept = {name: getattr(sealing, name) for name in PLAIN}
    for name, plain in PLAIN.items():
        setattr(sealing, name, plain)
    try:
        yield
    finally:
        for name, real in kept.items():
            setattr(sealing, name, real)


class Vault:
    """A vault of one account, with as many owners as are wanted; one that is in the folder already as it is."""

    def __init__(self, folder: Path, url: str, people: int = 1) -> None:
        self.database = Database.open(url)
        new = not (folder / "root").exists()
        root = (DevelopmentRoot.make if new else DevelopmentRoot.open)(folder / "root")
        self.store = store = (KeyStore.make if new else KeyStore.open)(folder / "keys", root)
        self.means = means = Means(ring=KeyRing(store), types=Types(), quota=Quota())
        self.records, account = Records(means), bytes(32)
        self.owners = [sha256(str(number).encode()).digest() for number in range(people)]
        self.ids: list[tuple[bytes, bytes]] = []
        if not new:
            return
        store.create(Holder(each, owners.FIRST) for each in self.owners)
        with self.database.transaction() as connection:
            row = {"id": account, "seq": 0, "head": account, "at": 0, "secret": account, "created": 0}
            connection.execute(insert(tables.ACCOUNTS).values(row))
            means.types.declare(connection, datatype.parse(ORDER, json.dumps(SCHEMA).encode()), now=0)
            for each in self.owners:
                owners.admit(connection, store, each, account=account, app=each.hex(), now=0)

    def create(self, count: int) -> None:
        """So many records, each in a transaction of its own."""
        for number in range(count):
            owner = random.choice(self.owners)  # noqa: S311 no secret
            with self.database.transaction() as connection:
                change = [Create(ORDER, body(number))]
                key = os.urandom(8).hex()
                self.ids.append((owner, self.records.change(connection, owner, change, key=key)[0].record))

    def batch(self, count: int) -> None:
        """So many records, in lists of 100."""
        for start in range(0, count, 100):
            owner = random.choice(self.owners)  # noqa: S311 no secret
            with self.database.transaction() as connection:
                changes = [Create(ORDER, body(number)) for number in range(start, start + 100)]
                done = self.records.change(connection, owner, changes)
                self.ids.extend((owner, each.record) for each in done)

    def bring(self, parts: list[bytes]) -> None:
        """Lines of an archive, part by part."""
        for part in parts:
            with self.database.transaction() as connection:
                lines, owner = imports.read_lines(part), random.choice(self.owners)  # noqa: S311 no secret
                imports.take_in(connection, self.records, self.means.types, owner, lines, dry=False)

    def read(self, count: int) -> None:
        """So many records, each in a transaction of its own."""
        for owner, record in random.choices(self.ids, k=count):  # noqa: S311 no secret
            with self.database.reading() as connection:
                self.records.read(connection, owner, record)

    def export(self) -> int:
        """All records of the first owner, with a digest over them; bytes of the archive."""
        whole = sha256()
        with tempfile.TemporaryFile() as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as lines:
            with self.database.reading() as connection:
                for record in self.records.all(connection, self.owners[0]):
                    said = {"id": record.id.hex(), "type": record.type, "rev": record.rev}
                    times = {"created": record.created, "changed": record.changed}
                    line = json.dumps(said | times)[:-1].encode() + b',"body":' + record.body + b"}\n"
                    whole.update(line)
                    lines.write(line)
            return file.tell()


def lines_of(count: int) -> bytes:
    """So many records as they stand in an archive."""
    ids = Ids()
    return b"".join(
        archive.line(id_=ids.new().hex(), type_=ORDER, rev=1, created=1, changed=1, original=body(number))
        for number in range(count)
    )


def timed(work: Work) -> tuple[float, float]:
    """Seconds of processor, and of wall clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def one_round(url: Callable[[str], str], size: int) -> dict[str, tuple[float, float]]:
    """Each operation, `size` times, in a fresh vault."""
    parts = [lines_of(min(1_000, size - start)) for start in range(0, size, 1_000)]
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder), url(folder))
        found = {
            "create": timed(lambda: vault.create(size)),
            "batch": timed(lambda: vault.batch(size)),
            "import": timed(lambda: vault.bring(parts)),
            "read": timed(lambda: vault.read(size)),
            "export": timed(vault.export),
        }
        vault.database.close()
    return found


def compare(url: Callable[[str], str], rounds: int, size: int) -> dict[str, Any]:
    """Sealed beside plain; per second, and ratios of processor and wall time."""
    both: dict[str, list[dict[str, tuple[float, float]]]] = {"sealed": [], "plain": []}
    for _ in range(rounds):
        for kind in random.sample(sorted(both), 2):
            with ExitStack() as stack:
                if kind == "plain":
                    stack.enter_context(unsealed())
                both[kind].append(one_round(url, size))
    result: dict[str, Any] = {}
    for name in ("create", "batch", "import", "read", "export"):
        count = 3 * size if name == "export" else size
        pairs = list(zip(both["sealed"], both["plain"], strict=True))
        result[name] = {
            "sealed_per_cpu_second": round(statistics.median(count / one[name][0] for one in both["sealed"])),
            "plain_per_cpu_second": round(statistics.median(count / one[name][0] for one in both["plain"])),
            "sealed_per_second": round(statistics.median(count / one[name][1] for one in both["sealed"])),
            "cpu_ratio": round(statistics.median(plain[name][0] / sealed[name][0] for sealed, plain in pairs), 3),
            "wall_ratio": round(statistics.median(plain[name][1] / sealed[name][1] for sealed, plain in pairs), 3),
        }
    return result


def growth(sizes: list[int]) -> dict[str, Any]:
    """Microseconds of processor time for each operation, in one SQLite vault that grows."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder), f"sqlite:///{folder}/vault.db", people=1_000)
        for size in sizes:
            vault.batch(size - len(vault.ids))
            found[str(size)] = {
                "create_us": round(timed(lambda: vault.create(2_000))[0] / 2_000 * 1e6),
                "read_us": round(timed(lambda: vault.read(2_000))[0] / 2_000 * 1e6),
                "bytes": Path(f"{folder}/vault.db").stat().st_size,
            }
            print(f"{size:>9} records: {found[str(size)]}", flush=True)
        vault.database.close()
    return found


def main() -> None:
    """Measure, print, and keep the raw data."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=2_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--grow", default="")
    chosen = parser.parse_args()
    assert len(body(7)) == 562
    found: dict[str, Any] = {"machine": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()}
    found["sqlite"] = compare(lambda folder: f"sqlite:///{folder}/vault.db", chosen.rounds, chosen.size)
    if chosen.postgres:
        with Postgres(settings=()) as server:
            number = iter(range(1_000))
            found["postgresql"] = compare(lambda _: server.create(f"v{next(number)}"), chosen.rounds, chosen.size)
    for engine in ("sqlite", "postgresql"):
        for name, each in found.get(engine, {}).items():
            print(f"{engine:>10} {name:>6}: {each}")
    if chosen.grow:
        found["growth"] = growth([int(each) for each in chosen.grow.split(",")])
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
