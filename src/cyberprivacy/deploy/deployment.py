"""Running services, and the port behind which runtimes stand."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy.cid import Cid
from cyberprivacy.errors import TryLater
from cyberprivacy.registry.pushed import PushedImage
from cyberprivacy.review.workload import Topology
from cyberprivacy.seal import Seal

SEAL: Final = Seal("deploy")
PARAMETERS: Final = "/run/cyberprivacy"
"""Where a container finds parameters.json; the gate lets no bundle mount anything there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What to run.

    Attributes:
        name: one per DAO on this node, RFC 1123 label of at most 40 characters; also names its network.
        release: CID of the bundle.
        topology: the parsed objects.
        images: the pushed image of each name in the manifest.
        parameters: folder of this machine, read-only at `PARAMETERS` in every container; None = none.
    """

    name: str
    release: Cid
    topology: Topology
    images: Mapping[str, PushedImage]
    parameters: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What runs, as read back from the engine at this moment. Made only by `deploy`.

    Attributes:
        name: as in `Application`.
        release: CID that the running containers carry as a label.
        images: image name -> manifest digest ("sha256:…") of the image that its containers really run.
            Two containers of one image name with different digests, or a container that we did not
            start, is refused as `Untrusted` ("deploy.foreign") by whoever reads it.
        ready: how many replicas answer their readiness probe.
        wanted: how many there should be.
        clusters: names of the clusters in which it runs alike; none where engines have no names.
    """

    name: str
    release: Cid
    images: Mapping[str, str]
    ready: int
    wanted: int
    clusters: tuple[str, ...] = ()
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)


class Runtime(Protocol):
    """Runs applications."""

    def apply(self, application: Application) -> Deployment:
        """Make this release the running one, without failing one request; the same again changes nothing.

        When the new release does not become ready, the running one keeps serving and nothing of the
        new one is left.

        Raises:
            Untrusted: the new release did not become healthy ("deploy.unhealthy"), or an image read back
                from the engine is not the one pushed ("deploy.image").
            TryLater: an engine is out of reach, or a disk is full.
        """
        ...

    def observe(self, name: str) -> Deployment | None:
        """What really runs under this name now; None when nothing does."""
        ...

    def glance(self, name: str) -> Deployment | None:
        """As `observe`, for whoever asks all the while: an engine that tells of changes is not asked again."""
        ...

    def remove(self, name: str) -> None:
        """Stop serving it; its persistent volumes stay. Removing what is not there changes nothing."""
        ...


class PartlyKnown(TryLater):
    """Of several places where applications run, one cannot say which; its code is that of the reason why.

    Attributes:
        names: those of the other places.
    """

    code = "deploy.partly"
    hint = "The others are looked after; this one is asked again by itself."

    def __init__(self, why: TryLater, names: frozenset[str]) -> None:
        super().__init__(why.what, code=why.code, hint=why.hint, **why.facts)
        self.names = names


class Tended(Runtime, Protocol):
    """A runtime as a node keeps it: it knows what it runs, and wants to be called all the while."""

    def names(self) -> frozenset[str]:
        """Applications of this node of which something may run.

        Raises:
            PartlyKnown: there may be more, where nobody can say.
        """
        ...

    def tend(self) -> tuple[str, ...]:
        """Look after everything that serves: call it every second or so.

        Returns:
            What had to be put right, for the log.

        Raises:
            CyberPrivacyError: the first failure of any, after the other applications were looked after.
        """
        ...

    def close(self) -> None:
        """Let go of what this process holds of its engine; what runs goes on."""
        ...
