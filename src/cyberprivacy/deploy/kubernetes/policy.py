"""What the cluster itself refuses on our behalf: rules in its own API server, which hold while the node is away.

They are the same for every node and every application: what differs stands in annotations of the namespaces, which
only the node that made them may change. Who administers the cluster can take them away; the node sees that, puts
them back and says so.

Source: kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy.
"""

from collections.abc import Sequence
from typing import Final

from cyberprivacy.deploy.kubernetes.fields import Object
from cyberprivacy.deploy.kubernetes.objects import APPLICATION, GENERATION
from cyberprivacy.deploy.kubernetes.walls import IMAGES, NODE

_VERSION: Final = "admissionregistration.k8s.io/v1"
_OURS: Final = {"matchExpressions": [{"key": APPLICATION, "operator": "Exists"}]}

_CLUSTER: Final = (
    "request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
    " || request.userInfo.username in"
    " ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver']"
)
"""Parts of Kubernetes that turn our objects into pods and take them away again."""

_MACHINES: Final = "(has(request.userInfo.groups) && 'system:nodes' in request.userInfo.groups)"
_DRAINED: Final = "(has(request.subResource) && request.subResource == 'eviction')"
"""Whoever runs a machine may empty it; the pods come up on another."""
_NODE: Final = f"request.userInfo.username == namespaceObject.metadata.annotations['{NODE}']"
_PODS_MADE_BY: Final = (
    "request.operation != 'CREATE' || request.userInfo.username in"
    " ['system:serviceaccount:kube-system:replicaset-controller', 'system:kube-controller-manager']"
)
_ONE_CONTAINER: Final = (
    "size(object.spec.containers) == 1"
    " && (!has(object.spec.initContainers) || size(object.spec.initContainers) == 0)"
    " && (!has(object.spec.ephemeralContainers) || size(object.spec.ephemeralContainers) == 0)"
)
_VOTED_IMAGES: Final = (
    f"object.spec.containers.all(one, one.image in namespaceObject.metadata.annotations['{IMAGES}'].split(' '))"
)
_NO_TOKEN: Final = "has(object.spec.automountServiceAccountToken) && !object.spec.automountServiceAccountToken"  # noqa: S105
_MARKED: Final = f"has(object.metadata.labels) && '{GENERATION}' in object.metadata.labels"
_OWN_NAMESPACE: Final = (
    f"!has(oldObject.metadata.annotations) || !('{NODE}' in oldObject.metadata.annotations)"
    f" || request.userInfo.username == oldObject.metadata.annotations['{NODE}']"
)
_ONLY: Final = "only its node changes an application's namespace"
_NOBODY: Final = "nobody enters an application, not even its node"
_DOORS: Final = ("pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy")


def policies() -> tuple[Object, ...]:
    """Every policy, each followed by its binding."""
    every = ("CREATE", "UPDATE", "DELETE")
    only = f"{_NODE} || {_MACHINES} || {_DRAINED} || {_CLUSTER}"
    pods = [
        (_PODS_MADE_BY, "pods come from a Deployment of the node"),
        (_ONE_CONTAINER, "a pod has one container and nothing beside it"),
        (_VOTED_IMAGES, "an image that no release of this application has"),
        (_NO_TOKEN, "a pod gets no token"),
        (_MARKED, "a pod belongs to a release"),
    ]
    space = _rule(("",), ("namespaces",), ("UPDATE", "DELETE"), scope="Cluster")
    return (
        *_policy("objects", _rule(("*",), ("*/*",), every), [(only, _ONLY)]),
        *_policy("pods", _rule(("",), ("pods",), ("CREATE", "UPDATE")), pods),
        *_policy("doors", _rule(("",), _DOORS, ("CONNECT",)), [("false", _NOBODY)]),
        *_policy("guests", _rule(("",), ("pods/ephemeralcontainers",), ("UPDATE",)), [("false", _NOBODY)]),
        *_policy("namespaces", space, [(f"{_OWN_NAMESPACE} || {_CLUSTER}", _ONLY)], anywhere=True),
    )


def _rule(
    groups: Sequence[str], resources: Sequence[str], operations: Sequence[str], *, scope: str = "Namespaced"
) -> dict[str, object]:
    return {
        "apiGroups": list(groups),
        "apiVersions": ["*"],
        "operations": list(operations),
        "resources": list(resources),
        "scope": scope,
    }


def _policy(
    name: str, rule: dict[str, object], said: Sequence[tuple[str, str]], *, anywhere: bool = False
) -> tuple[Object, Object]:
    """A policy and its binding.

    Args:
        name: of both, after "cyberprivacy-".
        rule: what is judged.
        said: expressions that must be true, each with what is said when it is not.
        anywhere: also where the namespace is not marked as ours (any more).
    """
    matches: dict[str, object] = {"resourceRules": [rule]}
    if not anywhere:
        matches["namespaceSelector"] = _OURS
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": matches,
        "validations": [
            {"expression": rule, "message": f"CyberPrivacy: {why}", "reason": "Forbidden"} for rule, why in said
        ],
    }
    full = f"cyberprivacy-{name}"
    policy = {
        "apiVersion": _VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": full},
        "spec": spec,
    }
    binding = {
        "apiVersion": _VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": full},
        "spec": {"policyName": full, "validationActions": ["Deny"]},
    }
    return policy, binding
