"""How long until what is committed in one application can be read in another, beside the bare round trip.

    uv run python bench/events.py --runs 200

Two applications on loopback, one grant. A run: commit a record in the first, and ask the second until it is there.
The bare round trip is a GET of the first's smallest document, in turn with that. Prints JSON and keeps it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/unit/vault"))
from keeping import ORDER  # type: ignore[import-not-found]  # of the tests, which are no package
from two import Pair, pair  # type: ignore[import-not-found]

from cyberprivacy.vault.changing import NoRecord
from cyberprivacy.vault.followings import local_id

RESULTS = Path(__file__).parent / "results" / "events.json"


def appears(both: Pair, total: int) -> float:
    """Seconds from the commit's end to the first read that finds it."""
    shop, reader = both.at(both.shop), both.at(both.book)
    record = shop.create(ORDER, {"total": total})
    begun = time.perf_counter()
    wanted = local_id(shop.session.owner(), bytes.fromhex(record)).hex()
    while True:
        try:
            reader.read(wanted)
        except NoRecord:
            time.sleep(0.002)
        else:
            return time.perf_counter() - begun


def bare(client: httpx2.Client) -> float:
    """Seconds of one request whose answer is ready."""
    begun = time.perf_counter()
    client.get("/.well-known/udi").raise_for_status()
    return time.perf_counter() - begun


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and 99th percentile, milliseconds."""
    cut = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"median_ms": round(cut[49] * 1_000, 3), "p99_ms": round(cut[98] * 1_000, 3)}


def main() -> None:
    """Measure, and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=200)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, pair(Path(folder)) as both:
        signed = both.grant()
        both.registers(signed).raise_for_status()
        both.follows(signed)
        appears(both, 1_000_000)
        visible, trips = list[float](), list[float]()
        with httpx2.Client(base_url=both.shop.url, trust_env=False) as client:
            for number in range(runs):
                visible.append(appears(both, number))
                trips.append(bare(client))
    events, bare_trip = spread(visible), spread(trips)
    ratio = {name: round(events[f"{name}_ms"] / bare_trip[f"{name}_ms"], 1) for name in ("median", "p99")}
    found = {
        "runs": runs,
        "load": os.getloadavg(),
        "commit_to_readable": events,
        "bare_round_trip": bare_trip,
        "ratio": ratio,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
