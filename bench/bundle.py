"""How much slower are pack and fetch than merely reading the same files?

    uv run python bench/bundle.py [--files 2000] [--rounds 3] [--folder DIR] [--raw bench/results/bundle.json]

All ways run side by side in each round, in a shuffled order, so that a busy machine slows all of them alike. Each
ratio is the median over rounds of (way / reading, in the same round). Wall-clock time; page cache warm.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.serve import gateway_app
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.testing.gateway import running

RESULTS = Path(__file__).parent / "results" / "bundle.json"
Way = Callable[[Path], object]


def make_tree(folder: Path, files: int) -> None:
    """A tree like a small application's: many small files, a few large ones; the same bytes every time."""
    chance = random.Random(1)  # noqa: S311 - repeatable is what is wanted
    for number in range(files):
        place = folder / f"package{number % 40}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"module{number}.py").write_bytes(chance.randbytes(chance.randrange(200, 24_000)))
    for number in range(4):
        (folder / f"asset{number}").write_bytes(chance.randbytes(4 << 20))


def read_files(source: Path) -> int:
    """The floor: read every file once, as a program that only wants the bytes would."""
    return sum(len(path.read_bytes()) for path in source.rglob("*") if path.is_file())


@contextmanager
def ways(source: Path) -> Iterator[dict[str, Way]]:
    """What is measured; each gets a fresh empty folder."""
    packed = TreeBlocks(source)
    whole = b"".join(car.write(packed.root, graph.blocks(packed.root, packed.find)))
    with tempfile.TemporaryDirectory(dir=source.parent) as kept, running(gateway_app(packed.find)) as url:
        served = FolderStore(Path(kept) / "store")
        served.add(graph.blocks(packed.root, packed.find))
        bundle = extract(packed.root, served.find, Path(kept) / "tree")
        gateway = Gateway(url)
        yield {
            "read the files": lambda _: read_files(source),
            "pack: CID only": lambda _: pack(source),
            "pack: to a CAR": lambda at: pack(source, car_file=at / "car"),
            "pack: into a store": lambda at: pack(source, store=FolderStore(at)),
            "verify a CAR in memory": lambda _: sum(1 for _ in car.read(io.BytesIO(whole), packed.root)),
            "verify a tree on disk": lambda _: open_verified(packed.root, bundle.tree),
            "extract from a store": lambda at: extract(packed.root, served.find, at / "tree"),
            "fetch over HTTP to a tree": lambda at: fetch(
                packed.root, [gateway], FolderStore(at / "store"), at / "tree"
            ),
        }


def measure(measured: dict[str, Way], rounds: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of each way in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        order = list(measured.items())
        random.shuffle(order)
        for name, way in order:
            with tempfile.TemporaryDirectory(dir=folder) as fresh:
                started = time.perf_counter()
                way(Path(fresh))
                seconds[name].append(time.perf_counter() - started)
    return seconds


def main() -> None:
    """Print the table; keep the raw seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write; the disk makes the difference")
    parser.add_argument("--raw", type=Path, default=RESULTS, help="where to keep the raw data")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        folder = Path(place)
        source = folder / "source"
        make_tree(source, asked.files)
        size = read_files(source)
        with ways(source) as measured:
            seconds = measure(measured, asked.rounds, folder)
    floor = seconds["read the files"]
    print(f"{asked.files + 4} files, {size / 1e6:.0f} MB, {asked.rounds} rounds, {platform.machine()}")
    print(f"{'way':28} {'seconds':>8} {'MB/s':>7} {'ratio':>7}")
    for name, taken in seconds.items():
        ratio = statistics.median(one / base for one, base in zip(taken, floor, strict=True))
        middle = statistics.median(taken)
        print(f"{name:28} {middle:8.3f} {size / 1e6 / middle:7.0f} {ratio:7.1f}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    raw = {"machine": machine, "bytes": size, "files": asked.files + 4, "unit": "seconds", "raw": seconds}
    asked.raw.parent.mkdir(parents=True, exist_ok=True)
    asked.raw.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
