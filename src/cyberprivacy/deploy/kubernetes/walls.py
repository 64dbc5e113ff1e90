"""What is around an application in a cluster: a namespace of its own that lets nothing in, out or beyond.

Source: kubernetes.io/docs/concepts/security/pod-security-standards, …/services-networking/network-policies,
…/policy/resource-quotas.
"""

import base64
import json
from collections.abc import Collection, Mapping
from typing import Final

from cyberprivacy.deploy.kubernetes.fields import Object
from cyberprivacy.deploy.kubernetes.objects import APPLICATION, DOMAIN, PULL, TURNED, WORKLOAD
from cyberprivacy.review.workload import Topology

NODE: Final = f"{DOMAIN}node"
"""Annotation of a namespace: user name of the node that alone may change what is in it."""
IMAGES: Final = f"{DOMAIN}images"
"""Annotation of a namespace: references of the images that its pods may have, with blanks between them."""
SERVING: Final = f"{DOMAIN}serving"
"""Annotation of a namespace: the spec that users are on; "" = none."""
NEED: Final = f"{DOMAIN}need"
"""Annotation of a quota: what the release that serves needs, as JSON."""
_SPARE_PODS: Final = 4
"""More pods than the replicas: one on its way out keeps its place until it has gone."""


def namespace(app: str, node: str, images: Collection[str], serving: str) -> Object:
    """The application's namespace: Pod Security "restricted", and what `policy` has to know."""
    restricted = {
        f"pod-security.kubernetes.io/{mode}{what}": value
        for mode in ("enforce", "warn", "audit")
        for what, value in (("", "restricted"), ("-version", "latest"))
    }
    said = {NODE: node, IMAGES: " ".join(sorted(images)), SERVING: serving}
    metadata = {"name": app, "labels": {APPLICATION: app, **restricted}, "annotations": said}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(app: str) -> Object:
    """The service account that pods get: without a token, so that no pod can speak to the API server."""
    return _object("v1", "ServiceAccount", app, "default", automountServiceAccountToken=False)


def quota(app: str, serving: Mapping[str, int], coming: Mapping[str, int]) -> Object:
    """What the namespace may take: what serves and what is on its way, and a little for pods that end.

    Volumes are not counted: those of releases long gone stay, because users' data is in them, and nobody but the
    node can ask for another.
    """
    both = {name: serving.get(name, 0) + coming.get(name, 0) for name in {*serving, *coming}}
    pods = max(both.get("pods", 0), 1)
    hard = {
        "pods": str(both.get("pods", 0) + _SPARE_PODS),
        "limits.cpu": f"{both.get('cpu', 0) * (pods + _SPARE_PODS) // pods}m",
        "limits.memory": str(both.get("memory", 0) * (pods + _SPARE_PODS) // pods),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    found = _object("v1", "ResourceQuota", app, "cyberprivacy", spec={"hard": hard})
    said = {NEED: json.dumps(dict(serving), sort_keys=True)}
    return {**found, "metadata": {**_metadata(app, "cyberprivacy"), "annotations": said}}


def networks(topology: Topology, app: str, front: Collection[str]) -> tuple[Object, ...]:
    """Who may talk to whom: pods of the application among themselves, and the front to its public port.

    Args:
        topology: the application's objects; says which workload is public.
        app: its name.
        front: networks (CIDR) from which the front connects.
    """
    public = next(service for service in topology.services if service.name == topology.public)
    inside: list[Object] = [{"podSelector": {}}]
    both = ["Ingress", "Egress"]
    shut = {"podSelector": {}, "policyTypes": both}
    among = {**shut, "ingress": [{"from": inside}], "egress": [{"to": inside}]}
    let_in = {
        "from": [{"ipBlock": {"cidr": network}} for network in sorted(front)],
        "ports": [{"protocol": "TCP", "port": public.target_port}],
    }
    users = {
        "podSelector": {"matchLabels": {WORKLOAD: public.workload}},
        "policyTypes": ["Ingress"],
        "ingress": [let_in] if front else [],
    }
    named = {"shut": shut, "inside": among, "users": users}
    version = "networking.k8s.io/v1"
    return tuple(
        _object(version, "NetworkPolicy", app, f"cyberprivacy.{name}", spec=spec) for name, spec in named.items()
    )


def pull_secret(app: str, auth: str) -> Object:
    """The credentials with which pods' images are pulled: a file as podman and docker keep it."""
    data = {".dockerconfigjson": base64.b64encode(auth.encode()).decode()}
    return _object("v1", "Secret", app, PULL, type="kubernetes.io/dockerconfigjson", data=data)


def parameters(app: str, files: Mapping[str, str]) -> Object:
    """What administrators turn, as the files that containers see."""
    return _object("v1", "ConfigMap", app, TURNED, data=dict(files))


def _metadata(app: str, name: str) -> dict[str, object]:
    return {"name": name, "namespace": app, "labels": {APPLICATION: app}}


def _object(version: str, kind: str, app: str, name: str, **more: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": _metadata(app, name), **more}
