"""The model written as Kubernetes objects again, with everything that we force: never the author's bytes.

The hash of the rendered objects is the public record of what was to run. The same objects are for any
Kubernetes; the embedded runtime runs the model itself.
"""

from collections.abc import Mapping
from hashlib import sha256

from cyberprivacy import canonical
from cyberprivacy.review.workload import (
    Claim,
    ClaimMount,
    ConfigMap,
    ConfigMapMount,
    Container,
    Probe,
    ScratchMount,
    Service,
    Topology,
    Workload,
)

Object = dict[str, object]


def render(topology: Topology, images: Mapping[str, str]) -> list[Object]:
    """The objects of an application, in a fixed order, as plain JSON values.

    Args:
        topology: the parsed objects.
        images: image name -> reference that pods use, "host/repository@sha256:…".
    """
    return [
        *(_config_map(one) for one in topology.config_maps),
        *(_claim(one) for one in topology.claims),
        *(_deployment(one, images[one.container.image]) for one in topology.workloads),
        *(_service(one) for one in topology.services),
    ]


def digest(objects: list[Object]) -> str:
    """SHA-256 (hex) of the objects as canonical JSON of one v1 List: what the public record holds."""
    return sha256(canonical.encode({"apiVersion": "v1", "kind": "List", "items": objects})).hexdigest()


def _config_map(one: ConfigMap) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": one.name}, "data": dict(one.data)}


def _claim(one: Claim) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _size(one.size)}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": one.name}, "spec": spec}


def _service(one: Service) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": one.name},
        "spec": {
            "type": "ClusterIP",
            "selector": _labels(one.workload),
            "ports": [{"port": one.port, "targetPort": one.target_port, "protocol": "TCP"}],
        },
    }


def _deployment(one: Workload, image: str) -> Object:
    user = one.container.user
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": one.grace,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(one.container, image)],
        "volumes": [_volume(f"v{number}", mount) for number, mount in enumerate(one.container.mounts)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": one.name},
        "spec": {
            "replicas": one.replicas,
            "selector": {"matchLabels": _labels(one.name)},
            "template": {"metadata": {"labels": _labels(one.name)}, "spec": pod},
        },
    }


def _container(one: Container, image: str) -> Object:
    rendered: Object = {
        "name": one.name,
        "image": image,
        "env": [{"name": name, "value": text} for name, text in one.env],
        "ports": [{"containerPort": port, "protocol": "TCP"} for port in one.ports],
        "resources": {"limits": {"cpu": f"{one.cpu_millis}m", "memory": _size(one.memory)}},
        "readinessProbe": _probe(one.readiness),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [_mount(f"v{number}", mount) for number, mount in enumerate(one.mounts)],
    }
    if one.command:
        rendered["command"] = list(one.command)
    if one.args:
        rendered["args"] = list(one.args)
    if one.liveness is not None:
        rendered["livenessProbe"] = _probe(one.liveness)
    return rendered


def _probe(one: Probe) -> Object:
    return {
        "httpGet": {"path": one.path, "port": one.port},
        "initialDelaySeconds": one.initial_delay,
        "periodSeconds": one.period,
        "timeoutSeconds": one.timeout,
        "failureThreshold": one.failures,
    }


def _volume(name: str, mount: ConfigMapMount | ClaimMount | ScratchMount) -> Object:
    match mount:
        case ConfigMapMount():
            return {"name": name, "configMap": {"name": mount.config_map}}
        case ClaimMount():
            return {"name": name, "persistentVolumeClaim": {"claimName": mount.claim}}
        case ScratchMount():
            return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": _size(mount.size)}}


def _mount(name: str, mount: ConfigMapMount | ClaimMount | ScratchMount) -> Object:
    read_only = isinstance(mount, ConfigMapMount) or (isinstance(mount, ClaimMount) and mount.read_only)
    return {"name": name, "mountPath": mount.path, "readOnly": read_only}


def _labels(workload: str) -> Object:
    return {"org.cyberprivacy/workload": workload}


def _size(size: int) -> str:
    return f"{size >> 10}Ki" if size % 1024 == 0 else str(size)
