"""What a release is in a cluster: pure, so that the same input gives the same objects.

Each release is a generation of its own. Its Deployments and ConfigMaps carry the generation in their names and
labels and stand beside those of the release that serves; Services and claims are the application's. Users move
when the Services select the new generation, and what serves is never touched before that. So a release that
does not come up leaves everything as it was, and a node that is killed anywhere begins again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.deploy import render
from cyberprivacy.deploy.deployment import PARAMETERS, Application
from cyberprivacy.deploy.kubernetes.fields import Object
from cyberprivacy.deploy.plan import spec_of
from cyberprivacy.errors import Misuse
from cyberprivacy.review.workload import ClaimMount, Service, Topology, Workload

DOMAIN: Final = "org.cyberprivacy/"
APPLICATION: Final = f"{DOMAIN}application"
"""Label of every object of ours, and of their namespace: the application's name."""
GENERATION: Final = f"{DOMAIN}generation"
"""Label of what belongs to one release, and in the selector of what serves."""
WORKLOAD: Final = f"{DOMAIN}workload"
SPEC: Final = f"{DOMAIN}spec"
RELEASE: Final = f"{DOMAIN}release"
IMAGE: Final = f"{DOMAIN}image"
WANTED: Final = f"{DOMAIN}wanted"
TURNED: Final = "cyberprivacy.parameters"
"""ConfigMap with what administrators turn. No bundle can name one so: names of its objects have no dots."""
PULL: Final = "cyberprivacy.pull"
"""Secret with which pods' images are pulled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One release of one application, as objects.

    Attributes:
        app, release: as in `Application`.
        spec: 64 hex digits over everything that decides what runs.
        digests: image name -> manifest digest that must be read back.
        references: what pods may pull, "host/repository@sha256:…".
        wanted: how many pods.
        lasting: claims, which outlive releases.
        config_maps, workloads: of this generation alone, in the model's order.
        services: they select this generation.
        public: name of the Service that the front sends users to, and its port.
    """

    app: str
    release: Cid
    spec: str
    digests: Mapping[str, str]
    references: frozenset[str]
    wanted: int
    lasting: tuple[Object, ...]
    config_maps: tuple[Object, ...]
    workloads: tuple[Object, ...]
    services: tuple[Object, ...]
    public: tuple[str, int]

    @property
    def mark(self) -> str:
        """What names and labels of this generation carry."""
        return mark_of(self.spec)

    @property
    def objects(self) -> tuple[Object, ...]:
        """All of it, in the order in which it can be applied."""
        return (*self.lasting, *self.config_maps, *self.services, *self.workloads)


def mark_of(spec: str) -> str:
    """16 hex digits that stand for a spec in names and labels, which have room for no more."""
    return spec[:16]


def generation(
    application: Application, addresses: Mapping[str, str], *, patience: int, pull: bool = False, storage: str = ""
) -> Generation:
    """Write a release as objects.

    Args:
        application: what to run.
        addresses: cluster address of each Service that is there already.
        patience: seconds within which each workload must become ready.
        pull: whether pods pull with the Secret `PULL`.
        storage: storage class of claims; "" = the cluster's own choice.

    Raises:
        Misuse: an image was not pushed ("deploy.image_missing").
    """
    topology, spec = application.topology, spec_of(application)
    digests = {one.container.image: application.images[one.container.image].digest for one in topology.workloads}
    references = {name: application.images[name].reference for name in digests}
    dressed = _Dresser(application, spec, addresses, patience=patience, pull=pull, storage=storage)
    by_kind: defaultdict[str, list[Object]] = defaultdict(list)
    for found in render.render(topology, references):
        by_kind[str(found["kind"])].append(dressed.dress(found))
    public = next(one for one in topology.services if one.name == topology.public)
    return Generation(
        app=application.name,
        release=application.release,
        spec=spec,
        digests=digests,
        references=frozenset(references.values()),
        wanted=need(topology)["pods"],
        lasting=tuple(by_kind["PersistentVolumeClaim"]),
        config_maps=tuple(by_kind["ConfigMap"]),
        workloads=tuple(by_kind["Deployment"]),
        services=tuple(by_kind["Service"]),
        public=(public.name, public.port),
    )


def selected(service: Service, app: str, mark: str) -> dict[str, str]:
    """The pods that a Service selects: those of its workload in one generation."""
    return {APPLICATION: app, GENERATION: mark, WORKLOAD: service.workload}


class _Dresser:
    """Adds to a rendered object what only this cluster has to know: where it belongs, and its generation."""

    def __init__(
        self,
        application: Application,
        spec: str,
        addresses: Mapping[str, str],
        *,
        patience: int,
        pull: bool,
        storage: str,
    ) -> None:
        self._app, self._spec, self._mark = application, spec, mark_of(spec)
        self._addresses, self._patience, self._pull, self._storage = addresses, patience, pull, storage
        self._workloads = {one.name: one for one in application.topology.workloads}
        self._services = {one.name: one for one in application.topology.services}

    def dress(self, found: render.Object) -> Object:
        name = str(_part(found, "metadata")["name"])
        match found["kind"]:
            case "Deployment":
                return self._deployment(found, self._workloads[name])
            case "ConfigMap":
                return {**found, "immutable": True, "metadata": self._metadata(self._own(name))}
            case "Service":
                return self._service(found, self._services[name])
            case _:
                spec = _part(found, "spec") | ({"storageClassName": self._storage} if self._storage else {})
                return {**found, "spec": spec, "metadata": self._metadata(name, lasting=True)}

    def _own(self, name: str) -> str:
        return f"{name}-{self._mark}"

    def _labels(self) -> dict[str, object]:
        return {APPLICATION: self._app.name, GENERATION: self._mark}

    def _metadata(self, name: str, *, lasting: bool = False) -> dict[str, object]:
        labels = {APPLICATION: self._app.name} if lasting else self._labels()
        return {"name": name, "namespace": self._app.name, "labels": labels}

    def _service(self, found: render.Object, service: Service) -> Object:
        spec = _part(found, "spec") | {"selector": selected(service, self._app.name, self._mark)}
        if address := self._addresses.get(service.name):  # it stays, because pods know it by heart
            spec |= {"clusterIP": address}
        return {**found, "metadata": self._metadata(service.name), "spec": spec}

    def _deployment(self, found: render.Object, workload: Workload) -> Object:
        said = {
            SPEC: self._spec,
            RELEASE: str(self._app.release),
            IMAGE: workload.container.image,
            WANTED: str(sum(one.replicas for one in self._workloads.values())),
        }
        labels = self._labels() | {WORKLOAD: workload.name}
        template = {"metadata": {"labels": labels}, "spec": self._pod(found, workload)}
        spec = {
            "replicas": workload.replicas,
            "selector": {"matchLabels": labels},
            "template": template,
            "progressDeadlineSeconds": self._patience + workload.container.readiness.initial_delay,
            "revisionHistoryLimit": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        }
        metadata = self._metadata(self._own(workload.name)) | {"annotations": said, "labels": labels}
        return {**found, "metadata": metadata, "spec": spec}

    def _pod(self, found: render.Object, workload: Workload) -> dict[str, object]:
        pod = dict(_part(_part(_part(found, "spec"), "template"), "spec"))
        pod["volumes"] = [self._volume(volume) for volume in _list(pod["volumes"])]
        pod["dnsPolicy"], pod["dnsConfig"] = "None", {"nameservers": ["127.0.0.1"]}  # a name asked for is a leak
        pod["hostAliases"] = [
            {"ip": address, "hostnames": [name]} for name, address in sorted(self._addresses.items())
        ]
        (box,) = _list(pod["containers"])
        pod["containers"] = [{**box, "resources": _resources(workload)}]
        if self._pull:
            pod["imagePullSecrets"] = [{"name": PULL}]
        if any(isinstance(mount, ClaimMount) for mount in workload.container.mounts):
            pod["affinity"] = {"podAffinity": _together(self._app.name, workload.name)}
        if self._app.parameters is not None:
            self._turn(pod)
        return pod

    def _volume(self, volume: render.Object) -> render.Object:
        if "configMap" not in volume:
            return volume
        return {**volume, "configMap": {"name": self._own(str(_part(volume, "configMap")["name"]))}}

    @staticmethod
    def _turn(pod: dict[str, object]) -> None:
        """Mount what administrators turn: a whole ConfigMap, because a single file would never change."""
        pod["volumes"] = [*_list(pod["volumes"]), {"name": "turned", "configMap": {"name": TURNED}}]
        (box,) = _list(pod["containers"])
        mount = {"name": "turned", "mountPath": PARAMETERS, "readOnly": True}
        pod["containers"] = [{**box, "volumeMounts": [*_list(box["volumeMounts"]), mount]}]


def _resources(workload: Workload) -> Object:
    """Memory is set aside as a whole; of the processor a tenth, because few use all of theirs at once."""
    box = workload.container
    memory = str(box.memory)
    return {
        "limits": {"cpu": f"{box.cpu_millis}m", "memory": memory},
        "requests": {"cpu": f"{max(1, box.cpu_millis // 10)}m", "memory": memory},
    }


def _together(app: str, workload: str) -> Object:
    """Where a volume is, all who mount it must be, of both generations: it can be on one machine only."""
    labels = {"matchLabels": {APPLICATION: app, WORKLOAD: workload}}
    term = {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def need(topology: Topology) -> dict[str, int]:
    """What a topology may take at most: pods, thousandths of a core, bytes of memory."""
    workloads = topology.workloads
    return {
        "pods": sum(one.replicas for one in workloads),
        "cpu": sum(one.replicas * one.container.cpu_millis for one in workloads),
        "memory": sum(one.replicas * one.container.memory for one in workloads),
    }


def names(objects: Iterable[Object]) -> frozenset[tuple[str, str]]:
    """(kind, name) of each object."""
    return frozenset((str(one["kind"]), str(_part(one, "metadata")["name"])) for one in objects)


def _part(found: Object, name: str) -> dict[str, object]:
    part = found[name]
    if not isinstance(part, dict):
        raise Misuse("not an object that we rendered", code="kubernetes.rendered", part=name)
    return part


def _list(found: object) -> list[dict[str, object]]:
    if not isinstance(found, list):
        raise Misuse("not an object that we rendered", code="kubernetes.rendered", part="list")
    return found
