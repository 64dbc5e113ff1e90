"""How fast a vault is beside @atproto/pds and @solid/community-server, and beside itself without encryption.

    (cd bench/peers && npm ci --ignore-scripts && npm run native)     # once: Node 22 and both servers, 600 MB
    uv run python bench/vault_peers.py [--rounds 5] [--connections 32] [--seconds 4] [--batch 2000]

Needs `wrk` and PostgreSQL (Debian's). One run, one machine, the same record of 562 bytes, each server one process
on loopback with an account that begins empty in each round. In a round the servers take turns at each operation,
in a shuffled order; ratios are made within a round, and told as the median over rounds. On a machine that others
use, only these ratios mean anything; the processor time of the server is told beside the wall time.

* create: one record a request, so many connections at once
* batch: as many records a request as the server takes: 1,000 here, 200 at the PDS; Solid has no such thing
* read: one record, so many connections at once
* export: everything of the account: asked for, made and fetched; at the Solid server, a list and each resource
* import: what was exported into an empty place; at the Solid server that is create
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cyberprivacy.testing.postgres import Postgres
from peers.others import Pds, Solid
from peers.server import HERE, NODE, Rate, cpu_of, hammer, running
from peers.summary import OPERATIONS, summary, table
from peers.vaults import Vault

RESULTS = Path(__file__).parent / "results" / "vault-peers.json"
Peer = Vault | Pds | Solid


def measured(roots: tuple[int, ...], work: Callable[[], int]) -> Rate:
    """What it did, and what that cost it."""
    cpu, wall = cpu_of(*roots), time.perf_counter()
    count = work()
    return Rate(count, time.perf_counter() - wall, cpu_of(*roots) - cpu)


class Rounds:
    """Each operation at each server, round after round."""

    def __init__(
        self, peers: list[Peer], chosen: argparse.Namespace, folder: Path, database: tuple[int, ...]
    ) -> None:
        self._peers, self._chosen, self._folder, self._database = peers, chosen, folder, database
        self.found: list[dict[str, dict[str, Rate]]] = []

    def round(self, number: int) -> None:
        """One of them."""
        for peer in self._peers:
            peer.begin(number)
        made: dict[str, dict[str, Rate]] = {}
        for operation in OPERATIONS:
            for peer in random.sample(self._peers, len(self._peers)):
                rate = self._one(peer, operation)
                if rate is not None:
                    assert rate.count, f"{peer.name} did nothing at all"
                    made.setdefault(operation, {})[peer.name] = rate
                    told = f"{rate.count / rate.seconds:>10.0f}/s {rate.cpu / rate.count * 1e6:>8.0f} us"
                    print(f"round {number} {operation:>6} {peer.name:>10} {told}", file=sys.stderr, flush=True)
        self.found.append(made)

    def _one(self, peer: Peer, operation: str) -> Rate | None:
        chosen = self._chosen
        if operation in ("create", "read"):
            what = peer.create() if operation == "create" else peer.read()
            options = {
                "connections": min(chosen.connections, peer.most),
                "seconds": chosen.seconds,
                "folder": self._folder,
            }
            return self._measured(peer, lambda: hammer(peer.base, what, **options))
        if operation == "export":
            return self._measured(peer, peer.export)
        if isinstance(peer, Solid):
            return None
        if operation == "batch":
            return self._measured(peer, lambda: peer.batch(chosen.batch))
        peer.prepare_import()
        return self._measured(peer, peer.take_in)

    def _measured(self, peer: Peer, work: Callable[[], int]) -> Rate:
        roots = peer.roots + (self._database if peer.name == "postgresql" else ())
        return measured(roots, work)


def main() -> None:
    """Measure, print, and keep the raw data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--batch", type=int, default=2_000)
    chosen = parser.parse_args()
    if not NODE.exists():
        parser.exit(
            3,
            f"The other servers are not installed. Once: cd {HERE} && npm ci --ignore-scripts && npm run native\n",
        )
    load = [os.getloadavg()]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(Postgres(settings=()))
        url = server.create("vault")
        kinds = {"sqlite": (), "plain": ("--plain",), "postgresql": ("--database", url)}
        peers: list[Peer] = []
        for number, (name, more) in enumerate(kinds.items()):
            port = 8_500 + number
            peers.append(Vault(name, folder / name, port, accounts=chosen.rounds + 1, more=more))
            stack.enter_context(running(peers[-1].processes[0]))
        for begin in (lambda: Pds(folder / "pds", 8_510), lambda: Solid(folder / "solid", 8_520)):
            peers.append(begin())  # one by one: what has started is ended, should the next not start
            for process in peers[-1].processes:
                stack.enter_context(running(process))
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
        rounds = Rounds(peers, chosen, folder, (postmaster,))
        for number in range(chosen.rounds + 1):  # the first is for warming up
            rounds.round(number)
    load.append(os.getloadavg())
    keep(rounds.found[1:], chosen, load)


def keep(
    found: list[dict[str, dict[str, Rate]]], chosen: argparse.Namespace, load: Sequence[tuple[float, ...]]
) -> None:
    """The raw data, and what follows from it."""
    rounds = [
        {op: {name: vars(rate) for name, rate in made.items()} for op, made in each.items()} for each in found
    ]
    said = {
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "load": load,
        "peers": json.loads((HERE / "package.json").read_text())["dependencies"],
        "chosen": vars(chosen),
        "summary": summary(rounds),
        "rounds": rounds,
    }
    RESULTS.write_text(json.dumps(said, indent=1) + "\n")
    print(table(summary(rounds)))


if __name__ == "__main__":
    main()
