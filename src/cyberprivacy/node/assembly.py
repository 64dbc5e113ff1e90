"""A node's engines, put together: those of one machine, or some of them where it was given clusters."""

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final, Self

import httpx2

from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.buildah import BuildahBuilder
from cyberprivacy.build.image import Builder
from cyberprivacy.build.inputs import Inputs, LayoutBases
from cyberprivacy.build.sandbox import Sandbox
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import WheelIndex
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.keeping import keep
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.sources import BlockSource
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import Tended
from cyberprivacy.deploy.engine import Pull
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.podman import PodmanRuntime, PodmanSettings
from cyberprivacy.errors import TryLater
from cyberprivacy.node import files
from cyberprivacy.node.config import Config
from cyberprivacy.node.engines_config import beside, harbor
from cyberprivacy.node.housekeeping import Keeper
from cyberprivacy.proposal.release import Address
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.registry.oci import RegistryBases, connect
from cyberprivacy.registry.pushed import Registry

VOLATILE: Final = Path("/run/cyberprivacy")
FIRST_SUBNET: Final = 100
"""Applications of the node in slot n get addresses in 10.(100 + n).0.0/16."""
SLOTS: Final = 100


def volatile(data: Path) -> Path:
    """The folder under /run of the node with this data directory."""
    return VOLATILE / sha256(str(data.resolve()).encode()).hexdigest()[:12]


def application_name(dao: Address) -> str:
    """What a DAO's application is called on every node."""
    return f"app-{dao[2:38].lower()}"


def sockets(config: Config) -> list[Path]:
    """On which sockets a running node answers for its applications."""
    return [volatile(config.data) / f"{application_name(served.dao)}.sock" for served in config.daos]


def podman_settings(data: Path, pull: Pull) -> PodmanSettings:
    """Where the runtime of the node with this data directory keeps what; other nodes get other addresses."""
    number = slot(data)
    return PodmanSettings(
        data=data / "volumes",
        storage=data / "containers",
        run=volatile(data) / "containers",
        subnets=IPv4Network(f"10.{FIRST_SUBNET + number}.0.0/16"),
        first_uid=1_000_000 + number * 0x1000000,
        pull=pull,
    )


def slot(data: Path) -> int:
    """This node's number on this machine, from 0: no other node has its private addresses and user ids.

    Chosen at the first start and kept, because the files of users' volumes belong to those user ids.

    Raises:
        TryLater: every number is taken, or ours is ("node.slot").
    """
    folder, kept, ours = VOLATILE / "slots", data / "slot", str(data.resolve())
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    for number in [int(kept.read_bytes())] if kept.exists() else range(SLOTS):
        place = folder / str(number)
        if place.is_symlink() and not place.exists():
            place.unlink(missing_ok=True)  # of a node whose data directory is gone
        with suppress(FileExistsError):
            place.symlink_to(ours)
        if str(place.readlink()) == ours:
            files.replace(kept, str(number).encode())
            return number
    raise TryLater(
        "another node of this machine has this node's private addresses",
        code="node.slot",
        hint="Stop the node whose data directory /run/cyberprivacy/slots names.",
        folder=str(folder),
    )


def leave(data: Path) -> None:
    """Give up this node's number on this machine; for nodes that will not come back."""
    folder = VOLATILE / "slots"
    for place in folder.iterdir() if folder.exists() else ():
        if str(place.readlink()) == str(data.resolve()):
            place.unlink()


@dataclass(frozen=True, slots=True)
class Assembly:
    """What all DAOs of a node share.

    Attributes:
        store: blocks of every bundle that runs here; served to others.
        front: the TLS front.
        run: volatile folder of this node, lost at reboot.
        registry: where images are pushed.
    """

    config: Config
    store: FolderStore
    builder: BuildahBuilder
    runtime: Tended
    front: Front
    run: Path
    registry: Registry
    _embedded: DockerRegistry | None
    _fetching: defaultdict[Cid, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    @classmethod
    def of(cls, config: Config, told: Callable[[str, Mapping[str, object]], object] = lambda _, __: None) -> Self:
        """Put the engines together in the data directory and start those that are embedded.

        Args:
            config: of the node.
            told: hears of what somebody changed in a cluster, and of waves, as a kind and facts for the ledger.

        Raises:
            TryLater: an engine does not start.
            Misuse: the cluster's kubeconfig or the registry's files cannot be used.
        """
        data = config.data
        run = volatile(data)
        run.mkdir(mode=0o711, parents=True, exist_ok=True)
        VOLATILE.chmod(0o711)
        front = Front(run / "front")
        elsewhere = config.clusters or config.harbor
        embedded = None if elsewhere else DockerRegistry(data / "registry", _port(data / "registry")).start()
        registry, runtime = _running(config, front, embedded, told)
        return cls(
            config=config,
            store=FolderStore(data / "blocks"),
            builder=BuildahBuilder(data / "builds", inputs=_inputs(config), sandbox=Sandbox(data / "sandboxes")),
            runtime=runtime,
            front=front,
            run=run,
            registry=registry,
            _embedded=embedded,
        )

    @property
    def building(self) -> Builder:
        """What turns source into images here. See `engines_config`."""
        config = self.config
        return beside(self.builder, config.jenkins, config.jobs, config.data / "builds" / "agreed")

    def fetch(self, cid: Cid) -> VerifiedBundle:
        """Bring a bundle to this machine, from the configured gateways. See `bundle.fetch`."""
        folder = self.config.data / "bundles"
        folder.mkdir(parents=True, exist_ok=True)
        named = self.config.sources
        sources: list[BlockSource] = [*map(Gateway, named.gateways), *map(Kubo, named.kubos)]
        with self._fetching[cid]:  # two DAOs may want the same bundle, and there is one place for it
            return fetch(cid, sources, self.store, folder / str(cid), replace=True)

    @property
    def keepers(self) -> Mapping[str, Keeper]:
        """What can be tidied, by room. See `housekeeping`."""
        trees, embedded, at = self.config.data / "bundles", self._embedded, self.config.harbor
        keepers: dict[str, Keeper] = {
            "bundle": lambda bundles, _, since: keep(self.store, trees, bundles, unused_since=since),
            "build": lambda _, images, since: self.builder.keep(images, unused_since=since),
        }
        # Somebody else's registry is not ours to tidy, but for a project that is this node's alone.
        if embedded is not None:
            keepers["registry"] = lambda _, images, since: embedded.keep(images, unused_since=since)
        elif at is not None:  # counts images: it does not tell bytes
            mine = {application_name(served.dao) for served in self.config.daos}
            keepers["registry"] = lambda _, images, since: harbor(at).tidy(mine, images, unused_since=since)
        return keepers

    def tend(self) -> None:
        """Look after the embedded registry: its certificate is renewed before it ends."""
        if self._embedded is not None:
            self._embedded.tend()

    def leave(self) -> None:
        """Let users go who would be cut off: in a container the front ends with its first process, with us."""
        if os.getpid() == 1:
            self.front.leave()

    def close(self) -> None:
        """Stop what need not outlive the node; applications and their front go on serving."""
        self.runtime.close()
        self.registry.close()
        if self._embedded is not None:
            self._embedded.stop()


def _inputs(config: Config) -> Inputs:
    """Where builds find what they may use."""
    client = httpx2.Client(follow_redirects=False, timeout=60)
    return Inputs(
        config.data / "inputs",
        bases=[
            *(LayoutBases(folder) for folder in config.sources.bases),
            *(RegistryBases(connect(url), host) for host, url in config.sources.registries.items()),
        ],
        index=WheelIndex(client, config.sources.wheels),
        web=Web(client),
        epoch=EPOCH,
    )


def _running(
    config: Config,
    front: Front,
    embedded: DockerRegistry | None,
    told: Callable[[str, Mapping[str, object]], object],
) -> tuple[Registry, Tended]:
    """Where images are pushed, and what runs them."""
    if config.clusters is not None:
        return config.clusters.images(), config.clusters.runtime(front, told)
    if config.harbor is not None:
        registry: Registry = harbor(config.harbor)
        pull = Pull(authfile=config.harbor.pull, certificates=config.harbor.certificates)
    else:
        assert embedded is not None  # noqa: S101  (started by the caller where images are not kept elsewhere)
        registry, pull = embedded.registry(), Pull(authfile=embedded.authfile, certificates=embedded.certs)
    return registry, PodmanRuntime(podman_settings(config.data, pull), front)


def _port(folder: Path) -> int:
    """The registry's port: free when first chosen, then kept, because image references contain it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / "port"
    if not kept.exists():
        with socket.create_server(("127.0.0.1", 0)) as free:
            files.replace(kept, str(free.getsockname()[1]).encode())
    return int(kept.read_bytes())
