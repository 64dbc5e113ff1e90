"""Any OCI registry as a place for built images, and as a source of base images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx2

from cyberprivacy.build.archive import OciArchive, read_archive
from cyberprivacy.build.image import BuiltImage, Digest
from cyberprivacy.build.oci import Descriptor
from cyberprivacy.build.scratch import disk_problem
from cyberprivacy.registry.distribution import Credentials, Distribution, RegistryLies, trusting
from cyberprivacy.registry.pushed import SEAL, PushedImage


class OciRegistry:
    """A `Registry` that speaks the OCI distribution API.

    Args:
        distribution: the client; `open` makes one from plain settings.
    """

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution

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
        there = self._distribution
        if there.manifest(repository, image.digest) != archive.manifest.raw or not self._has_all(
            archive, repository
        ):
            for blob in archive.manifest.blobs:
                if not there.has_blob(repository, blob.digest):
                    there.put_blob(repository, blob, archive.blob(blob))
            there.put_manifest(repository, archive.manifest)
            if there.manifest(repository, image.digest) != archive.manifest.raw:
                raise RegistryLies("other bytes come back", registry=there.host, pushed=image.digest)
        return PushedImage(
            name=image.name,
            reference=f"{there.host}/{repository}@{image.digest}",
            digest=image.digest,
            seal=SEAL,
        )

    def _has_all(self, archive: OciArchive, repository: str) -> bool:
        return all(self._distribution.has_blob(repository, blob.digest) for blob in archive.manifest.blobs)


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
