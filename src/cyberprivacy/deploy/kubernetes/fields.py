"""Objects of Kubernetes as JSON values: where each kind lies in the API, and what lies in an object.

What an API server says is never believed to have a form: who asks for a field gets one of its type, or nothing.

Source: kubernetes.io/docs/reference/using-api/api-concepts, "Resource URIs".
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

Object = Mapping[str, object]


class Kind(NamedTuple):
    """Where objects of a kind lie in the API."""

    name: str
    version: str
    plural: str
    namespaced: bool = True


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("Namespace", "v1", "namespaces", namespaced=False),
        Kind("ConfigMap", "v1", "configmaps"),
        Kind("CronJob", "batch/v1", "cronjobs"),
        Kind("DaemonSet", "apps/v1", "daemonsets"),
        Kind("Deployment", "apps/v1", "deployments"),
        Kind("Job", "batch/v1", "jobs"),
        Kind("Lease", "coordination.k8s.io/v1", "leases"),
        Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
        Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
        Kind("Pod", "v1", "pods"),
        Kind("ReplicaSet", "apps/v1", "replicasets"),
        Kind("ResourceQuota", "v1", "resourcequotas"),
        Kind("Secret", "v1", "secrets"),
        Kind("Service", "v1", "services"),
        Kind("ServiceAccount", "v1", "serviceaccounts"),
        Kind("StatefulSet", "apps/v1", "statefulsets"),
        Kind("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False),
        Kind(
            "ValidatingAdmissionPolicyBinding",
            "admissionregistration.k8s.io/v1",
            "validatingadmissionpolicybindings",
            False,
        ),
    )
}


def path_of(found: Object) -> str:
    """The path of one object.

    Raises:
        KeyError: of a kind that we never touch.
    """
    kind = KINDS[str(found["kind"])]
    return place(kind, text(found, "metadata", "namespace"), text(found, "metadata", "name"))


def place(kind: Kind, namespace: str, name: str = "") -> str:
    """The path of a kind in a namespace ("" = all of them), or of one object of it."""
    root = f"/api/{kind.version}" if "/" not in kind.version else f"/apis/{kind.version}"
    inside = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return f"{root}{inside}/{kind.plural}" + (f"/{name}" if name else "")


def at(found: object, *names: str) -> object:
    """What lies at the end of a path of keys; None where it breaks off."""
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def text(found: object, *names: str) -> str:
    """The text at the end of a path of keys; "" where there is none."""
    value = at(found, *names)
    return value if isinstance(value, str) else ""


def number(found: object, *names: str) -> int:
    """The whole number at the end of a path of keys; 0 where there is none."""
    value = at(found, *names)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def items(found: object, *names: str) -> Sequence[Mapping[str, object]]:
    """The mappings in the list at the end of a path of keys; none where there is no list."""
    value = at(found, *names)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
