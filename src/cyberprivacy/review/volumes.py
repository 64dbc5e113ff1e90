"""Volumes of a pod and where its container sees them."""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.review import quantities
from cyberprivacy.review.denied import FIELDS
from cyberprivacy.review.objects import NAME
from cyberprivacy.review.workload import ClaimMount, ConfigMapMount, ScratchMount
from cyberprivacy.review.yaml_node import Fields, Node

_PATH: Final = r"(?!.*//)(?!.*/\.{1,2}(?:/|\Z))/[A-Za-z0-9._/-]{0,254}[A-Za-z0-9._-]"
_NOT_OURS: Final = ("/proc", "/sys", "/dev", "/run/cyberprivacy")
_SOURCES: Final = ("configMap", "persistentVolumeClaim", "emptyDir")


@dataclass(frozen=True, slots=True)
class MountDraft:
    """A mount before its reference is followed, and the place that names the reference."""

    node: Node
    mount: ConfigMapMount | ClaimMount | ScratchMount


@dataclass(frozen=True, slots=True)
class _Volume:
    node: Node
    kind: str
    reference: str
    size: int
    read_only: bool


def mounts(pod: Fields, container: Fields, memory: int) -> tuple[MountDraft, ...]:
    """What the container sees of its pod's volumes, in the order of `volumeMounts`.

    Args:
        pod: fields of the pod's spec.
        container: fields of its container.
        memory: limit of the container in bytes; scratch space counts towards it.
    """
    volumes = _volumes(pod)
    found: list[MountDraft] = []
    used: set[str] = set()
    for item in container["volumeMounts"].items(16) if "volumeMounts" in container else ():
        fields = item.fields(("name", "mountPath"), ("readOnly",), denied=FIELDS)
        path = _path(fields["mountPath"], [draft.mount.path for draft in found])
        name = fields["name"].text(NAME, code="k8s.name")
        volume = volumes.get(name)
        if volume is None:
            if name:
                fields["name"].refuse("k8s.required", f"there is no volume {name}")
            continue
        if name in used:
            item.refuse("k8s.duplicate", f"volume {name} is mounted already")
        used.add(name)
        read_only = fields["readOnly"].boolean() if "readOnly" in fields else False
        found.append(MountDraft(volume.node, _mount(volume, path, read_only=read_only)))
    for name in volumes.keys() - used:
        volumes[name].node.refuse("k8s.volume-unused", f"volume {name} is not mounted")
    scratch = sum(draft.mount.size for draft in found if isinstance(draft.mount, ScratchMount))
    if scratch > memory > 0:
        pod["volumes"].refuse("k8s.scratch", f"{scratch} bytes of emptyDir in a container of {memory}")
    return tuple(found)


def _volumes(pod: Fields) -> dict[str, _Volume]:
    volumes: dict[str, _Volume] = {}
    for item in pod["volumes"].items(16) if "volumes" in pod else ():
        fields = item.fields(("name",), _SOURCES, denied=FIELDS)
        name = fields["name"].text(NAME, code="k8s.name")
        if name in volumes:
            item.refuse("k8s.duplicate", f"volume {name} is there already")
        kinds = [kind for kind in _SOURCES if kind in fields]
        if len(kinds) == 1:
            volumes[name] = _volume(fields[kinds[0]], kinds[0])
        elif len(fields.values) - len(kinds) < 2 or kinds:
            item.refuse("k8s.volume-kind", "needs exactly one source")
    return volumes


def _volume(node: Node, kind: str) -> _Volume:
    reference, size, read_only = "", 0, True
    if kind == "configMap":
        fields = node.fields(("name",), ("optional",), denied={"items": "k8s.sub-path", **FIELDS})
        fields.forced({"optional": (False, "k8s.config-map-missing")})
        reference = fields["name"].text(NAME, code="k8s.name")
    elif kind == "persistentVolumeClaim":
        fields = node.fields(("claimName",), ("readOnly",), denied=FIELDS)
        reference = fields["claimName"].text(NAME, code="k8s.name")
        read_only = fields["readOnly"].boolean() if "readOnly" in fields else False
    else:
        fields = node.fields((), ("medium", "sizeLimit"), denied=FIELDS)
        fields["medium"].forced("Memory", "k8s.scratch")
        size = quantities.size(fields["sizeLimit"], 1 << 10, 4 << 30, code="k8s.scratch")
    return _Volume(node, kind, reference, size, read_only)


def _mount(volume: _Volume, path: str, *, read_only: bool) -> ConfigMapMount | ClaimMount | ScratchMount:
    match volume.kind:
        case "configMap":
            return ConfigMapMount(path, volume.reference)
        case "persistentVolumeClaim":
            return ClaimMount(path, volume.reference, read_only or volume.read_only)
        case _:
            if read_only:
                volume.node.refuse("k8s.scratch", "mounted readOnly: it would stay empty")
            return ScratchMount(path, volume.size)


def _path(node: Node, others: list[str]) -> str:
    path = node.text(_PATH, code="k8s.mount-path")
    if any(path == other or path.startswith(other + "/") for other in _NOT_OURS):
        node.refuse("k8s.mount-path", f"{path} belongs to the system")
    for other in others:
        if path and (f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")):
            node.refuse("k8s.mount-path", f"{path} and {other} are inside one another")
    return path
