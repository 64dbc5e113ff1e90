"""How our log stands beside pymerkle 7 on SQLite: durable appends, making proofs, checking proofs.

    uv run python bench/ledger.py [--rounds 5] [--size 20000] [--grow 1000,10000,100000]

Both keep entries and tree on the same disk, and take entries in batches of 100 with one wait for the disk a batch.
Ours appends JSON lines that it checks, numbers and dates itself; "published" adds tiles, an Ed25519 and an
ML-DSA-44 signature and a checkpoint after each batch. pymerkle has no tiles, no signatures, no checkpoints. Both
run in each round, in a shuffled order; a ratio is the median over rounds of (ours / pymerkle, in the same round),
and above 1 means that ours is slower. Wall time, as waiting for the disk is what is measured; the work on proofs
is processor time.

Then, for growing logs: seconds to publish all and one more batch, to mirror, to prove and to check, and the bytes
of one proof. `--grow 10000000` takes some ten minutes and 4 GB of disk.
"""

import argparse
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymerkle  # type: ignore[import-untyped]

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.mirror import mirror
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.proofs import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    root_of,
)
from cyberprivacy.ledger.publisher import CHECKPOINT, Publisher
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.signers import Kind, Signer

RESULTS = Path(__file__).parent / "results" / "ledger.json"
Work = Callable[[], None]
BATCH = 100
BATCHES = 20
CHECKS = 500
SIGNERS = tuple(Signer.of("bench.example", kind, bytes([kind]) * 32) for kind in (Kind.LOG, Kind.COSIGNER_PQ))


def events(count: int) -> list[tuple[str, dict[str, object]]]:
    """Entries as a node logs them: some 130 bytes each."""
    return [("release.built", {"release": number, "images": "sha256:" + "ab" * 16}) for number in range(count)]


def timed(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a piece of work takes."""
    started = clock()
    work()
    return clock() - started


def appends(folder: Path) -> dict[str, float]:
    """Seconds for each entry that is durable, by who keeps it."""
    ledger = FileLedger(folder / "plain", clock=time.time)
    served = FileLedger(folder / "served", clock=time.time)
    public = Publisher(served, folder / "log", signers=SIGNERS, clock=time.time)
    other: Any = pymerkle.SqliteTree(str(folder / "tree.sqlite"))
    entry = next(iter(ledger.extend(events(1)))).encode()

    def ours() -> None:
        for _ in range(BATCHES):
            ledger.extend(events(BATCH))

    def published() -> None:
        for _ in range(BATCHES):
            served.extend(events(BATCH))
            public.publish()

    def theirs() -> None:
        for _ in range(BATCHES):
            other.append_entries([entry] * BATCH)

    ways = [("ours", ours), ("published", published), ("pymerkle", theirs)]
    random.shuffle(ways)
    found = {name: timed(work) / (BATCH * BATCHES) for name, work in ways}
    for each in (ledger, served, other):
        each.close()
    return found


class Proofs:
    """Two logs of the same entries, and work on proofs from both."""

    def __init__(self, folder: Path, size: int) -> None:
        ledger = FileLedger(folder / "ledger", clock=time.time)
        ledger.extend(events(size))
        public = Publisher(ledger, folder / "log", signers=SIGNERS, clock=time.time)
        self.root = public.publish().checkpoint.root
        self.size, self.entries = size, [entry.encode() for entry in ledger.entries()]
        self.reader = LogReader(FolderSource(public.public), ledger.head())
        self.other: Any = pymerkle.SqliteTree(str(folder / "tree.sqlite"))
        self.other.append_entries(self.entries)
        assert self.other.get_root(size) == self.root
        self.places = [1 + step * (size - 1) // CHECKS for step in range(CHECKS)]
        ledger.close()

    def measure(self) -> dict[str, dict[str, float]]:
        """Seconds of processor for each proof: by kind of work, and by who does it."""
        kinds = {
            "check inclusion": self._inclusion(),
            "check consistency": self._consistency(),
            "prove inclusion": self._proving(),
        }
        found: dict[str, dict[str, float]] = {}
        for kind, pair in kinds.items():
            ways = list(zip(("ours", "pymerkle"), pair, strict=True))
            random.shuffle(ways)
            found[kind] = {name: timed(work, time.process_time) / CHECKS for name, work in ways}
        return found

    def _inclusion(self) -> tuple[Work, Work]:
        ours = [(at, inclusion_proof(self.reader.node, at, self.size)) for at in self.places]
        theirs = [(at, self.other.prove_inclusion(at + 1, self.size)) for at in self.places]
        leaves = {at: leaf_hash(self.entries[at]) for at in self.places}

        def check_ours() -> None:
            for at, proof in ours:
                check_inclusion(leaf=leaves[at], index=at, size=self.size, proof=proof, root=self.root)

        def check_theirs() -> None:
            for at, proof in theirs:
                pymerkle.verify_inclusion(leaves[at], self.root, proof)

        return check_ours, check_theirs

    def _consistency(self) -> tuple[Work, Work]:
        node, size = self.reader.node, self.size
        ours = [(at, root_of(node, at), consistency_proof(node, at, size)) for at in self.places]
        theirs = [(root, self.other.prove_consistency(at, size)) for at, root, _ in ours]

        def check_ours() -> None:
            for at, root, proof in ours:
                check_consistency(old=at, new=size, old_root=root, new_root=self.root, proof=proof)

        def check_theirs() -> None:
            for root, proof in theirs:
                pymerkle.verify_consistency(root, self.root, proof)

        return check_ours, check_theirs

    def _proving(self) -> tuple[Work, Work]:
        def prove_ours() -> None:
            for at in self.places:
                inclusion_proof(self.reader.node, at, self.size)

        def prove_theirs() -> None:
            for at in self.places:
                self.other.prove_inclusion(at + 1, self.size)

        return prove_ours, prove_theirs


def growth(folder: Path, size: int) -> dict[str, float]:
    """What one more batch costs when so many entries are there already."""
    ledger = FileLedger(folder / "ledger", clock=time.time)
    for _ in range(0, size, 10_000):
        ledger.extend(events(min(size, 10_000)))
    public = Publisher(ledger, folder / "log", signers=SIGNERS, clock=time.time)
    first = timed(lambda: void(public.publish()))
    ledger.extend(events(BATCH))
    more = timed(lambda: void(public.publish()))
    reader = LogReader(FolderSource(public.public), ledger.head())
    note = (public.public / CHECKPOINT).read_bytes()
    proof = inclusion_proof(reader.node, size // 2, reader.head.size)
    root = ledger.head().root
    leaf = leaf_hash(next(reader.entries(size // 2, size // 2 + 1)))
    prove = (
        timed(lambda: void([inclusion_proof(reader.node, at, size) for at in range(0, size, size // 100)])) / 100
    )

    def check() -> None:
        check_inclusion(leaf=leaf, index=size // 2, size=reader.head.size, proof=proof, root=root)

    mirrored = timed(lambda: void(mirror(reader, Note.parse(note), folder / "mirror")))
    ledger.close()
    return {
        "publish all": first,
        "publish one more batch": more,
        "mirror all": mirrored,
        "prove": prove,
        "check": timed(check),
        "bytes of a proof": 32 * len(proof),
    }


def void(_: object) -> None:
    """Nothing."""


def main() -> None:
    """Print the ratios; keep the raw seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--grow", default="1000,10000,100000")
    asked = parser.parse_args()
    raw: dict[str, list[dict[str, float]]] = {"append": []}
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            raw["append"].append(appends(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        proofs = Proofs(Path(folder), asked.size)
        for _ in range(asked.rounds):
            for kind, found in proofs.measure().items():
                raw.setdefault(kind, []).append(found)
        proofs.other.close()
    grown: dict[str, dict[str, float]] = {}
    for size in map(int, asked.grow.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            grown[str(size)] = growth(Path(folder), size)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"unit": "seconds each", "raw": raw, "growth": grown}, indent=1))
    print(f"{asked.rounds} rounds, batches of {BATCH}, proofs in a log of {asked.size}, {platform.machine()}")
    for kind, rounds in raw.items():
        for name in [each for each in rounds[0] if each != "pymerkle"]:
            ratio = statistics.median(each[name] / each["pymerkle"] for each in rounds)
            rates = {who: 1 / statistics.median(each[who] for each in rounds) for who in (name, "pymerkle")}
            print(f"{kind}: {name}/pymerkle {ratio:.2f} ({rates[name]:.0f}/s, pymerkle {rates['pymerkle']:.0f}/s)")
    for at, costs in grown.items():
        print(f"{at} entries: " + ", ".join(f"{name} {value:.3g}" for name, value in costs.items()))


if __name__ == "__main__":
    main()
