"""How far a Deployment has come, told from what the API server says: pure.

That a Deployment is "Available" says nothing here: during a rollout it is, with the pods from before. It is done
when the controller has seen the newest generation of it and every replica is new, ready and there.

Source: kubernetes.io/docs/concepts/workloads/controllers/deployment, "Deployment status".
"""

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from cyberprivacy.deploy.kubernetes.fields import Object, at, items, number, text
from cyberprivacy.deploy.kubernetes.objects import WORKLOAD

_RESTARTS: Final = 3
"""After so many ends in a row a container is not waited for any longer; as on one machine."""
_UNPULLED: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)

State = Literal["done", "going", "failed"]


class Progress(NamedTuple):
    """How far something has come, and why not further; `pull`: because its image is not to be had."""

    state: State
    why: str = ""
    pull: bool = False


def progress(deployment: Object, pods: Collection[Object]) -> Progress:
    """How far a Deployment of ours has come.

    Args:
        deployment: as it is now.
        pods: those of its namespace.
    """
    status, wanted = at(deployment, "status"), number(deployment, "spec", "replicas")
    if number(status, "observedGeneration") < number(deployment, "metadata", "generation"):
        return Progress("going", "the cluster has not looked at it yet")
    counts = [
        number(status, name) for name in ("updatedReplicas", "replicas", "readyReplicas", "availableReplicas")
    ]
    if all(count == wanted for count in counts):
        return Progress("done")
    trouble = _trouble([pod for pod in pods if _belongs(pod, deployment)])
    if trouble.state == "failed":
        return trouble
    for condition in items(status, "conditions"):
        kind, state, reason = (text(condition, name) for name in ("type", "status", "reason"))
        if kind == "Progressing" and state == "False" and reason == "ProgressDeadlineExceeded":
            return Progress("failed", trouble.why or "it does not become ready", trouble.pull)
        if kind == "ReplicaFailure" and state == "True":
            return Progress("going", text(condition, "message")[:300] or "its pods are refused")
    return Progress("going", trouble.why or f"{counts[2]} of {wanted} ready", trouble.pull)


def _belongs(pod: Object, deployment: Object) -> bool:
    wanted = at(deployment, "spec", "selector", "matchLabels")
    labels = at(pod, "metadata", "labels")
    return isinstance(wanted, dict) and isinstance(labels, dict) and wanted.items() <= labels.items()


def _trouble(pods: Collection[Object]) -> Progress:
    """What keeps these pods, as far as one of them says; never what a container printed."""
    found = Progress("going")
    for pod in pods:
        workload = text(pod, "metadata", "labels", WORKLOAD)
        for condition in items(pod, "status", "conditions"):
            if text(condition, "type") == "PodScheduled" and text(condition, "status") == "False":
                found = Progress("going", f"{workload}: {text(condition, 'message')[:200]}")
        for box in items(pod, "status", "containerStatuses"):
            reason = text(box, "state", "waiting", "reason")
            if reason in _UNPULLED:
                found = Progress("going", f"{workload}: {reason}", pull=True)
            elif number(box, "restartCount") >= _RESTARTS and at(box, "ready") is not True:
                code = number(box, "lastState", "terminated", "exitCode")
                return Progress("failed", f"{workload}: a container keeps ending, exit code {code}")
    return found
