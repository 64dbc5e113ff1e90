"""A machine of a cluster that runs nothing: it says of each pod what a kubelet would say of one that runs well.

Everything else is real: etcd, API server, the controllers that make pods, the scheduler that places them. This
machine speaks with the account of a kubelet, and may write what that one may.
"""

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from cyberprivacy.deploy.kubernetes.fields import items, text
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.kubernetes.plane import Plane

NODE = "/api/v1/nodes/node"
MERGE = "application/merge-patch+json"
MUCH = {"cpu": "4000", "memory": "16Ti", "pods": "5000"}
READY = ("Initialized", "PodReadyToStartContainers", "ContainersReady", "Ready")


def now() -> str:
    """This moment as Kubernetes writes it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class StandIn:
    """Says that pods run.

    Args:
        plane: whose machine it is.
    """

    def __init__(self, plane: Plane) -> None:
        self._cluster, self._admin = plane.cluster("kubelet"), plane.cluster("admin")
        self._over, self._known = threading.Event(), 0

    @contextmanager
    def at_work(self) -> Iterator["StandIn"]:
        """Until the end of the block."""
        about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}
        self._admin._ask("POST", "/api/v1/nodes", about)  # noqa: SLF001
        self._beat()
        threads = [
            threading.Thread(target=self._run, args=each) for each in ((self._beat, 8.0), (self._pods, 0.5))
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            self._cluster.close()
            self._admin.close()

    def _run(self, work: "Any", pause: float) -> None:
        while not self._over.wait(pause):
            with suppress(CyberPrivacyError):  # the API server is busy
                work()

    def _beat(self) -> None:
        condition = {"type": "Ready", "status": "True", "reason": "StandIn", "lastHeartbeatTime": now()}
        status = {"capacity": MUCH, "allocatable": MUCH, "conditions": [condition]}
        self._cluster._ask("PATCH", f"{NODE}/status", {"status": status}, as_type=MERGE)  # noqa: SLF001

    def _pods(self) -> None:
        """Those that were placed here and wait to be started."""
        options = {"fieldSelector": "spec.nodeName=node,status.phase=Pending", "limit": "500"}
        page = self._cluster._ask("GET", "/api/v1/pods", options=options)  # noqa: SLF001
        for pod in items(page, "items"):
            self._say_that_it_runs(pod)

    def _say_that_it_runs(self, pod: Mapping[str, Any]) -> None:
        self._known += 1
        (box,), moment = pod["spec"]["containers"], now()
        address = f"10.250.{self._known // 250}.{self._known % 250 + 1}"
        conditions = [*READY, "PodScheduled"]
        status = {
            "phase": "Running",
            "startTime": moment,
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": moment} for kind in conditions],
            "containerStatuses": [
                {
                    "name": box["name"],
                    "image": box["image"],
                    "imageID": box["image"],
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": moment}},
                }
            ],
        }
        space, name = text(pod, "metadata", "namespace"), text(pod, "metadata", "name")
        path = f"/api/v1/namespaces/{space}/pods/{name}/status"
        self._cluster._ask("PATCH", path, {"status": status}, as_type=MERGE)  # noqa: SLF001
