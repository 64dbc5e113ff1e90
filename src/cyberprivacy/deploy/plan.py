"""From an application to the list of containers to run: pure, so that the same input gives the same plan."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, NamedTuple, Self

from cyberprivacy import canonical
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.review.workload import (
    ConfigMap,
    Container,
    Probe,
    Topology,
    Workload,
)

PREFIX: Final = "org.cyberprivacy."
FORMAT: Final = 1
"""Grows when the same application must be run in another way than before, so that it is started anew."""

UIDS: Final = 65536
_FIRST_HOST, _LAST_HOST = 16, 249
_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)+\Z")
_FILE: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,128}\Z")
_KERNEL: Final = re.compile(r"/(proc|sys|dev|etc/hosts)(/|\Z)")


class Endpoint(NamedTuple):
    """Where a container listens, inside its application's network."""

    address: IPv4Address
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one application owns on this machine, for as long as its data exists.

    Attributes:
        name: the application.
        number: 0-255; no two applications share one.
        network: its /24; the bridge has the first address.
        first_uid: host uid that stands for 0 inside its containers; 65536 follow.
    """

    name: str
    number: int
    network: IPv4Network
    first_uid: int

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's own address: the only host address in this network."""
        return self.network[1]

    @property
    def bridge(self) -> str:
        """Name of the bridge, at most 15 characters, unique to the subnet."""
        return "cp-" + self.network.network_address.packed[:3].hex()

    def link(self, address: IPv4Address) -> str:
        """Name of the host's end of the cable to this address."""
        return "cv-" + address.packed.hex()

    def mac(self, address: IPv4Address) -> str:
        """One hardware address for one IP address, so that no neighbour table is ever stale."""
        return "02:42:" + address.packed.hex(":")


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How to look after a container; it travels in a label, so that a restarted node still knows.

    Attributes:
        readiness, liveness: probes as in the model.
        grace: seconds between SIGTERM and SIGKILL.
        redirects: (service port, container port) pairs that differ.
        public: container port that the front sends users to; 0 = this one is not public.
        wanted: how many containers the whole release has.
    """

    readiness: Probe
    liveness: Probe | None
    grace: int
    redirects: tuple[tuple[int, int], ...]
    public: int
    wanted: int

    def text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `text` wrote.

        Raises:
            Untrusted: somebody else wrote it ("deploy.foreign").
        """
        try:
            fields = json.loads(text)
            liveness = fields.pop("liveness")
            return cls(
                readiness=Probe(**fields.pop("readiness")),
                liveness=None if liveness is None else Probe(**liveness),
                redirects=tuple((int(one), int(other)) for one, other in fields.pop("redirects")),
                **fields,
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Untrusted("a label is not ours", code="deploy.foreign", text=text[:80]) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One container to run: what, from which image, where."""

    workload: str
    replica: int
    container: Container
    reference: str
    digest: str
    address: IPv4Address
    care: Care


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Every container of one release of one application.

    Attributes:
        app, release: as in `Application`.
        spec: 64 hex digits over everything that decides what runs; equal means nothing to do.
        pods: in the model's order.
        hosts: (service name, address) lines for the containers' /etc/hosts.
        config_maps: name -> (file name, text) pairs.
        parameters: as in `Application`.
    """

    app: str
    release: Cid
    spec: str
    pods: tuple[Pod, ...]
    hosts: tuple[tuple[str, IPv4Address], ...]
    config_maps: Mapping[str, tuple[tuple[str, str], ...]]
    parameters: Path | None = None

    def labels(self, pod: Pod) -> dict[str, str]:
        """What a container says of itself."""
        return {
            "app": self.app,
            "release": str(self.release),
            "spec": self.spec,
            "workload": pod.workload,
            "replica": str(pod.replica),
            "image": pod.container.image,
            "digest": pod.digest,
            "address": str(pod.address),
            "care": pod.care.text(),
        }

    def name(self, pod: Pod) -> str:
        """The container's name, unique within the engine."""
        return f"{self.app}-{self.spec[:12]}-{pod.workload}-{pod.replica}"


def spec_of(application: Application) -> str:
    """64 hex digits over all that decides what runs; equal means that nothing has to change.

    Raises:
        Misuse: an image of the topology was not pushed ("deploy.image_missing").
    """
    names = {workload.container.image for workload in application.topology.workloads}
    if missing := names - application.images.keys():
        raise Misuse("images were not pushed", code="deploy.image_missing", missing=sorted(missing))
    images = {name: application.images[name].digest for name in names}
    said = {
        "format": FORMAT,
        "release": str(application.release),
        "images": images,
        "topology": asdict(application.topology),
        **({} if application.parameters is None else {"parameters": True}),
    }
    return sha256(canonical.encode(said)).hexdigest()


def generation(
    application: Application,
    place: Place,
    taken: Collection[IPv4Address],
    kept: Mapping[tuple[str, int], IPv4Address],
) -> Generation:
    """Lay out a release; new addresses follow the highest one `taken`, so that none is soon used again.

    Args:
        application: what to run.
        place: what it owns here.
        taken: addresses of every container that is there.
        kept: (workload, replica) -> address of containers of this very release that are there already.

    Raises:
        Misuse: an image is missing, or the network has no room for so many containers.
    """
    topology = application.topology
    wanted = sum(workload.replicas for workload in topology.workloads)
    free = _free(place.network, taken)
    pods: list[Pod] = []
    for workload in topology.workloads:
        image = application.images[workload.container.image]
        _check(workload.container)
        care = _care(topology, workload, wanted)
        for replica in range(workload.replicas):
            address = kept.get((workload.name, replica)) or next(free, None)
            if address is None:
                raise Misuse("no room for so many containers", code="deploy.room", wanted=wanted)
            pods.append(
                Pod(
                    workload=workload.name,
                    replica=replica,
                    container=workload.container,
                    reference=image.reference,
                    digest=image.digest,
                    address=address,
                    care=care,
                )
            )
    return Generation(
        app=application.name,
        release=application.release,
        spec=spec_of(application),
        pods=tuple(pods),
        hosts=tuple(
            (service.name, pod.address)
            for service in topology.services
            for pod in pods
            if pod.workload == service.workload
        ),
        config_maps={one.name: _files(one) for one in topology.config_maps},
        parameters=application.parameters,
    )


def _files(config_map: ConfigMap) -> tuple[tuple[str, str], ...]:
    for name, _ in config_map.data:
        if not _FILE.match(name):
            raise Misuse("not a file name", code="deploy.path", config_map=config_map.name, key=name)
    return config_map.data


def _check(box: Container) -> None:
    """Refuse paths that podman would read as options, or that would cover the kernel's own."""
    for mount in box.mounts:
        if not _PATH.match(mount.path) or _KERNEL.match(mount.path):
            raise Misuse("nothing may be mounted there", code="deploy.path", path=mount.path)


def _free(network: IPv4Network, taken: Collection[IPv4Address]) -> Iterator[IPv4Address]:
    hosts = [network[number] for number in range(_FIRST_HOST, _LAST_HOST + 1)]
    ours = [address for address in taken if address in hosts]
    start = hosts.index(max(ours)) + 1 if ours else 0
    return (address for address in hosts[start:] + hosts[:start] if address not in taken)


def _care(topology: Topology, workload: Workload, wanted: int) -> Care:
    services = [service for service in topology.services if service.workload == workload.name]
    return Care(
        readiness=workload.container.readiness,
        liveness=workload.container.liveness,
        grace=workload.grace,
        redirects=tuple((one.port, one.target_port) for one in services if one.port != one.target_port),
        public=next((one.target_port for one in services if one.name == topology.public), 0),
        wanted=wanted,
    )
