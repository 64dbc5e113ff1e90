"""A template as a Kubernetes Job. Pure.

Each step is a container of one pod, and one begins when the one before has ended well. They share a folder, and
nothing of the machine. A step sees the values that its words name and no others. A step without rights is as Pod
Security "restricted" has it; one that makes namespaces is privileged, so these Jobs belong into a namespace of
their own, on machines that do nothing else. No pod gets a token of the cluster.

The result is the message with which the last step ends: the file that takes it is where Kubernetes looks for one.

Source: kubernetes.io/docs/reference/kubernetes-api/workload-resources (job-v1, pod-v1);
…/docs/concepts/security/pod-security-standards; …/docs/tasks/debug/debug-application/determine-reason-pod-failure.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.build.shell import line, variable
from cyberprivacy.build.template import SECRET, Step, Template, Value, digest, words
from cyberprivacy.cid import Cid
from cyberprivacy.errors import Misuse

Object = dict[str, object]

AGENT: Final = "cyberprivacy.org/agent"
"""Label and taint of the machines that run these Jobs; the template says its value."""
WORK: Final = "/work"
SECRETS: Final = "/secrets"
USER: Final = 10001
MAX_MESSAGE: Final = 4096
"""Bytes of a result: Kubernetes keeps no more. Some thirty images."""
_IMAGE: Final = re.compile(r"[a-z0-9][A-Za-z0-9._/:-]{0,200}@sha256:[0-9a-f]{64}\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_ROOM: Final = "16Gi"
_SMALL: Final[Object] = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
_LARGE: Final[Object] = {"cpu": "2", "memory": "8Gi", "ephemeral-storage": _ROOM}


@dataclass(frozen=True, slots=True)
class Yard:
    """Where Jobs run.

    Attributes:
        namespace: theirs alone.
        image: has `cyberprivacy`, buildah and a shell; named by digest.

    Raises:
        Misuse: "job.namespace", "job.image".
    """

    namespace: str
    image: str

    def __post_init__(self) -> None:
        if not _NAMESPACE.match(self.namespace):
            raise Misuse("not a namespace", code="job.namespace", namespace=self.namespace[:80])
        if not _IMAGE.match(self.image):
            hint = "Name it by digest, HOST/REPOSITORY@sha256:…: a tag may be moved."
            raise Misuse("not an image by digest", code="job.image", hint=hint, image=self.image[:300])


def job_name(template: Template, source: Cid) -> str:
    """What the Job of a bundle, its pod and its Secret are called."""
    seen = sha256(f"{digest(template.number)}\n{source}".encode()).hexdigest()
    return f"cyberprivacy-{template.number:03}-{seen[:16]}"


def render(template: Template, values: Mapping[str, str], source: Cid, yard: Yard) -> Object:
    """The Job.

    Args:
        template: what it does.
        values: what the cluster fills in, by name; secrets are not looked at.
        source: the bundle.
        yard: where it runs.
    """
    name, last = job_name(template, source), len(template.step) - 1
    told = {**values, template.source.name: str(source)}
    boxes = [_container(template, step, told, yard, last=at == last) for at, step in enumerate(template.step)]
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {AGENT: template.agent},
        "tolerations": [{"key": AGENT, "operator": "Equal", "value": template.agent, "effect": "NoSchedule"}],
        "securityContext": {"fsGroup": USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": boxes[:-1],
        "containers": boxes[-1:],
        "volumes": _volumes(template, name),
    }
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": 60 * template.minutes,
        "ttlSecondsAfterFinished": 3600,
        "template": {"metadata": {"labels": _labels(template)}, "spec": pod},
    }
    return _object("batch/v1", "Job", template, name, yard) | {"spec": spec}


def secret(template: Template, files: Mapping[str, bytes], source: Cid, yard: Yard) -> Object:
    """The Secret with what is filled in as files, by name of the value."""
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    found = _object("v1", "Secret", template, job_name(template, source), yard)
    return found | {"type": "Opaque", "data": data}


def _object(version: str, kind: str, template: Template, name: str, yard: Yard) -> Object:
    metadata = {"name": name, "namespace": yard.namespace, "labels": _labels(template)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _labels(template: Template) -> dict[str, str]:
    return {"cyberprivacy.org/pipeline": f"{template.number:03}"}


def _container(template: Template, step: Step, told: Mapping[str, str], yard: Yard, *, last: bool) -> Object:
    used = {word.value.name: word.value for word in words(template, step) if word.value}
    secrets = any(value.kind == SECRET for value in used.values())
    mounts: list[Object] = [{"name": "work", "mountPath": WORK}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    if secrets:
        mounts.append({"name": "secrets", "mountPath": SECRETS, "readOnly": True})
    most = _LARGE if step.rights else _SMALL
    return {
        "name": step.name,
        "image": yard.image,
        "command": ["/bin/sh", "-ec", line(template, step)],
        "env": [
            {"name": "HOME", "value": WORK},
            *({"name": variable(value), "value": _told(value, told)} for value in used.values()),
        ],
        "workingDir": WORK,
        "terminationMessagePath": f"{WORK}/{step.result}" if last else "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
        "resources": {"requests": {**most, "cpu": "1", "memory": "1Gi"}, "limits": most},
        "securityContext": _rights(step),
    }


def _told(value: Value, told: Mapping[str, str]) -> str:
    return str(Path(SECRETS) / value.name) if value.kind == SECRET else _literal(told[value.name])


def _literal(text: str) -> str:
    """A text that Kubernetes takes as it is: `$(NAME)` would be a reference. Source: pod-v1, `env.value`."""
    return text.replace("$(", "$$(")


def _rights(step: Step) -> Object:
    if step.rights:
        return {"privileged": True, "runAsUser": 0, "seccompProfile": {"type": "Unconfined"}}
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _volumes(template: Template, name: str) -> list[Object]:
    found: list[Object] = [
        {"name": "work", "emptyDir": {"sizeLimit": _ROOM}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    if any(value.kind == SECRET for value in template.value):
        found.append({"name": "secrets", "secret": {"secretName": name, "defaultMode": 0o440}})
    return found
