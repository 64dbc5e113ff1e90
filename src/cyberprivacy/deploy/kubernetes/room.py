"""One application's namespace in a cluster: what is there, and the steps by which it becomes another."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.deploy.kubernetes import reading, walls
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.fields import Object, text
from cyberprivacy.deploy.kubernetes.objects import (
    APPLICATION,
    GENERATION,
    IMAGE,
    WORKLOAD,
    Generation,
    mark_of,
    names,
)
from cyberprivacy.deploy.kubernetes.rollout import Progress, progress
from cyberprivacy.errors import Misuse

_STARTERS: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
"""Kinds that run something."""
_OTHERS: Final = ("Service", "ConfigMap", "NetworkPolicy")
"""Kinds that change what runs, or who can talk to it."""
_MADE: Final = frozenset({"ReplicaSet", "Pod"})
_CLUSTERS_OWN: Final = frozenset({("ConfigMap", "kube-root-ca.crt")})


class Occupied(Misuse):
    """A namespace with the application's name is somebody else's."""

    code = "kubernetes.namespace"
    hint = "Another node, or somebody by hand, made it; no node touches what it did not make."


@dataclass(frozen=True, slots=True)
class Standing:
    """What a namespace says of itself.

    Attributes:
        serving: the spec that users are on; "" = none.
        images: references that its pods may have.
        need: what the release that serves needs, as `objects.need`.
    """

    serving: str = ""
    images: frozenset[str] = frozenset()
    need: Mapping[str, int] = field(default_factory=dict)


class Room:
    """The namespace of one application.

    Args:
        cluster: where it is.
        name: of the application, and so of the namespace.
        node: user name of this node in the cluster.
    """

    def __init__(self, cluster: Cluster, name: str, node: str) -> None:
        self._cluster, self.name, self._node = cluster, name, node

    def standing(self) -> Standing | None:
        """What it says of itself; None when it does not exist.

        Raises:
            Occupied: it is somebody else's.
        """
        found = self._cluster.get("Namespace", self.name)
        if found is None:
            return None
        owner = text(found, "metadata", "annotations", walls.NODE)
        if owner != self._node or text(found, "metadata", "labels", APPLICATION) != self.name:
            raise Occupied("a namespace of this name is not ours", namespace=self.name, owner=owner, we=self._node)
        quota = self._cluster.get("ResourceQuota", "cyberprivacy", self.name)
        return Standing(
            serving=text(found, "metadata", "annotations", walls.SERVING),
            images=frozenset(text(found, "metadata", "annotations", walls.IMAGES).split()),
            need=_numbers(text(quota, "metadata", "annotations", walls.NEED)),
        )

    def addresses(self) -> dict[str, str]:
        """The cluster address of each Service that is there."""
        return {
            text(one, "metadata", "name"): text(one, "spec", "clusterIP")
            for one in self._cluster.every("Service", self.name)
        }

    def bring(self, objects: Collection[Object]) -> None:
        """Apply objects in their order."""
        for wanted in objects:
            self._cluster.apply(wanted)

    def progress(self, plan: Generation) -> Progress:
        """How far a generation has come: as far as the slowest of it."""
        pods = self._cluster.every("Pod", self.name)
        found = [progress(one, pods) for one in self._of(plan.mark)]
        if len(found) < len(plan.workloads):
            return Progress("going", "a Deployment is not there")
        failed = [one for one in found if one.state == "failed"]
        going = [one for one in found if one.state == "going"]
        return next(iter([*failed, *going]), Progress("done"))

    def other_images(self, plan: Generation) -> dict[str, str]:
        """Workloads of a generation that run another image than was pushed: name -> its digest."""
        wanted = {text(one, "metadata", "labels", WORKLOAD): plan.digests[_image(one)] for one in plan.workloads}
        return reading.other_images(self._cluster.every("Pod", self.name), plan.mark, wanted)

    def deployment(self, serving: str) -> Deployment | None:
        """What runs here of the spec that users are on. Errors as `reading.deployment_of`."""
        workloads, sets, pods = (
            self._cluster.every(kind, self.name) for kind in ("Deployment", "ReplicaSet", "Pod")
        )
        return reading.deployment_of(self.name, serving, workloads, sets, pods)

    def expel(self, marks: Collection[str], kept: Collection[Object]) -> tuple[str, ...]:
        """Remove whatever is neither of these generations nor one of `kept`, by name; says what it was.

        Namespaces of applications are ours alone. ReplicaSets and pods that came from a Deployment go with it, and
        what is on its way out already is left to go.
        """
        known, gone = names(kept) | _CLUSTERS_OWN, []
        everything = {kind: self._cluster.every(kind, self.name) for kind in (*_STARTERS, *_OTHERS)}
        made = reading.made(everything["Deployment"], everything["ReplicaSet"], everything["Pod"])
        for kind, objects in everything.items():
            for found in objects:
                name = text(found, "metadata", "name")
                own = text(found, "metadata", "labels", GENERATION) in marks and kind not in _MADE
                if own or (kind, name) in known or text(found, "metadata", "uid") in made or _ends(found):
                    continue
                self._cluster.delete(found)
                gone.append(f"{kind}/{name}")
        return tuple(gone)

    def discard(self, mark: str, *, grace: int | None = None) -> None:
        """Remove all of a generation but the claims, and the Services that select it."""
        for kind in ("Deployment", "Service", "ConfigMap"):
            for found in self._cluster.every(kind, self.name, labels=f"{GENERATION}={mark}"):
                self._cluster.delete(found, grace=grace)

    def is_settled(self) -> bool:
        """Whether whatever came from a Deployment that was removed is at least on its way out.

        The cluster finds that out by itself, a moment later. Until then such a pod looks like nobody's.
        """
        workloads, sets, pods = (
            self._cluster.every(kind, self.name) for kind in ("Deployment", "ReplicaSet", "Pod")
        )
        known = reading.made(workloads, sets, pods)
        return all(text(one, "metadata", "uid") in known or _ends(one) for one in (*sets, *pods))

    def living(self) -> Sequence[str]:
        """Names of the pods that are here, also of those on their way out."""
        return sorted(text(pod, "metadata", "name") for pod in self._cluster.every("Pod", self.name))

    def _of(self, mark: str) -> Sequence[Object]:
        return self._cluster.every("Deployment", self.name, labels=f"{GENERATION}={mark}")


def marks(*specs: str) -> frozenset[str]:
    """The marks of these specs, of which some may be ""."""
    return frozenset(mark_of(spec) for spec in specs if spec)


def _ends(found: Object) -> bool:
    return bool(text(found, "metadata", "deletionTimestamp"))


def _image(workload: Object) -> str:
    return text(workload, "metadata", "annotations", IMAGE)


def _numbers(said: str) -> dict[str, int]:
    """The numbers of an annotation; none where somebody else wrote it."""
    try:
        value = json.loads(said or "{}")
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: one for name, one in value.items() if isinstance(one, int) and not isinstance(one, bool)}
