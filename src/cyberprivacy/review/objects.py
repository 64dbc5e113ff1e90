"""Kubernetes metadata, Services, ConfigMaps and claims, one reader each."""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.review import quantities
from cyberprivacy.review.denied import FIELDS
from cyberprivacy.review.workload import Claim, ConfigMap
from cyberprivacy.review.yaml_node import Fields, Node

NAME: Final = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
SERVICE_NAME: Final = r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?"
PORT_NAME: Final = r"(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?"
_LABEL: Final = r"(?:[a-z0-9.-]{1,80}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"
_KEY: Final = r"(?!\.\Z|\.\.)[A-Za-z0-9._-]{1,128}"
MAX_CONFIG_BYTES: Final = 256 << 10
MAX_CLAIM: Final = 100 << 30

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """A Service before its selector is followed; `target` is a port number or the name of one."""

    node: Node
    name: str
    port: int
    selector: Labels
    target: int | str


def metadata(node: Node, *, pattern: str = NAME) -> tuple[str, Labels]:
    """The name and labels of an object."""
    fields = node.fields(("name",), ("labels",), denied=FIELDS)
    name = fields["name"].text(pattern, code="k8s.name") if "name" in fields else ""
    return name, labels(fields["labels"]) if "labels" in fields else {}


def labels(node: Node) -> Labels:
    """A mapping of label to value."""
    found: Labels = {}
    if node.missing:
        return found
    if not isinstance(node.value, dict) or len(node.value) > 16:
        node.refuse("k8s.labels", "must be a mapping of at most 16 labels")
        return found
    for key in node.value:
        child = node.child(key)
        Node(key, child.path, child.lines, child.report).text(_LABEL, code="k8s.labels")
        found[key] = child.text(_LABEL_VALUE, code="k8s.labels")
    return found


def service(node: Node) -> ServiceDraft:
    """A Service: one TCP port of one workload, reachable inside the application only."""
    fields = node.fields(("apiVersion", "kind", "metadata", "spec"), denied=FIELDS)
    name, _ = metadata(fields["metadata"], pattern=SERVICE_NAME)
    spec = fields["spec"].fields(("selector", "ports"), ("type",), denied=FIELDS)
    spec.forced({"type": ("ClusterIP", "k8s.service-type")})
    selector = labels(spec["selector"])
    if not selector and "selector" in spec:
        spec["selector"].refuse("k8s.selector", "selects everything")
    ports = spec["ports"].items(16)
    if len(ports) != 1:
        if "ports" in spec:
            spec["ports"].refuse("k8s.service-ports", f"{len(ports)} ports")
        return ServiceDraft(node, name, 0, selector, 0)
    port = ports[0].fields(("port",), ("targetPort", "protocol", "name"), denied=FIELDS)
    port.forced({"protocol": ("TCP", "k8s.port")})
    if "name" in port:
        port["name"].text(PORT_NAME, code="k8s.name")
    number = port["port"].integer(1, 65535)
    return ServiceDraft(node, name, number, selector, port_or_name(port, "targetPort", number))


def port_or_name(fields: Fields, key: str, default: int) -> int | str:
    """A port by number or by name."""
    if key not in fields:
        return default
    node = fields[key]
    if isinstance(node.value, str):
        return node.text(PORT_NAME, code="k8s.name")
    return node.integer(1, 65535)


def config_map(node: Node) -> ConfigMap:
    """A ConfigMap: texts under plain keys."""
    fields = node.fields(("apiVersion", "kind", "metadata"), ("data",), denied=FIELDS)
    name, _ = metadata(fields["metadata"])
    data = fields["data"]
    if "data" not in fields:
        return ConfigMap(name, ())
    if not isinstance(data.value, dict):
        data.refuse("k8s.config-map", "must be a mapping")
        return ConfigMap(name, ())
    pairs: list[tuple[str, str]] = []
    for key in data.value:
        child = data.child(key)
        Node(key, child.path, child.lines, child.report).text(_KEY, code="k8s.config-map")
        pairs.append((key, child.text(r"(?s)[^\x00]*", code="k8s.config-map")))
    total = sum(len(key.encode()) + len(text.encode()) for key, text in pairs)
    if total > MAX_CONFIG_BYTES:
        data.refuse("k8s.config-map", f"{total} bytes")
    return ConfigMap(name, tuple(pairs))


def claim(node: Node) -> Claim:
    """A PersistentVolumeClaim: one volume for one workload."""
    fields = node.fields(("apiVersion", "kind", "metadata", "spec"), denied=FIELDS)
    name, _ = metadata(fields["metadata"])
    spec = fields["spec"].fields(("accessModes", "resources"), ("volumeMode",), denied=FIELDS)
    spec.forced({"accessModes": (["ReadWriteOnce"], "k8s.claim"), "volumeMode": ("Filesystem", "k8s.claim")})
    resources = spec["resources"].fields(("requests",), denied={"limits": "k8s.claim"})
    requests = resources["requests"].fields((), ("storage",), denied={})
    if requests.node.missing:
        return Claim(name, 0)
    return Claim(name, quantities.size(requests["storage"], 1 << 20, MAX_CLAIM, code="k8s.claim"))
