"""Any OCI registry as a place for built images, and as a source of base images."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Self

import httpx2

from cyberprivacy.build.archive import OciArchive, read_archive
from cyberprivacy.build.image import BuiltImage, Digest
from cyberprivacy.build.inputs import BaseSource
from cyberprivacy.build.oci import BadImage, Descriptor, ImageManifest, digest_of, parse_manifest
from cyberprivacy.build.scratch import disk_problem
from cyberprivacy.errors import TryLater
from cyberprivacy.registry.distribution import Credentials, Distribution, RegistryLies, trusting
from cyberprivacy.registry.pushed import SEAL, PushedImage


class OciRegistry:
    """A `Registry` that speaks the OCI distribution API.

    Args:
        distribution: the client; `open` makes one from plain settings.
        held: entered while an image is stored, for registries that are cleaned up at other times.
    """

    def __init__(
        self, distribution: Distribution, held: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._distribution, self._held = distribution, held

    @classmethod
    def open(
        cls, url: str, *, ca: Path | None = None, authfile: Path | None = None, timeout: float = 60.0
    ) -> Self:
        """A registry from its settings.

        Args:
            url: such as "https://127.0.0.1:5443".
            ca: PEM file of a private CA; None trusts the machine's list.
            authfile: credentials as podman and docker keep them; None is anonymous.
            timeout: seconds without a byte.
        """
        return cls(connect(url, ca=ca, authfile=authfile, timeout=timeout))

    def close(self) -> None:
        """Let go of the connections."""
        self._distribution.close()

    def push(self, image: BuiltImage, repository: str) -> PushedImage:
        """Store an image and read its digest back; pushing what is there already changes nothing.

        Raises:
            Untrusted: the registry answers with another image ("registry.digest"), or the archive on disk is
                not the image that was built ("image.form").
            TryLater: the registry is out of reach ("registry.unreachable") or full ("registry.full").
            Misuse: it denies us ("registry.denied").
        """
        archive = _archive(image)
        reference = self._store(repository, archive.manifest, archive.blob)
        return PushedImage(name=image.name, reference=reference, digest=image.digest, seal=SEAL)

    def import_base(self, source: BaseSource, repository: str, digest: Digest) -> str:
        """Store a base image from elsewhere, under the same digest, for builds to fetch; gives its reference.

        Raises:
            Untrusted: the source or the registry has other bytes under this digest.
            TryLater: the source does not have it ("inputs.base"), or as `push`.
        """
        raw = source.manifest(repository, digest)
        if raw is None:
            raise _missing(repository, digest)
        if digest_of(raw) != digest:
            raise BadImage("a source has other bytes under this digest", digest=digest, found=digest_of(raw))

        def parts(blob: Descriptor) -> Iterable[bytes]:
            found = source.blob(repository, blob)
            if found is None:
                raise _missing(repository, blob.digest)
            return found

        return self._store(repository, parse_manifest(raw), parts)

    def _store(
        self, repository: str, manifest: ImageManifest, parts: Callable[[Descriptor], Iterable[bytes]]
    ) -> str:
        there = self._distribution
        with self._held():
            if not self._has(repository, manifest):
                for blob in manifest.blobs:
                    if not there.has_blob(repository, blob.digest):
                        there.put_blob(repository, blob, parts(blob))
                there.put_manifest(repository, manifest)
                if there.manifest(repository, manifest.digest) != manifest.raw:
                    raise RegistryLies("other bytes come back", registry=there.host, pushed=manifest.digest)
        return f"{there.host}/{repository}@{manifest.digest}"

    def _has(self, repository: str, manifest: ImageManifest) -> bool:
        there = self._distribution
        return there.manifest(repository, manifest.digest) == manifest.raw and all(
            there.has_blob(repository, blob.digest) for blob in manifest.blobs
        )


def _missing(repository: str, digest: str) -> TryLater:
    return TryLater("the source lacks a base image", code="inputs.base", waits_for=f"{repository}@{digest}")


class RegistryBases:
    """A registry as a `BaseSource` for builds.

    Args:
        distribution: the registry.
        host: the host that FROM lines write for it, such as "docker.io"; "" answers for names without one.
    """

    def __init__(self, distribution: Distribution, host: str = "") -> None:
        self._distribution, self._host = distribution, host

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """The manifest of a base image, unchecked; None if it is not here."""
        name = self._here(repository)
        return self._distribution.manifest(name, digest) if name else None

    def blob(self, repository: str, blob: Descriptor) -> Iterator[bytes] | None:
        """A blob of a base image, unchecked; None if it is not here."""
        name = self._here(repository)
        return self._distribution.blob(name, blob) if name else None

    def _here(self, repository: str) -> str | None:
        first, _, rest = repository.partition("/")
        named = "." in first or ":" in first or first == "localhost"
        if not self._host:
            return None if named else repository
        return rest if first == self._host else None


def connect(
    url: str, *, ca: Path | None = None, authfile: Path | None = None, timeout: float = 60.0
) -> Distribution:
    """A client from plain settings; see `OciRegistry.open`."""
    client = httpx2.Client(verify=trusting(ca), timeout=timeout, trust_env=ca is None)
    made = Distribution(url, client)
    if authfile is None:
        return made
    return Distribution(url, client, Credentials.read(authfile, made.host))


def _archive(image: BuiltImage) -> OciArchive:
    try:
        archive = read_archive(image.archive)
    except OSError as problem:
        raise disk_problem(problem) from problem
    if archive.manifest.digest != image.digest:
        raise RegistryLies(
            "the archive is not the image that was built",
            code="image.form",
            hint="Build it again.",
            built=image.digest,
            found=archive.manifest.digest,
        )
    return archive
