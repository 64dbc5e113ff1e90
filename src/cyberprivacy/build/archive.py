"""OCI archives as a builder leaves them: a tar of an image layout, read within bounds and checked whole.

The builder ran code that we do not trust, so nothing in the archive is believed: every blob is hashed, and
only what the one manifest names may be there. Source: POSIX.1-2017 pax, "ustar Interchange Format".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import (
    MAX_MANIFEST,
    BadImage,
    Descriptor,
    ImageManifest,
    chunks,
    parse_index,
    parse_manifest,
)

BLOCK: Final = 512
MAX_MEMBERS: Final = 1024
MAX_ARCHIVE: Final = 16 << 30
_BLOBS: Final = "blobs/sha256/"
_FOLDERS: Final = frozenset({"blobs", "blobs/sha256"})


@dataclass(frozen=True, slots=True)
class OciArchive:
    """An archive whose every blob has the digest that its manifest gives it.

    Attributes:
        path: the tar.
        manifest: of the one image in it.
        places: digest -> (offset, size) of each blob in the tar, bytes.
    """

    path: Path
    manifest: ImageManifest
    places: Mapping[Digest, tuple[int, int]]

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a blob, in parts."""
        offset, size = self.places[descriptor.digest]
        with self.path.open("rb") as file:
            file.seek(offset)
            yield from chunks(file, size)


def read_archive(path: Path) -> OciArchive:
    """Read an OCI archive and check every byte of it.

    Raises:
        BadImage: not a plain tar of one image, or a blob is not what its digest says.
    """
    with path.open("rb") as file:
        members = dict(_members(file))
        manifest = parse_manifest(_only_manifest(file, members))
        places = {}
        for blob in manifest.blobs:
            places[blob.digest] = _find(members, blob)
            _check(file, blob, places[blob.digest])
    named = {blob.digest for blob in manifest.blobs} | {manifest.digest}
    extra = {f"{_BLOBS}{digest.removeprefix('sha256:')}" for digest in named} ^ {
        name for name in members if name.startswith(_BLOBS)
    }
    if extra:
        raise BadImage("the archive holds blobs that its manifest does not name", blobs=sorted(extra)[:4])
    return OciArchive(path, manifest, places)


def _only_manifest(file: BinaryIO, members: Mapping[str, tuple[int, int]]) -> bytes:
    entries = parse_index(_small(file, members, "index.json"))
    if len(entries) != 1:
        raise BadImage("the archive holds several images, or none", images=len(entries))
    descriptor = entries[0][0]
    raw = _small(file, members, f"{_BLOBS}{descriptor.digest.removeprefix('sha256:')}")
    if len(raw) != descriptor.size or f"sha256:{sha256(raw).hexdigest()}" != descriptor.digest:
        raise BadImage("the manifest is not what the index says", digest=descriptor.digest)
    return raw


def _small(file: BinaryIO, members: Mapping[str, tuple[int, int]], name: str) -> bytes:
    if name not in members:
        raise BadImage("the archive lacks a file", name=name)
    offset, size = members[name]
    if size > MAX_MANIFEST:
        raise BadImage("a document in the archive is too large", name=name, size=size)
    file.seek(offset)
    return b"".join(chunks(file, size))


def _find(members: Mapping[str, tuple[int, int]], blob: Descriptor) -> tuple[int, int]:
    place = members.get(f"{_BLOBS}{blob.digest.removeprefix('sha256:')}")
    if place is None or place[1] != blob.size:
        raise BadImage("a blob is missing, or of another size", digest=blob.digest)
    return place


def _check(file: BinaryIO, blob: Descriptor, place: tuple[int, int]) -> None:
    file.seek(place[0])
    seen = sha256()
    for part in chunks(file, place[1]):
        seen.update(part)
    if f"sha256:{seen.hexdigest()}" != blob.digest:
        raise BadImage("a blob is not what its digest says", digest=blob.digest)


def _members(file: BinaryIO) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name -> (offset, size) of every file; directories are only checked. No extension is understood."""
    size = file.seek(0, 2)
    if size > MAX_ARCHIVE:
        raise BadImage("the archive is too large", size=size, limit=MAX_ARCHIVE)
    at, seen = 0, set[str]()
    while True:
        file.seek(at)
        head = file.read(BLOCK)
        if len(head) != BLOCK:
            raise BadImage("the archive ends without its mark", at=at)
        if head == bytes(BLOCK):
            return
        name, kind, length = _header(head, at)
        at += BLOCK
        if name in seen or len(seen) >= MAX_MEMBERS:
            raise BadImage("a name stands twice in the archive, or too many do", name=name)
        seen.add(name)
        if kind == b"5":
            if name not in _FOLDERS or length:
                raise BadImage("a directory that no image layout has", name=name)
            continue
        if at + length > size:
            raise BadImage("the archive ends within a file", name=name)
        yield name, (at, length)
        at += -(-length // BLOCK) * BLOCK


def _header(head: bytes, at: int) -> tuple[str, bytes, int]:
    unsigned = sum(head[:148]) + 8 * ord(" ") + sum(head[156:])
    kind = head[156:157]
    try:
        name = head[:100].rstrip(b"\0").decode("ascii").rstrip("/")
        length, check = (int(head[a:b].rstrip(b" \0") or b"0", 8) for a, b in ((124, 136), (148, 156)))
    except ValueError:
        raise BadImage("not a tar header", at=at) from None
    if check != unsigned or length < 0:
        raise BadImage("a tar header is damaged", at=at)
    if kind not in {b"0", b"\0", b"5"} or head[345:500].strip(b"\0"):
        raise BadImage("an entry that no image layout has", name=name, kind=kind.decode("latin-1"))
    if kind != b"5" and name not in {"index.json", "oci-layout"} and not name.startswith(_BLOBS):
        raise BadImage("a file that no image layout has", name=name)
    return name, kind, length
