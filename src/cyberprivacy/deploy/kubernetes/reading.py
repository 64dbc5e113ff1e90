"""What really runs, told from what the API server says: pure, so that every lie can be tried in a test."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import SEAL, Deployment
from cyberprivacy.deploy.inspection import Foreign
from cyberprivacy.deploy.kubernetes.api import MANAGER
from cyberprivacy.deploy.kubernetes.fields import Object, at, items, text
from cyberprivacy.deploy.kubernetes.objects import GENERATION, IMAGE, RELEASE, WANTED, WORKLOAD, mark_of
from cyberprivacy.errors import CyberPrivacyError

_WHAT_RUNS: Final = ("image", "command", "args", "env", "securityContext")
_OVER: Final = frozenset({"Succeeded", "Failed"})
_VOLATILE: Final = ("managedFields", "resourceVersion", "generation", "creationTimestamp")
_CONTENT: Final = frozenset({"f:spec", "f:data", "f:binaryData", "f:automountServiceAccountToken"})


def deployment_of(
    name: str, spec: str, workloads: Collection[Object], sets: Collection[Object], pods: Collection[Object]
) -> Deployment | None:
    """The deployment that these objects are; None when nothing of what should serve is there.

    Args:
        name: application.
        spec: what users are on.
        workloads: all Deployments of its namespace.
        sets: all ReplicaSets.
        pods: all pods.

    Raises:
        Foreign: a pod that no Deployment of ours made, or one that is not as it was made.
    """
    refuse_foreign(workloads, sets, pods)
    serving = [one for one in workloads if text(one, "metadata", "labels", GENERATION) == mark_of(spec)]
    if not serving:
        return None
    image_of = {text(one, "metadata", "labels", WORKLOAD): _said(one, IMAGE) for one in serving}
    ours = [pod for pod in pods if text(pod, "metadata", "labels", GENERATION) == mark_of(spec) and _lives(pod)]
    images: dict[str, str] = {}
    for pod in ours:
        image = image_of.get(text(pod, "metadata", "labels", WORKLOAD), "")
        actual = running_image(pod)
        if actual and images.setdefault(image, actual) != actual:
            raise Foreign("one image name, two images", image=image, digests=sorted({images[image], actual}))
    try:
        release, wanted = Cid.parse(_said(serving[0], RELEASE)), int(_said(serving[0], WANTED))
    except (CyberPrivacyError, ValueError):
        raise Foreign(
            "a Deployment's annotations are not ours", deployment=text(serving[0], "metadata", "name")
        ) from None
    ready = sum(is_ready(pod) for pod in ours)
    return Deployment(name=name, release=release, images=images, ready=ready, wanted=wanted, seal=SEAL)


def refuse_foreign(workloads: Collection[Object], sets: Collection[Object], pods: Collection[Object]) -> None:
    """Refuse a namespace in which somebody else had their hands.

    Raises:
        Foreign: what it says.
    """
    if strange := sorted(text(pod, "metadata", "name") for pod in strangers(workloads, sets, pods)):
        raise Foreign("pods that we did not start", pods=strange)
    for pod in pods:
        if at(pod, "spec", "ephemeralContainers") or at(pod, "spec", "initContainers"):
            raise Foreign("somebody joined a pod", pod=text(pod, "metadata", "name"))
        if len(items(pod, "spec", "containers")) != 1:
            raise Foreign("a pod has more containers than it was given", pod=text(pod, "metadata", "name"))


def strangers(workloads: Collection[Object], sets: Collection[Object], pods: Collection[Object]) -> list[Object]:
    """Pods that did not come from a Deployment of ours, through its ReplicaSet, as its template says."""
    known = made(workloads, sets, pods)
    ending = [
        pod for pod in pods if text(pod, "metadata", "deletionTimestamp")
    ]  # its Deployment may have gone first
    return [pod for pod in pods if text(pod, "metadata", "uid") not in known and pod not in ending]


def made(workloads: Collection[Object], sets: Collection[Object], pods: Collection[Object]) -> frozenset[str]:
    """Uids of the ReplicaSets and pods that came from a Deployment of ours and are as its template says.

    An owner is a claim that anybody can write; so labels and what the container runs are compared as well.
    """
    owners = {
        text(one, "metadata", "uid"): one for one in workloads if text(one, "metadata", "labels", GENERATION)
    }
    between = {
        text(one, "metadata", "uid"): owner
        for one in sets
        if (owner := owners.get(_owner(one))) is not None and _is_of(one, owner)
    }
    ours = {
        text(pod, "metadata", "uid")
        for pod in pods
        if (owner := between.get(_owner(pod))) is not None and _is_of(pod, owner) and _runs(pod, owner)
    }
    return frozenset(ours | between.keys())


def _is_of(found: Object, deployment: Object) -> bool:
    """Whether it has the labels that a Deployment selects."""
    wanted, labels = at(deployment, "spec", "selector", "matchLabels"), at(found, "metadata", "labels")
    return isinstance(wanted, dict) and isinstance(labels, dict) and wanted.items() <= labels.items()


def _runs(pod: Object, deployment: Object) -> bool:
    """Whether its container is that of a Deployment's template."""
    (mine, wanted) = (
        [[at(box, name) for name in _WHAT_RUNS] for box in items(one, "spec", "containers")]
        for one in (pod, at(deployment, "spec", "template"))
    )
    return mine == wanted


def running_image(pod: Object) -> str:
    """Manifest digest of the image that a pod's container runs, as its machine says; "" = it does not run yet."""
    for box in items(pod, "status", "containerStatuses"):
        return text(box, "imageID").rpartition("@")[2]
    return ""


def is_ready(pod: Object) -> bool:
    """Whether it gets requests."""
    conditions = items(pod, "status", "conditions")
    return _lives(pod) and any(
        text(one, "type") == "Ready" and text(one, "status") == "True" for one in conditions
    )


def other_images(pods: Iterable[Object], mark: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Workloads of a generation that run another image than they should: name -> what they run.

    Args:
        pods: of the namespace.
        mark: of the generation.
        wanted: workload -> manifest digest.
    """
    ours = [pod for pod in pods if text(pod, "metadata", "labels", GENERATION) == mark and _lives(pod)]
    found = {text(pod, "metadata", "labels", WORKLOAD): running_image(pod) for pod in ours}
    return {workload: image for workload, image in sorted(found.items()) if image != wanted.get(workload)}


def differs(before: Object, after: Object) -> tuple[str, ...]:
    """Top-level parts in which an object was another than it is now, other than its status."""
    first, second = _content(before), _content(after)
    return tuple(sorted(name for name in {*first, *second} if first.get(name) != second.get(name)))


def others_in(found: Object) -> tuple[str, ...]:
    """Who else, by field manager, has put something into an object's content; server-side apply leaves it there.

    A claim's volume is put there by the cluster, and Kubernetes changes nothing else of a claim.
    """
    if found.get("kind") == "PersistentVolumeClaim":
        return ()
    entries = [one for one in items(found, "metadata", "managedFields") if not text(one, "subresource")]
    strange = [one for one in entries if text(one, "manager") != MANAGER and _CONTENT & _keys(one)]
    return tuple(sorted({text(one, "manager") for one in strange}))


def _keys(entry: Object) -> frozenset[str]:
    fields = at(entry, "fieldsV1")
    return frozenset(fields) if isinstance(fields, dict) else frozenset()


def _content(found: Object) -> dict[str, object]:
    metadata = at(found, "metadata")
    kept = {k: v for k, v in metadata.items() if k not in _VOLATILE} if isinstance(metadata, dict) else {}
    return {name: part for name, part in found.items() if name not in ("status", "metadata")} | {"metadata": kept}


def _lives(pod: Object) -> bool:
    return not text(pod, "metadata", "deletionTimestamp") and text(pod, "status", "phase") not in _OVER


def _owner(found: Object) -> str:
    """The uid of what controls an object; "" = nothing does."""
    owners = [one for one in items(found, "metadata", "ownerReferences") if at(one, "controller") is True]
    return text(owners[0], "uid") if owners else ""


def _said(found: Object, name: str) -> str:
    return text(found, "metadata", "annotations", name)
