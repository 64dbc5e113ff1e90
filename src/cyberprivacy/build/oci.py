"""OCI images as bytes: manifests, layouts on disk, and archives; read strictly, written in one way.

Source: github.com/opencontainers/image-spec v1.1, manifest.md, image-layout.md, descriptor.md.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from cyberprivacy.build.image import Digest
from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Untrusted

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFESTS: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})
LAYERS: Final = frozenset({OCI_LAYER, f"{OCI_LAYER}+gzip", f"{OCI_LAYER}+zstd", DOCKER_LAYER})
REF_NAME: Final = "org.opencontainers.image.ref.name"

MAX_MANIFEST: Final = 4 << 20  # bytes; what registries accept too
MAX_LAYERS: Final = 128
MAX_DEPTH: Final = 16  # arrays and objects within one another
CHUNK: Final = 1 << 20

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")


class BadImage(Untrusted):
    """Bytes are not the OCI image that they should be."""

    code = "image.form"
    hint = "Build or fetch it again; if it stays so, its source is broken or lying."


def parse_digest(text: object) -> Digest:
    """The one digest spelling that we accept: "sha256:" and 64 lower-case hex digits.

    Raises:
        BadImage: anything else.
    """
    if not isinstance(text, str) or not _DIGEST.match(text):
        raise BadImage("not a sha256 digest", text=str(text)[:80])
    return Digest(text)


def digest_of(data: bytes) -> Digest:
    """The OCI digest of bytes."""
    return Digest(f"sha256:{sha256(data).hexdigest()}")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob by digest; `size` in bytes."""

    media_type: str
    digest: Digest
    size: int

    def json(self) -> dict[str, object]:
        """As it stands in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """A manifest of one image for one platform.

    Attributes:
        raw: its exact bytes; their SHA-256 is the digest of the image.
        media_type: OCI or Docker schema 2; both name the same things.
        config: the configuration blob.
        layers: lowest first.
    """

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @property
    def digest(self) -> Digest:
        """The digest of the image."""
        return digest_of(self.raw)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Every blob once, the configuration first."""
        return tuple({blob.digest: blob for blob in (self.config, *self.layers)}.values())


def parse_manifest(raw: bytes) -> ImageManifest:
    """Read a manifest.

    Raises:
        BadImage: too large, no JSON, an index of several platforms, or blobs of kinds that we do not run.
    """
    if len(raw) > MAX_MANIFEST:
        raise BadImage("manifest is too large", size=len(raw), limit=MAX_MANIFEST)
    fields = _object(raw)
    if "manifests" in fields:
        raise BadImage(
            "an index of several platforms, not an image",
            hint="Use the digest of the image for your platform; `skopeo inspect --raw` lists them.",
        )
    config = _descriptor(fields.get("config"), CONFIGS)
    media_type = fields.get("mediaType", OCI_MANIFEST if config.media_type == OCI_CONFIG else DOCKER_MANIFEST)
    layers = fields.get("layers")
    if fields.get("schemaVersion") != 2 or media_type not in MANIFESTS:
        raise BadImage("not an image manifest", media_type=str(media_type)[:80])
    if not isinstance(layers, list) or not 1 <= len(layers) <= MAX_LAYERS:
        raise BadImage("no layers, or too many", limit=MAX_LAYERS)
    return ImageManifest(raw, str(media_type), config, tuple(_descriptor(one, LAYERS) for one in layers))


def _object(raw: bytes) -> dict[str, object]:
    try:
        fields = json.loads(raw) if nested_within(raw, MAX_DEPTH) else None
    except ValueError:
        raise BadImage("not JSON") from None
    if not isinstance(fields, dict):
        raise BadImage("not a JSON object")
    return fields


def _descriptor(value: object, kinds: frozenset[str]) -> Descriptor:
    if not isinstance(value, dict):
        raise BadImage("a descriptor is missing")
    kind, size = value.get("mediaType"), value.get("size")
    if kind not in kinds:
        raise BadImage("a blob of a kind that we do not take", media_type=str(kind)[:80])
    if type(size) is not int or size < 0:
        raise BadImage("a descriptor without a size", digest=str(value.get("digest"))[:80])
    return Descriptor(str(kind), parse_digest(value.get("digest")), size)


def parse_index(raw: bytes) -> tuple[tuple[Descriptor, Mapping[str, str]], ...]:
    """The manifests that an index.json names, with their annotations.

    Raises:
        BadImage: too large, no JSON, or not an index.
    """
    if len(raw) > MAX_MANIFEST:
        raise BadImage("index is too large", size=len(raw), limit=MAX_MANIFEST)
    entries = _object(raw).get("manifests")
    if not isinstance(entries, list):
        raise BadImage("not an index")
    found = []
    for entry in entries:
        descriptor = _descriptor(entry, MANIFESTS)
        notes = entry.get("annotations") or {}
        if not isinstance(notes, dict):
            raise BadImage("annotations are no object")
        found.append((descriptor, {str(key): str(value) for key, value in notes.items()}))
    return tuple(found)


def chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes of a file from where it stands.

    Raises:
        BadImage: it ends before.
    """
    while size:
        part = file.read(min(CHUNK, size))
        if not part:
            raise BadImage("the file ends within a blob", missing=size)
        size -= len(part)
        yield part


class Layout:
    """An OCI image layout: a folder of blobs by digest, with names in index.json.

    Written so that a crash leaves either the old or the new index; blobs without a name do no harm.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: Digest) -> Path:
        """Where a blob is, or would be."""
        return self.folder / "blobs" / "sha256" / parse_digest(digest).removeprefix("sha256:")

    def names(self) -> dict[str, Digest]:
        """Repository name -> digest of its image.

        Raises:
            BadImage: index.json is not one.
        """
        try:
            raw = (self.folder / "index.json").read_bytes()
        except FileNotFoundError:
            return {}
        return {notes[REF_NAME]: one.digest for one, notes in parse_index(raw) if REF_NAME in notes}

    def whole(self, manifest: Digest) -> bool:
        """Whether an image and all its blobs are here, byte for byte."""
        try:
            raw = self.path(manifest).read_bytes()
            blobs = parse_manifest(raw).blobs if digest_of(raw) == manifest else ()
            return bool(blobs) and all(
                digest_of(self.path(one.digest).read_bytes()) == one.digest for one in blobs
            )
        except (OSError, BadImage):
            return False

    def write(self, data: bytes) -> Digest:
        """Store a blob; the same again changes nothing."""
        digest = digest_of(data)
        path = self.path(digest)
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, data)
        return digest

    def name(self, repository: str, manifest: Digest) -> None:
        """Give a stored manifest a name, taking it from whatever had it before."""
        names = {**self.names(), repository: manifest}
        entries = []
        for known, digest in sorted(names.items()):
            raw = self.path(digest).read_bytes()
            one = Descriptor(parse_manifest(raw).media_type, digest, len(raw))
            entries.append({**one.json(), "annotations": {REF_NAME: known}})
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        replace(self.folder / "index.json", spell(index))
        replace(self.folder / "oci-layout", spell({"imageLayoutVersion": "1.0.0"}))


def spell(value: object) -> bytes:
    """The one spelling in which we write OCI documents: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with this mode whatever the umask."""
    for left in path.parent.glob(f".{path.name}.*.*"):
        if not Path("/proc", left.name.split(".")[-2]).exists():  # its maker was killed in the middle
            left.unlink(missing_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
