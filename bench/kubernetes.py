"""What the Kubernetes engine costs: a roll-out beside kubectl's, the loop at rest, and a node that comes back.

    sudo uv run python bench/kubernetes.py [--rounds 5] [--sizes 10 100 1000] [--seconds 120] [--restart 100]

* roll-out: our runtime and TLS front beside `kubectl apply --server-side` and `kubectl rollout status` of the
  same rendered manifests, in turns, in one cluster whose pods run: all compiled from Kubernetes' own modules
* at rest: one node's loop over so many applications, against a real etcd, API server, controllers and scheduler;
  requests are counted in the API server's audit log. The pods do not run: no machine of ours holds a thousand. A
  stand-in with a kubelet's account says of each that it does, and a front believes it
* a node that comes back: killed, and stopped in order, with so many applications that run

Needs root, containerd, the CNI plugins, docker-registry, skopeo and Go.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cluster.parts import push
from cluster.rollout import Sides
from cluster.standin import StandIn
from cluster.summary import ratios, restart_table, rollout_table, steady_table
from cyberprivacy.testing.checkout import PROJECT
from cyberprivacy.testing.kubernetes.binaries import compiled, version
from cyberprivacy.testing.kubernetes.install import OURS, USER
from cyberprivacy.testing.kubernetes.machine import Machine
from cyberprivacy.testing.kubernetes.plane import Plane, Site
from cyberprivacy.testing.kubernetes.town import admitted, registry
from peers.server import cpu_of

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "kubernetes.json"
RIG, ACCOUNT = PROJECT / "deploy" / "kubernetes-rig", PROJECT / "deploy" / "manifests" / "account.yaml"
SITE = Site(7)
"""Beside any cluster of a test."""
PARTS = ("kube-apiserver", "etcd")
AT_ONCE = 16
"""Applications that are brought up at once before a measurement; after a restart it is all, as in a node."""
REST = 20.0
"""Seconds in which a node that is at rest writes nothing but its Lease: more than a round of its care."""


@contextmanager
def plane_in(folder: Path, *, audited: str = "") -> Iterator[Plane]:
    """A control plane with the node's account."""
    folder.mkdir(mode=0o711)
    with admitted(folder, RIG, ACCOUNT, audited=audited, site=SITE) as plane:
        yield plane


def rollouts(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Both sides in turns; the first round is for warming up."""
    programs = compiled(HERE / "go")
    found: list[dict[str, Any]] = []
    with ExitStack() as stack:
        plane = stack.enter_context(plane_in(folder))
        where = stack.enter_context(registry(folder, SITE))
        machine = Machine(plane, where)
        stack.callback(machine.stop)
        machine.start()
        sides = Sides(plane, programs / "kubectl", push(programs / "answer", folder, where), folder)
        stack.callback(sides.close)
        for number in range(1, rounds + 2):
            sides.prepare(number)
            one: dict[str, Any] = {}
            for what, release in (("first", "1"), ("update", "2")):
                turns = {"ours": sides.ours, "kubectl": sides.bare}
                names = sorted(turns, reverse=bool(number % 2))
                one[what] = {name: turns[name](number, release) for name in names}
                told(f"round {number} {what}: {one[what]}")
            found.append(one)
    return found[1:]


class Loop:
    """A node's loop in a process of its own: `cluster.loop`."""

    def __init__(self, plane: Plane, count: int, at_once: int) -> None:
        words = ["-m", "cluster.loop", str(plane.kubeconfig(OURS)), str(count), str(at_once)]
        with (plane.folder / "loop.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *words], cwd=HERE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def hear(self, what: str) -> Any:
        """The value of this name, which it says next."""
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        return said[what]

    def stop(self, *, killed: bool = False) -> dict[str, int]:
        """End it; how often it looked, and how often something was not well."""
        if killed:
            self.process.kill()
            self.process.wait()
            return {}
        self.process.terminate()
        assert self.process.stdout is not None
        last = json.loads(self.process.stdout.read())
        assert self.process.wait() == 0
        return dict(last)

    def memory_mib(self) -> float:
        """Of its memory, what is in the machine's."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [one for one in status.splitlines() if one.startswith("VmRSS")]
        return round(int(line.split()[1]) / 1024, 1)


def asked(audit: Path, offset: int) -> Counter[str]:
    """Requests of the node since this place in the API server's log, by verb."""
    found: Counter[str] = Counter()
    with audit.open() as log:
        log.seek(offset)
        for line in log:
            event = json.loads(line)
            last = "ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"
            found[event["verb"]] += event["stage"] == last
    return +found


def window(plane: Plane, seconds: int, loop: Loop | None) -> dict[str, Any]:
    """What everybody does in so many seconds."""
    pids = {name: plane.pid(name) for name in PARTS} | ({"node": loop.process.pid} if loop else {})
    offset = plane.audit.stat().st_size if loop else 0
    before, began = {name: cpu_of(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    cpu = {name: round((cpu_of(pid) - before[name]) / passed, 4) for name, pid in pids.items()}
    found: dict[str, Any] = {"seconds": round(passed, 1), "cpu": cpu}
    if loop:
        verbs = asked(plane.audit, offset)
        found |= {"memory_mib": loop.memory_mib(), "verbs": dict(verbs)}
        found |= {"calls_per_minute": round(verbs.total() * 60 / passed, 1)}
    return found


def await_rest(audit: Path) -> None:
    """Until the node has looked at everything that it brought up."""
    writes = 1
    while writes:
        offset = audit.stat().st_size
        time.sleep(REST)
        writes = asked(audit, offset)["patch"]


def at_rest(plane: Plane, sizes: list[int], seconds: int) -> list[dict[str, Any]]:
    """The loop at rest, with ever more applications."""
    rows: list[dict[str, Any]] = []
    for size in sizes:
        loop = Loop(plane, size, AT_ONCE)
        loop.hear("led")
        told(f"{size} applications up after {loop.hear('converged')} s, {loop.hear('steady')} looked after")
        await_rest(plane.audit)
        row = {"applications": size} | window(plane, seconds, loop)
        row |= loop.stop()
        rows.append(row)
        told(json.dumps(row))
        assert row["unwell"] == 0, "a measurement of something that was not at rest"
    return rows


def restarts(plane: Plane, count: int) -> list[dict[str, Any]]:
    """How long a node that comes back takes to look after all again."""
    loop, found = Loop(plane, count, count), []
    for name in ("led", "converged", "steady"):
        loop.hear(name)
    for ended in ("killed", "stopped in order"):
        loop.stop(killed=ended == "killed")
        loop = Loop(plane, count, count)
        row = {"ended": ended, "applications": count, "led": loop.hear("led"), "converged": loop.hear("converged")}
        loop.hear("steady")
        found.append(row)
        told(json.dumps(row))
    loop.stop()
    return found


def told(words: str) -> None:
    """Progress."""
    print(words, file=sys.stderr, flush=True)


def show(found: Mapping[str, Any]) -> None:
    """The tables."""
    for table in (
        rollout_table(found["rollout"]["summary"]),
        steady_table(found["at_rest"]),
        restart_table(found["restart"]),
    ):
        print(table, end="\n\n")


def main() -> None:
    """Measure, print, and keep the raw data."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5, help="of the roll-out")
    options.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000], help="applications at rest")
    options.add_argument("--seconds", type=int, default=120, help="for which each size is watched")
    options.add_argument("--restart", type=int, default=100, help="applications of a node that comes back")
    options.add_argument("--raw", type=Path, default=RESULTS, help="where to keep the raw data")
    given = options.parse_args()
    load = [os.getloadavg()]
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        rounds = rollouts(folder / "rollout", given.rounds)
        with plane_in(folder / "rest", audited=USER) as plane, StandIn(plane).at_work():
            rows = [{"applications": 0} | window(plane, given.seconds, None)]
            rows += at_rest(plane, [size for size in given.sizes if size <= given.restart], given.seconds)
            back = restarts(plane, given.restart)
            rows += at_rest(plane, [size for size in given.sizes if size > given.restart], given.seconds)
    found = {
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "load": [*load, os.getloadavg()],
        "kubernetes": version(RIG),
        "rollout": {"summary": ratios(rounds), "rounds": rounds},
        "at_rest": rows,
        "restart": back,
    }
    given.raw.write_text(json.dumps(found, indent=1) + "\n")
    show(found)


if __name__ == "__main__":
    main()
