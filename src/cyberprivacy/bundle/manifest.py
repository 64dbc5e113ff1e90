"""`cyberprivacy.yaml`: what a bundle says of itself, as a value. Parsed strictly by `parse`."""

from dataclasses import dataclass

from cyberprivacy.cid import Cid


@dataclass(frozen=True, slots=True)
class Image:
    """One image to build: a Dockerfile in the bundle, with the whole bundle as its context."""

    name: str
    dockerfile: str


@dataclass(frozen=True, slots=True)
class BaseInput:
    """An OCI base image, by digest ("sha256:…"); `repository` as the Dockerfiles' FROM writes it."""

    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class WheelsInput:
    """Python wheels: a requirements file in the bundle in which every line is pinned and hashed."""

    requirements: str


@dataclass(frozen=True, slots=True)
class FileInput:
    """Any file, by SHA-256 (hex); seen by the build as /inputs/files/<name>. `size` in bytes at most."""

    name: str
    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Public:
    """The Service and port that users reach."""

    service: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a bundle.

    Attributes:
        name: application name, RFC 1123 label.
        version: version for people, such as "1.1.0".
        release: release number, 1 and up; grows with every release.
        parent: bundle that this one was measured against; None for the first.
        pipeline: pipeline template number.
        images: at least one.
        bases, wheels, files: declared inputs; nothing else reaches a build.
        public: what users reach.
    """

    name: str
    version: str
    release: int
    parent: Cid | None
    pipeline: int
    images: tuple[Image, ...]
    bases: tuple[BaseInput, ...]
    wheels: tuple[WheelsInput, ...]
    files: tuple[FileInput, ...]
    public: Public
