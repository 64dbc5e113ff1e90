"""A bundle that the gate let through, with everything that the later steps need already parsed."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from pathlib import PurePosixPath
from typing import Final

from cyberprivacy.bundle.manifest import Manifest
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.review.workload import Topology
from cyberprivacy.seal import Seal

SEAL: Final = Seal("review")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A Dockerfile as parsed: the only form in which a builder may see it.

    Attributes:
        image: name of the image in the manifest.
        source: path of the Dockerfile in the bundle.
        text: the Dockerfile rendered again from the parsed instructions; build this, never the author's bytes.
        bases: every FROM as (repository, digest "sha256:…"), in order, without repeats.
        user: numeric uid that the image runs as; never 0.
    """

    image: str
    source: PurePosixPath
    text: str
    bases: tuple[tuple[str, str], ...]
    user: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedBundle:
    """A verified bundle that breaks no rule of the gate. Made only by `review`.

    Attributes:
        bundle: the verified tree.
        manifest: its parsed `cyberprivacy.yaml`.
        recipes: one per image, by image name.
        topology: its parsed Kubernetes objects.
    """

    bundle: VerifiedBundle
    manifest: Manifest
    recipes: Mapping[str, Recipe]
    topology: Topology
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)
