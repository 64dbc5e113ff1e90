"""A node's loop over so many applications, in a process of its own: as `node.service` asks a runtime.

    python -m cluster.loop KUBECONFIG APPLICATIONS AT_ONCE

It stands for election first, brings every application up, then looks at each of them once a second and after what
runs as often. It prints how many seconds after its start it led and when all had come up, and, when it is told to
end, how often it looked. The chain, builds and the TLS front are left out.
"""

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import structlog

from cluster.parts import ABSENT, application
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.deploy.kubernetes.lease import Standby
from cyberprivacy.deploy.kubernetes.release import KubernetesSettings
from cyberprivacy.deploy.kubernetes.runtime import KubernetesRuntime
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import TryLater

SECOND = 1.0


class Noted:
    """A front that believes every endpoint: nothing answers in pods that are only said to run."""

    def __init__(self) -> None:
        self._kept: dict[str, frozenset[Endpoint]] = {}

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """See `Balancer`."""
        return self._kept.get(app, frozenset())

    def point(self, app: str, endpoints: Collection[Endpoint], *, drain: float = 30.0) -> None:
        """See `Balancer`."""
        del drain
        self._kept[app] = frozenset(endpoints)


class Loop:
    """The loop over applications `app-0`, `app-1` and so on."""

    def __init__(self, runtime: KubernetesRuntime, count: int) -> None:
        self._runtime, self._stop = runtime, threading.Event()
        self._applications = [application(f"app-{number}", ABSENT) for number in range(count)]
        self.looks, self.unwell, self._counting = 0, 0, threading.Lock()

    def lead(self) -> None:
        """Until this node may act."""
        while not self._stop.is_set():
            with suppress(Standby):
                self._runtime.names()
                return
            time.sleep(0.05)

    def bring(self, at_once: int) -> None:
        """Until every application runs."""
        with ThreadPoolExecutor(at_once) as threads:
            list(threads.map(self._bring, range(len(self._applications))))

    def _bring(self, number: int) -> None:
        while True:
            try:
                self._runtime.apply(self._applications[number])
            except TryLater as failure:  # as the node does, which is slower
                sys.stderr.write(f"{number}: {failure}\n")
                time.sleep(SECOND)
            else:
                return

    def keep(self) -> None:
        """Look after all of them until `end`."""
        names = [one.name for one in self._applications]
        threads = [threading.Thread(target=self._look, args=(name,)) for name in names]
        threads.append(threading.Thread(target=self._tend))
        for thread in threads:
            thread.start()
        print(json.dumps({"steady": len(names)}), flush=True)
        for thread in threads:
            thread.join()

    def end(self, *_: object) -> None:
        """From now on nothing is looked at."""
        self._stop.set()

    def _look(self, name: str) -> None:
        while not self._stop.wait(SECOND):
            try:
                found = self._runtime.glance(name)
                well = found is not None and found.ready == found.wanted
            except TryLater:
                well = False
            with self._counting:
                self.looks, self.unwell = self.looks + 1, self.unwell + (not well)

    def _tend(self) -> None:
        while not self._stop.wait(SECOND):
            try:
                for said in self._runtime.tend():
                    sys.stderr.write(f"put right: {said}\n")
            except TryLater as failure:
                sys.stderr.write(f"{failure}\n")


def main() -> None:
    """As the module says."""
    kubeconfig, count, at_once = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = KubernetesSettings(access=read(kubeconfig), front=("10.199.0.1/32",), lease="cyberprivacy/node")
    runtime, began = KubernetesRuntime(settings, Noted()), time.monotonic()
    loop = Loop(runtime, count)
    signal.signal(signal.SIGTERM, loop.end)
    loop.lead()
    print(json.dumps({"led": round(time.monotonic() - began, 2)}), flush=True)
    loop.bring(at_once)
    print(json.dumps({"converged": round(time.monotonic() - began, 2)}), flush=True)
    loop.keep()
    runtime.close()
    print(json.dumps({"looks": loop.looks, "unwell": loop.unwell}), flush=True)


if __name__ == "__main__":
    main()
