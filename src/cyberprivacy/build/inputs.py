"""What a build may see beyond its bundle: fetched by the node, checked by hash, offered read-only.

Nothing here is executed and no source is believed. Everything is kept in one content-addressed cache, and
hashed again each time it is used.
"""

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import Descriptor, Layout, chunks, parse_digest, parse_manifest
from cyberprivacy.build.scratch import disk_problem, on_disk, scratch
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import AT_ONCE, Wheel, WheelIndex
from cyberprivacy.bundle.manifest import FileInput
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.review.linted import LintedBundle, Recipe

MAX_BLOB: Final = 4 << 30
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


class BadInput(Untrusted):
    """A declared input is not what the bundle declares."""

    code = "inputs.hash"
    hint = "The hash in the bundle decides: publish a new release if the input was meant to change."


class BaseSource(Protocol):
    """Anything that may have a base image. It answers bytes or None, and is never believed."""

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """The manifest of an image, None if it is not here."""
        ...

    def blob(self, repository: str, blob: Descriptor) -> Iterable[bytes] | None:
        """A blob of an image in parts, None if it is not here."""
        ...


class LayoutBases:
    """Base images in an OCI image layout on this machine, such as `cyberprivacy base build` makes."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)

    def manifest(self, repository: str, digest: Digest) -> bytes | None:  # noqa: ARG002 - of the port
        """The manifest; a layout knows images by digest, so the name plays no part."""
        path = self._layout.path(digest)
        return path.read_bytes() if path.exists() else None

    def blob(self, repository: str, blob: Descriptor) -> Iterator[bytes] | None:  # noqa: ARG002 - of the port
        """The blob in parts."""
        path = self._layout.path(blob.digest)
        return _parts(path, blob.size) if path.exists() else None


def _parts(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from chunks(file, size)


class Cache:
    """Bytes by SHA-256 on disk: files called by their hash, read-only, with one fixed time.

    The time of access says when a file was last used; whether builds see it is up to the kernel in any case.
    """

    def __init__(self, folder: Path, epoch: int) -> None:
        self._folder, self._epoch = folder, epoch

    def find(self, digest: str) -> Path | None:
        """The file with this hash (64 hex digits), hashed again; a damaged one is removed."""
        path = self._folder / digest
        try:
            with path.open("rb") as file:
                seen = sha256()
                while part := file.read(1 << 20):
                    seen.update(part)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise disk_problem(problem) from problem
        if seen.hexdigest() == digest:
            with on_disk():
                os.utime(path, (time.time(), self._epoch))
            return path
        path.unlink(missing_ok=True)
        return None

    def trim(self, size: int, *, unused_since: float) -> int:
        """Remove what was longest not used until `size` bytes are left, or only what was used since a time.

        Args:
            size: bytes.
            unused_since: seconds since 1970.

        Returns:
            Bytes of what was removed.

        Raises:
            TryLater: the disk failed.
        """
        freed = 0
        with on_disk():
            found = [(path, path.stat()) for path in self._folder.glob("*") if _HASH.match(path.name)]
            spare = sum(seen.st_size for _, seen in found) - size
            for path, seen in sorted(found, key=lambda one: one[1].st_atime):
                if freed < spare and seen.st_atime < unused_since:
                    path.unlink()
                    freed += seen.st_size
        return freed

    def store(self, digest: str, parts: Iterable[bytes], *, limit: int, what: str) -> Path:
        """Keep bytes if they have this hash.

        Raises:
            BadInput: another hash ("inputs.hash"), or more than `limit` bytes ("inputs.size").
            TryLater: the disk is full or failed.
        """
        path = self._folder / digest
        try:
            with scratch(self._folder) as place, (draft := place / digest).open("xb") as file:
                seen, size = sha256(), 0
                for part in parts:
                    if (size := size + len(part)) > limit:
                        raise BadInput("an input is too large", code="inputs.size", input=what, limit=limit)
                    seen.update(part)
                    file.write(part)
                if seen.hexdigest() != digest:
                    found = seen.hexdigest()
                    raise BadInput("an input is not the declared one", input=what, declared=digest, found=found)
                file.flush()
                os.fsync(file.fileno())
                draft.chmod(0o444)
                os.utime(draft, (time.time(), self._epoch))
                draft.replace(path)
        except OSError as problem:
            raise disk_problem(problem) from problem
        return path


@dataclass(frozen=True, slots=True)
class Staged:
    """Inputs on disk, ready to be seen by a build.

    Attributes:
        folder: what the build sees as /inputs.
        bases: (repository, digest) -> image layout that holds just this base.
    """

    folder: Path
    bases: Mapping[tuple[str, str], Path]


class Inputs:
    """Fetches what bundles declare.

    Args:
        cache: folder of the cache; on the file system of the builder's folder (inputs are hard links).
        bases: asked in this order for base images.
        index: Python package index.
        web: for files by URL.
        epoch: time that every input carries, seconds since 1970.
    """

    def __init__(
        self, cache: Path, *, bases: Sequence[BaseSource], index: WheelIndex, web: Web, epoch: int
    ) -> None:
        self._cache, self._epoch = Cache(cache, epoch), epoch
        self._bases, self._index, self._web = tuple(bases), index, web

    def stage(self, linted: LintedBundle, into: Path) -> Staged:
        """Bring every declared input of a bundle below `into`, checked.

        Raises:
            Untrusted: an input is not the declared one, or cannot be one.
            TryLater: a source is out of reach, nobody has it, or the disk is full.
        """
        folder = into / "inputs"
        (folder / "wheels").mkdir(parents=True)
        (folder / "files").mkdir()
        for declared in linted.manifest.wheels:
            requirements = (linted.bundle.tree / declared.requirements).read_bytes()
            wheels = self._index.resolve(requirements, declared.requirements)
            with ThreadPoolExecutor(AT_ONCE) as several:
                for wheel, path in zip(wheels, several.map(self._wheel, wheels), strict=True):
                    _place(path, folder / "wheels" / wheel.filename)
        for file in linted.manifest.files:
            _place(self._file(file), folder / "files" / file.name)
        for made in (folder / "wheels", folder / "files", folder):
            made.chmod(0o755)
            os.utime(made, (self._epoch, self._epoch))
        return Staged(folder, self._stage_bases(linted.recipes.values(), into / "bases"))

    def trim(self, size: int, *, unused_since: float) -> int:
        """Make room in the cache; as `Cache.trim`. What a build under way has staged stays with it."""
        return self._cache.trim(size, unused_since=unused_since)

    def _wheel(self, wheel: Wheel) -> Path:
        return self._cache.find(wheel.sha256) or self._cache.store(
            wheel.sha256, self._index.download(wheel), limit=wheel.limit, what=wheel.filename
        )

    def _file(self, file: FileInput) -> Path:
        return self._cache.find(file.sha256) or self._cache.store(
            file.sha256, self._web.download(file.url, limit=file.size), limit=file.size, what=file.name
        )

    def _stage_bases(self, recipes: Iterable[Recipe], into: Path) -> dict[tuple[str, str], Path]:
        wanted = dict.fromkeys(base for recipe in recipes for base in recipe.bases)
        return {base: self._base(*base, into / str(number)) for number, base in enumerate(wanted)}

    def _base(self, repository: str, text: str, into: Path) -> Path:
        digest = parse_digest(text)
        layout = Layout(into)
        layout.path(digest).parent.mkdir(parents=True)
        path = self._hashed(digest) or self._store_manifest(repository, digest)
        _place(path, layout.path(digest))
        for blob in parse_manifest(path.read_bytes()).blobs:
            found = self._hashed(blob.digest) or self._store_blob(repository, blob)
            _place(found, layout.path(blob.digest))
        layout.name(repository, digest)
        for made in (into, into / "blobs", into / "blobs" / "sha256"):
            made.chmod(0o755)
        return into

    def _hashed(self, digest: Digest) -> Path | None:
        return self._cache.find(digest.removeprefix("sha256:"))

    def _store_manifest(self, repository: str, digest: Digest) -> Path:
        for source in self._bases:
            if raw := source.manifest(repository, digest):
                name = f"{repository}@{digest}"
                return self._cache.store(digest.removeprefix("sha256:"), [raw], limit=len(raw), what=name)
        raise self._missing(repository, digest)

    def _store_blob(self, repository: str, blob: Descriptor) -> Path:
        for source in self._bases:
            parts = source.blob(repository, blob)
            if parts is not None:
                hexed = blob.digest.removeprefix("sha256:")
                return self._cache.store(hexed, parts, limit=min(blob.size, MAX_BLOB), what=repository)
        raise self._missing(repository, blob.digest)

    def _missing(self, repository: str, digest: str) -> TryLater:
        return TryLater(
            "no source has a base image",
            code="inputs.base",
            hint="Build it with `cyberprivacy base build`, or name a registry that has it.",
            waits_for=f"{repository}@{digest}",
            sources=len(self._bases),
        )


def _place(path: Path, at: Path) -> None:
    """Put a cached file somewhere, without a second copy where the file system can."""
    try:
        if not at.exists():
            at.hardlink_to(path)
    except OSError:
        try:
            shutil.copy2(path, at)
        except OSError as problem:
            raise disk_problem(problem) from problem
