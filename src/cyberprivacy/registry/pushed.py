"""Images by digest, and the port behind which registries stand."""

from dataclasses import InitVar, dataclass
from typing import Final, Protocol

from cyberprivacy.build.image import BuiltImage, Digest
from cyberprivacy.seal import Seal

SEAL: Final = Seal("registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedImage:
    """An image that the registry holds under the digest that was built. Made only by `registry`.

    Attributes:
        name: image name in the manifest.
        reference: where a runtime pulls it from: "host:port/repository@sha256:…"; never a tag.
        digest: digest of the OCI image manifest.
    """

    name: str
    reference: str
    digest: Digest
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)


class Registry(Protocol):
    """Stores images by digest."""

    def push(self, image: BuiltImage, repository: str) -> PushedImage:
        """Store an image and read its digest back; pushing what is there already changes nothing.

        Raises:
            Untrusted: the registry answers with another digest.
            TryLater: it is out of reach or full.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...
