"""What objects say of one another: every reference is followed, or refused; names and totals are checked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cyberprivacy.bundle.manifest import Public
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.objects import Labels, ServiceDraft
from cyberprivacy.review.pods import PodDraft
from cyberprivacy.review.workload import (
    Claim,
    ClaimMount,
    ConfigMap,
    ConfigMapMount,
    Container,
    Service,
    Topology,
    Workload,
)
from cyberprivacy.review.yaml_node import Node

MAX_REPLICAS: Final = 20
MAX_CPU_MILLIS: Final = 16_000
MAX_MEMORY: Final = 32 << 30
MAX_ENV: Final = 32 << 10
"""Bytes of one variable; Linux takes no more than 128 KiB."""
MAX_CLAIMS: Final = 100 << 30


def resolve(
    pods: Sequence[PodDraft],
    services: Sequence[ServiceDraft],
    config_maps: Sequence[tuple[Node, ConfigMap]],
    claims: Sequence[tuple[Node, Claim]],
    users: Mapping[str, int] | None,
    public: Public | None,
) -> tuple[Topology, tuple[Finding, ...]]:
    """Follow every reference; the topology may be used only if nothing was found (here or before).

    Returns:
        The topology; breaches of rules about the manifest. Breaches at an object go to its own report.
    """
    maps = {one.name: dict(one.data) for _, one in config_maps}
    _unique("Deployment", ((draft.node, draft.name) for draft in pods))
    _unique("Service", ((draft.node, draft.name) for draft in services))
    _unique("ConfigMap", ((node, one.name) for node, one in config_maps))
    _unique("PersistentVolumeClaim", ((node, one.name) for node, one in claims))
    _selectors(pods)
    _mounts(pods, maps.keys(), {one.name for _, one in claims})
    _totals(pods, claims)
    found = tuple(service for draft in services if (service := _service(draft, pods)) is not None)
    topology = Topology(
        workloads=tuple(Workload(d.name, d.replicas, _container(d, maps, users), d.grace) for d in pods),
        services=found,
        config_maps=tuple(one for _, one in config_maps),
        claims=tuple(one for _, one in claims),
        public=public.service if public else "",
    )
    if users is None or public is None:
        return topology, ()
    return topology, _manifest(pods, services, users, public)


def _manifest(
    pods: Sequence[PodDraft], services: Sequence[ServiceDraft], users: Mapping[str, int], public: Public
) -> tuple[Finding, ...]:
    report = Report(MANIFEST)
    if not pods:
        report.add("k8s.missing", 0, "no workload in k8s/")
    reached = [draft for draft in services if draft.name == public.service]
    if not reached:
        report.add("manifest.public-service", 0, f"there is no Service {public.service}")
    elif reached[0].port not in (public.port, 0):  # 0: its ports are refused already
        report.add("manifest.public-port", 0, f"{public.service} has port {reached[0].port}, not {public.port}")
    for image in users.keys() - {draft.image for draft in pods}:
        report.add("manifest.image-unused", 0, f"no workload runs image {image}")
    return report.findings


def _unique(kind: str, named: Iterable[tuple[Node, str]]) -> None:
    seen: set[str] = set()
    for node, name in named:
        if name and name in seen:
            node.refuse("k8s.duplicate", f"{kind} {name} is there already")
        seen.add(name)


def _selectors(pods: Sequence[PodDraft]) -> None:
    for draft in pods:
        chosen = [other for other in pods if _selects(draft.selector, other.labels)]
        if not draft.selector or len(chosen) != 1 or chosen[0] is not draft:
            names = ", ".join(other.name for other in chosen) or "no pods"
            place = draft.node.child("spec").child("selector")
            place.refuse("k8s.selector", f"selects {names if draft.selector else 'everything'}")


def _selects(selector: Labels, labels: Labels) -> bool:
    return selector.items() <= labels.items()


def _service(draft: ServiceDraft, pods: Sequence[PodDraft]) -> Service | None:
    if not draft.selector:
        return None  # reported where it was read
    spec = draft.node.child("spec")
    chosen = [pod for pod in pods if _selects(draft.selector, pod.labels)]
    if len(chosen) != 1:
        spec.child("selector").refuse("k8s.selector", f"selects {len(chosen)} workloads")
        return None
    target = next((number for number, name in chosen[0].ports if draft.target in (number, name)), None)
    if target is None:
        if draft.port:
            spec.child("ports").refuse("k8s.service-target", f"{draft.target!r} is no port of {chosen[0].name}")
        return None
    return Service(draft.name, draft.port, chosen[0].name, target)


def _mounts(pods: Sequence[PodDraft], maps: Iterable[str], claims: Iterable[str]) -> None:
    maps, claims = set(maps), set(claims)
    owner: dict[str, PodDraft] = {}
    for pod in pods:
        for draft in pod.mounts:
            mount = draft.mount
            if isinstance(mount, ConfigMapMount) and mount.config_map and mount.config_map not in maps:
                draft.node.refuse("k8s.config-map-missing", f"there is no ConfigMap {mount.config_map}")
            if isinstance(mount, ClaimMount) and mount.claim:
                if mount.claim not in claims:
                    draft.node.refuse("k8s.claim-missing", f"there is no claim {mount.claim}")
                if owner.setdefault(mount.claim, pod) is not pod:
                    draft.node.refuse("k8s.claim-shared", f"{owner[mount.claim].name} has {mount.claim} too")


def _container(
    draft: PodDraft, maps: Mapping[str, Mapping[str, str]], users: Mapping[str, int] | None
) -> Container:
    if users is not None and draft.image and draft.image not in users:
        draft.container.child("image").refuse("k8s.image-unknown", f"the manifest has no image {draft.image}")
    user = draft.user if draft.user is not None else (users or {}).get(draft.image, 0)
    return Container(
        name=draft.container_name,
        image=draft.image,
        command=draft.command,
        args=draft.args,
        env=_env(draft, maps),
        ports=tuple(number for number, _ in draft.ports),
        user=user,
        cpu_millis=draft.cpu_millis,
        memory=draft.memory,
        readiness=draft.readiness,
        liveness=draft.liveness,
        mounts=tuple(one.mount for one in draft.mounts),
    )


def _env(draft: PodDraft, maps: Mapping[str, Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for env in draft.env:
        value = env.value
        if env.source is not None and env.source[0]:
            name, key = env.source
            if key not in maps.get(name, {}):
                env.node.refuse("k8s.config-map-missing", f"there is no key {key} in a ConfigMap {name}")
                continue
            value = maps[name][key]
            if "$(" in value or "$$" in value:  # it is rendered as a plain value, where engines expand it
                env.node.refuse("k8s.expansion", f"the value of {key} in {name}")
            if len(value.encode()) > MAX_ENV:
                env.node.refuse("k8s.config-map", f"{key} in {name} is too long for a variable: mount it")
        pairs.append((env.name, value))
    return tuple(pairs)


def _totals(pods: Sequence[PodDraft], claims: Sequence[tuple[Node, Claim]]) -> None:
    replicas = cpu = memory = stored = 0
    for draft in pods:
        replicas += draft.replicas
        cpu += draft.replicas * draft.cpu_millis
        memory += draft.replicas * draft.memory
        if replicas > MAX_REPLICAS:
            draft.node.refuse("k8s.replicas", f"{replicas} replicas together")
        if cpu > MAX_CPU_MILLIS or memory > MAX_MEMORY:
            draft.node.refuse("k8s.totals", f"{cpu}m cores and {memory} bytes together")
    for node, claim in claims:
        stored += claim.size
        if stored > MAX_CLAIMS:
            node.refuse("k8s.totals", f"{stored} bytes of claims together")
