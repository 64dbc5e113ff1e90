"""Deployments and the pods that they make, held to Pod Security Standard "restricted" and to our model.

An author may leave out, and the cluster forces: runAsNonRoot true, allowPrivilegeEscalation false,
readOnlyRootFilesystem true, capabilities drop ALL, seccompProfile RuntimeDefault, no service account token,
no service links, restartPolicy Always. Writing these values is allowed; writing others breaks a rule.

Source: kubernetes.io/docs/concepts/security/pod-security-standards, level Restricted.
"""

import re
from dataclasses import dataclass
from typing import Final

from cyberprivacy.review import quantities
from cyberprivacy.review.denied import FIELDS
from cyberprivacy.review.objects import NAME, PORT_NAME, Labels, labels, metadata, port_or_name
from cyberprivacy.review.volumes import MountDraft, mounts
from cyberprivacy.review.workload import Probe
from cyberprivacy.review.yaml_node import Fields, Node

MAX_REPLICAS: Final = 10
MAX_USER: Final = 65533
_IMAGE: Final = re.compile(r"bundle://([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\Z")
_ENV_NAME: Final = r"(?!CYBERPRIVACY_)[A-Za-z_][A-Za-z0-9_]{0,127}"
_PROBE_PATH: Final = r"/[A-Za-z0-9._~!&'()*+,;=:@%/?-]{0,255}"
_NO_EXPANSION: Final = r"(?s)(?!.*\$[$(])[^\x00]{0,32768}"
_POD_FORCED: Final = {
    "automountServiceAccountToken": (False, "k8s.service-account"),
    "enableServiceLinks": (False, "k8s.field"),
    "restartPolicy": ("Always", "k8s.kind-workload"),
}
_CONTAINER_FORCED: Final = {
    "privileged": (False, "k8s.privileged"),
    "allowPrivilegeEscalation": (False, "k8s.escalation"),
    "readOnlyRootFilesystem": (True, "k8s.read-only-root"),
}


@dataclass(frozen=True, slots=True)
class EnvDraft:
    """A variable: its `value`, or the key of a ConfigMap as `source` (map, key)."""

    node: Node
    name: str
    value: str
    source: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class PodDraft:
    """A Deployment before its references are followed; `user` None = the image's."""

    node: Node
    name: str
    replicas: int
    selector: Labels
    labels: Labels
    grace: int
    container: Node
    container_name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvDraft, ...]
    ports: tuple[tuple[int, str], ...]
    user: int | None
    cpu_millis: int
    memory: int
    readiness: Probe
    liveness: Probe | None
    mounts: tuple[MountDraft, ...]


def deployment(node: Node) -> PodDraft | None:
    """A Deployment of one container; None if it has no container to speak of."""
    fields = node.fields(("apiVersion", "kind", "metadata", "spec"), denied=FIELDS)
    name, _ = metadata(fields["metadata"])
    spec = fields["spec"].fields(("selector", "template"), ("replicas",), denied=FIELDS)
    replicas = spec["replicas"].integer(1, MAX_REPLICAS, code="k8s.replicas") if "replicas" in spec else 1
    selector = spec["selector"].fields(("matchLabels",), denied={"matchExpressions": "k8s.selector"})
    template = spec["template"].fields(("metadata", "spec"), denied=FIELDS)
    about = template["metadata"].fields(("labels",), denied=FIELDS)
    pod = template["spec"].fields(
        ("containers",),
        ("volumes", "securityContext", "terminationGracePeriodSeconds", *_POD_FORCED),
        denied=FIELDS,
    )
    pod.forced(_POD_FORCED)
    pod_user = _pod_security(pod)
    containers = pod["containers"].items(16)
    if len(containers) != 1:
        if "containers" in pod:
            pod["containers"].refuse("k8s.containers", f"{len(containers)} containers")
        if not containers:
            return None
    one = _container_fields(containers[0])
    user = _container_security(one, pod_user)
    cpu, memory = _limits(one)
    ports = _ports(one)
    return PodDraft(
        node=node,
        name=name,
        replicas=replicas,
        selector=labels(selector["matchLabels"]),
        labels=labels(about["labels"]),
        grace=pod.integer("terminationGracePeriodSeconds", 1, 120, 30),
        container=containers[0],
        container_name=one["name"].text(NAME, code="k8s.name"),
        image=_image(one["image"]),
        command=_words(one, "command"),
        args=_words(one, "args"),
        env=_env(one),
        ports=ports,
        user=user,
        cpu_millis=cpu,
        memory=memory,
        readiness=_readiness(one, ports),
        liveness=_probe(one["livenessProbe"], ports) if "livenessProbe" in one else None,
        mounts=mounts(pod, one, memory),
    )


def _container_fields(node: Node) -> Fields:
    return node.fields(
        ("name", "image"),
        (
            *("command", "args", "env", "ports", "resources", "readinessProbe", "livenessProbe"),
            *("securityContext", "volumeMounts"),
        ),
        denied=FIELDS,
    )


def _pod_security(pod: Fields) -> int | None:
    if "securityContext" not in pod:
        return None
    allowed = ("runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "seccompProfile")
    return _identity(pod["securityContext"].fields((), allowed, denied=FIELDS), None)


def _container_security(one: Fields, pod_user: int | None) -> int | None:
    if "securityContext" not in one:
        return pod_user
    allowed = ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "capabilities", *_CONTAINER_FORCED)
    context = one["securityContext"].fields((), allowed, denied=FIELDS)
    context.forced(_CONTAINER_FORCED)
    if "capabilities" in context:
        capabilities = context["capabilities"].fields((), ("drop",), denied=FIELDS)
        capabilities["drop"].forced(["ALL"], "k8s.capabilities")
    return _identity(context, pod_user)


def _identity(context: Fields, inherited: int | None) -> int | None:
    """The user that a security context asks for, else the inherited one."""
    context.forced({"runAsNonRoot": (True, "k8s.root")})
    if "seccompProfile" in context:
        context["seccompProfile"].forced({"type": "RuntimeDefault"}, "k8s.seccomp")
    user = inherited
    if "runAsUser" in context:
        user = context["runAsUser"].integer(1, MAX_USER, code="k8s.root")
    for group in ("runAsGroup", "fsGroup"):
        if group in context:
            context[group].forced(user, "k8s.group")
    return user


def _limits(one: Fields) -> tuple[int, int]:
    if "resources" not in one:
        one.node.refuse("k8s.limits", "has no resources.limits")
        return 0, 0
    resources = one["resources"].fields((), ("limits",), denied=FIELDS)
    if "limits" not in resources:
        one["resources"].refuse("k8s.limits", "has no limits")
        return 0, 0
    limits = resources["limits"].fields((), ("cpu", "memory"), denied={"ephemeral-storage": "k8s.limits"})
    cpu = quantities.cpu_millis(limits["cpu"], 10, 8000, code="k8s.limits")
    return cpu, quantities.size(limits["memory"], 8 << 20, 16 << 30, code="k8s.limits")


def _image(node: Node) -> str:
    match = _IMAGE.match(node.value) if isinstance(node.value, str) else None
    if match is None:
        if node.missing:
            return ""
        node.refuse("k8s.image", repr(node.value)[:120])
        return ""
    return match[1]


def _words(one: Fields, key: str) -> tuple[str, ...]:
    if key not in one:
        return ()
    return tuple(item.text(_NO_EXPANSION, code="k8s.expansion") for item in one[key].items(64))


def _env(one: Fields) -> tuple[EnvDraft, ...]:
    if "env" not in one:
        return ()
    found: dict[str, EnvDraft] = {}
    for item in one["env"].items(128):
        fields = item.fields(("name",), ("value", "valueFrom"), denied=FIELDS)
        name = fields["name"].text(_ENV_NAME, code="k8s.env-name")
        if name in found:
            item.refuse("k8s.duplicate", f"env {name} is there already")
        if ("value" in fields) == ("valueFrom" in fields):
            item.refuse("k8s.type", "needs either value or valueFrom")
        value, source = "", None
        if "value" in fields:
            value = fields["value"].text(_NO_EXPANSION, code="k8s.expansion")
        if "valueFrom" in fields:
            source = _key_reference(fields["valueFrom"])
        found[name] = EnvDraft(item, name, value, source)
    return tuple(found.values())


def _key_reference(node: Node) -> tuple[str, str]:
    fields = node.fields((), ("configMapKeyRef",), denied=FIELDS)
    if "configMapKeyRef" not in fields:
        if isinstance(node.value, dict) and not node.value:
            node.refuse("k8s.value-from", "is empty")
        return "", ""
    reference = fields["configMapKeyRef"].fields(("name", "key"), ("optional",), denied=FIELDS)
    reference.forced({"optional": (False, "k8s.value-from")})
    return reference["name"].text(NAME, code="k8s.name"), reference["key"].text()


def _ports(one: Fields) -> tuple[tuple[int, str], ...]:
    """Container ports as (number, name)."""
    found: list[tuple[int, str]] = []
    for item in one["ports"].items(16) if "ports" in one else ():
        fields = item.fields(("containerPort",), ("name", "protocol"), denied=FIELDS)
        fields.forced({"protocol": ("TCP", "k8s.port")})
        number = fields["containerPort"].integer(1024, 65535, code="k8s.port")
        name = fields["name"].text(PORT_NAME, code="k8s.name") if "name" in fields else ""
        if any(number == other or (name and name == its) for other, its in found):
            item.refuse("k8s.duplicate", "a port or its name is there already")
        found.append((number, name))
    return tuple(found)


def _readiness(one: Fields, ports: tuple[tuple[int, str], ...]) -> Probe:
    if "readinessProbe" in one:
        return _probe(one["readinessProbe"], ports)
    one.node.refuse("k8s.readiness", "has no readinessProbe")
    return Probe("/", 0, 0, 0, 0, 0)


def _probe(node: Node, ports: tuple[tuple[int, str], ...]) -> Probe:
    times = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold")
    fields = node.fields((), ("httpGet", *times), denied=FIELDS)
    fields.forced({"successThreshold": (1, "k8s.probe-kind")})
    path, port = "/", 0
    if "httpGet" in fields:
        get = fields["httpGet"].fields(("port",), ("path", "scheme"), denied=FIELDS)
        get.forced({"scheme": ("HTTP", "k8s.probe-kind")})
        path = get["path"].text(_PROBE_PATH) if "path" in get else "/"
        wanted = port_or_name(get, "port", 0)
        port = next((number for number, name in ports if wanted in (number, name)), 0)
        if not port and "port" in get:
            get["port"].refuse("k8s.probe-port", f"{wanted!r} is no port of the container")
    elif isinstance(node.value, dict) and not {"exec", "tcpSocket", "grpc"} & node.value.keys():
        node.refuse("k8s.probe-kind", "has no httpGet")
    return Probe(
        path=path,
        port=port,
        initial_delay=fields.integer("initialDelaySeconds", 0, 300, 0),
        period=fields.integer("periodSeconds", 1, 300, 10),
        timeout=fields.integer("timeoutSeconds", 1, 60, 1),
        failures=fields.integer("failureThreshold", 1, 30, 3),
    )
