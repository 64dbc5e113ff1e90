"""What files of a bundle are called."""

from pathlib import PurePosixPath
from typing import Final

MANIFEST: Final = "cyberprivacy.yaml"
_DOCKERFILES: Final = ("dockerfile", "containerfile")


def is_dockerfile(path: str) -> bool:
    """Whether a file's name says that it is a Dockerfile."""
    first, *rest = PurePosixPath(path).name.lower().split(".")
    return first in _DOCKERFILES or bool(rest and rest[-1] in _DOCKERFILES)


def is_requirements(path: str) -> bool:
    """Whether a file's name says that it lists Python packages."""
    name = PurePosixPath(path).name.lower()
    return name.startswith("requirements") and name.endswith(".txt")
