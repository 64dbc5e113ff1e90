"""What a build makes, and the port behind which builders stand."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, NewType, Protocol

from cyberprivacy.cid import Cid
from cyberprivacy.review.linted import LintedBundle
from cyberprivacy.seal import Seal

SEAL: Final = Seal("build")

Digest = NewType("Digest", str)
"""An OCI digest: "sha256:" and 64 hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image built from a linted bundle. Made only by `build`.

    Attributes:
        bundle: CID of the source.
        name: image name in the manifest.
        digest: digest of the OCI image manifest, exactly as it will be pushed.
        archive: OCI archive (tar) on disk that holds it.
        profile: name of the builder profile that the digest depends on, such as "1/buildah-1.28.2".
    """

    bundle: Cid
    name: str
    digest: Digest
    archive: Path
    profile: str
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)


class Builder(Protocol):
    """Turns the recipes of a linted bundle into images, the same source into the same digests."""

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        """Build every image of the bundle, in the manifest's order.

        Raises:
            Untrusted: an input is not what was declared, or the recipe failed.
            TryLater: an input or the disk is out of reach for now.
        """
        ...


def images_digest(images: Mapping[str, str]) -> bytes:
    r"""The 32 bytes that providers report to the chain: SHA-256 over "name=digest\\n" lines, sorted by name."""
    return sha256("".join(f"{name}={images[name]}\n" for name in sorted(images)).encode()).digest()
