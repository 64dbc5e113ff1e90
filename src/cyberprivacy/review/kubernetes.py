"""`k8s/*.yaml`, read strictly into the `Topology` that we render again: never the author's bytes.

Each file goes through `strict_yaml`, an allow-list of kinds, an allow-list of fields, and then as a whole
through the references between objects. All breaches are reported at once, each with its file and line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cyberprivacy import strict_yaml
from cyberprivacy.bundle.manifest import Public
from cyberprivacy.review import objects
from cyberprivacy.review.denied import KINDS
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.pods import PodDraft, deployment
from cyberprivacy.review.references import resolve
from cyberprivacy.review.rules import RULES
from cyberprivacy.review.workload import Claim, ConfigMap, Topology
from cyberprivacy.review.yaml_node import Node, lines_of
from cyberprivacy.strict_yaml import BadYaml

MAX_FILE: Final = 256 << 10
MAX_FILES: Final = 32
MAX_OBJECTS: Final = {"Deployment": 16, "Service": 16, "ConfigMap": 16, "PersistentVolumeClaim": 8}
_UNREAD: Final = frozenset(
    {code for code in RULES if code.startswith(("yaml.", "k8s.kind"))}
    | {"k8s.document", "k8s.objects", "k8s.containers", "k8s.image", "k8s.image-unknown", "k8s.required"}
)
"""Breaches that leave an object, or what it refers to, out of the picture."""

_VERSIONS: Final = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "PersistentVolumeClaim": "v1",
}


@dataclass(frozen=True, slots=True)
class Drafts:
    """Objects as written, with the place of each, before references are followed."""

    pods: list[PodDraft] = field(default_factory=list)
    services: list[objects.ServiceDraft] = field(default_factory=list)
    config_maps: list[tuple[Node, ConfigMap]] = field(default_factory=list)
    claims: list[tuple[Node, Claim]] = field(default_factory=list)


def read(
    files: Mapping[str, bytes], *, users: Mapping[str, int] | None, public: Public | None
) -> tuple[Topology | None, tuple[Finding, ...]]:
    """Read all Kubernetes objects of a bundle.

    Args:
        files: path in the bundle -> content, everything below `k8s/`.
        users: image of the manifest -> uid that it runs as by itself; None if the manifest cannot be read.
        public: what the manifest says users reach; None likewise. Then there are breaches, but no topology.

    Returns:
        The topology, None if any rule is broken; and every breach.
    """
    drafts = Drafts()
    reports: list[Report] = []
    counts: dict[str, int] = dict.fromkeys(MAX_OBJECTS, 0)
    for number, (path, data) in enumerate(sorted(files.items())):
        report = Report(path)
        reports.append(report)
        if number >= MAX_FILES or path.count("/") != 1 or not path.endswith(".yaml"):
            report.add("k8s.file", 0, f"file {number + 1} below k8s/")
        else:
            for node in _documents(data, report):
                _sort_in(node, drafts, counts)
    topology, broken = resolve(drafts.pods, drafts.services, drafts.config_maps, drafts.claims, users, public)
    # an object that could not be read must not make the manifest look wrong as well
    unread = any(_UNREAD.intersection(one.code for one in report.findings) for report in reports)
    findings = [finding for report in reports for finding in report.findings]
    findings += [] if unread else broken
    return (None if findings or public is None else topology), tuple(dict.fromkeys(findings))


def _documents(data: bytes, report: Report) -> list[Node]:
    try:
        documents = strict_yaml.load_all(data, limit=MAX_FILE)
    except BadYaml as bad:
        code = bad.code if bad.code in RULES else "yaml.form"
        line = bad.facts.get("line", 0)
        report.add(code, line if isinstance(line, int) else 0, bad.what, hint=bad.hint)
        return []
    if not documents:
        report.add("yaml.empty", 0, "there is no document")
    lines = lines_of(data.decode())
    return [Node(value, (), places, report) for value, places in zip(documents, lines, strict=True)]


def _sort_in(node: Node, drafts: Drafts, counts: dict[str, int]) -> None:
    if not isinstance(node.value, dict):
        node.refuse("k8s.document", "is not an object")
        return
    kind, version = node.value.get("kind"), node.value.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        node.refuse("k8s.document", "has no kind or no apiVersion")
        return
    if _VERSIONS.get(kind) != version:
        code = "k8s.kind" if kind in _VERSIONS else KINDS.get(kind, "k8s.kind")
        node.child("kind").refuse(code, f"{version} {kind}"[:120])
        return
    counts[kind] += 1
    if counts[kind] > MAX_OBJECTS[kind]:
        node.refuse("k8s.objects", f"more than {MAX_OBJECTS[kind]} of kind {kind}")
        return
    _READERS[kind](node, drafts)


def _read_deployment(node: Node, drafts: Drafts) -> None:
    draft = deployment(node)
    if draft is not None:
        drafts.pods.append(draft)


def _read_service(node: Node, drafts: Drafts) -> None:
    drafts.services.append(objects.service(node))


def _read_config_map(node: Node, drafts: Drafts) -> None:
    drafts.config_maps.append((node, objects.config_map(node)))


def _read_claim(node: Node, drafts: Drafts) -> None:
    drafts.claims.append((node, objects.claim(node)))


_READERS: Final[Mapping[str, Callable[[Node, Drafts], None]]] = {
    "Deployment": _read_deployment,
    "Service": _read_service,
    "ConfigMap": _read_config_map,
    "PersistentVolumeClaim": _read_claim,
}
