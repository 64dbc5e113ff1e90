"""The Kubernetes objects of a bundle as our own small model: all that an application may ask for.

Parsed strictly from `k8s/*.yaml` by `review.kubernetes`; rendered again by `deploy`. What has no field
here cannot be asked for: host namespaces, privileges, host paths, service accounts, foreign secrets.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP GET that answers 200-399 when the container is well.

    Attributes:
        path: absolute path, such as "/healthz".
        port: container port.
        initial_delay: seconds before the first probe.
        period: seconds between probes.
        timeout: seconds for one answer.
        failures: bad answers in a row before the container counts as unwell.
    """

    path: str
    port: int
    initial_delay: int
    period: int
    timeout: int
    failures: int


@dataclass(frozen=True, slots=True)
class ConfigMapMount:
    """Files of a ConfigMap, read-only at `path`."""

    path: str
    config_map: str


@dataclass(frozen=True, slots=True)
class ClaimMount:
    """A persistent volume at `path`; it outlives releases."""

    path: str
    claim: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ScratchMount:
    """An emptyDir at `path`, in memory, gone with the container; `size` in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Container:
    """The one container of a workload's pods.

    Attributes:
        name: container name.
        image: name of an image in the manifest; the author wrote `bundle://<image>`.
        command: replaces the image's entrypoint; () keeps it.
        args: replaces the image's command; () keeps it.
        env: (name, value) pairs; ConfigMap keys are already resolved.
        ports: container ports, 1024-65535.
        user: numeric uid, never 0.
        cpu_millis: limit, thousandths of a core.
        memory: limit, bytes.
        readiness: when it may get requests; required.
        liveness: when it must be restarted; None = never.
        mounts: in the author's order.
    """

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    ports: tuple[int, ...]
    user: int
    cpu_millis: int
    memory: int
    readiness: Probe
    liveness: Probe | None
    mounts: tuple[ConfigMapMount | ClaimMount | ScratchMount, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment: `replicas` equal pods of one container each; `grace` seconds to stop."""

    name: str
    replicas: int
    container: Container
    grace: int


@dataclass(frozen=True, slots=True)
class Service:
    """A ClusterIP Service: `name:port` inside the application reaches `target_port` of `workload`."""

    name: str
    port: int
    workload: str
    target_port: int


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """Public settings that the bundle itself carries: (key, text) pairs."""

    name: str
    data: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A persistent volume of at most `size` bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that one application runs. All names are unique and every reference resolves.

    Attributes:
        public: name of the Service that users reach through the TLS front (manifest `public.service`).
    """

    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    config_maps: tuple[ConfigMap, ...]
    claims: tuple[Claim, ...]
    public: str
