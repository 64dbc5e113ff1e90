"""One open archive with all that somebody has: a human can read it, a program can import it.

`export.udi.zip`: stored members, among them `manifest.json`, which names each other member with its SHA-256, and
`manifest.sig.json`, in which the vault signs that. Records keep their original bytes.
Source: docs/spec/udi-1.md, "Archives"; APPNOTE.TXT 6.3 (ZIP); RFC 8785; RFC 1952 (gzip).
"""

import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO, Final, Self

import msgspec
from isal import igzip

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.merkle import Tree

FORMAT: Final = "udi-export/1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig.json"
TAG: Final = b"udi/1 export\0"
"""Before the manifest, so that its signature is of no use elsewhere."""
MEMBER: Final = 8 << 20
"""Bytes of the records of one member before packing, at most (but for one that is larger by itself)."""
RECORDS: Final = 5_000
"""Records of one member, at most."""
_SAFE: Final = re.compile(r"[^a-z0-9.-]")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""No times in the headers: the same content gives the same bytes."""


class BadArchive(Untrusted):
    """Not an archive that a vault has made, or not any more."""

    code = "archive.form"
    hint = "Export again, or look for another copy of the file."


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One record in an archive.

    Attributes:
        id: 32 hex digits.
        body: the JSON of the record as its bytes were, if they have no line end and no blanks around them;
        text: else the same as one string.
    """

    id: str
    type: str
    rev: int
    created: int
    changed: int
    body: msgspec.Raw = msgspec.Raw()
    text: str = ""

    def line(self) -> bytes:
        """The one spelling of this record as a line."""
        return line(
            id_=self.id,
            type_=self.type,
            rev=self.rev,
            created=self.created,
            changed=self.changed,
            original=self.original,
        )

    @property
    def original(self) -> bytes:
        """The record's own bytes."""
        return self.text.encode() if self.text else bytes(self.body)


def line(*, id_: str, type_: str, rev: int, created: int, changed: int, original: bytes) -> bytes:
    """A record as a line, with its line end."""
    if b"\n" in original or b"\r" in original or original != original.strip():
        made = Line(id_, type_, rev, created, changed, text=original.decode())
    else:
        made = Line(id_, type_, rev, created, changed, msgspec.Raw(original))
    return msgspec.json.encode(made) + b"\n"


def folder(number: int, app: str) -> str:
    """Where an application's part of an archive is: its place among all, and its name as file systems take it."""
    return f"apps/{number}-{_SAFE.sub('_', app)[:40]}"


@dataclass
class ArchiveWriter:
    """Writes members one after the other; `finish` adds the manifest and the signature.

    Attributes:
        file: where the bytes go; need not be seekable.
        sign: an Ed25519 signature of 64 bytes.
        key: of the signature, 32 bytes.
    """

    file: IO[bytes]
    sign: Callable[[bytes], bytes]
    key: bytes
    _members: list[dict[str, object]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(self.file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, also of one that could not be written to its end."""
        with suppress(OSError):
            self._zip.close()

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """One member."""
        size, digest = 0, sha256()
        with self._zip.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
        self._members.append({"name": name, "size": size, "sha256": digest.hexdigest()})

    def add_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """A member of lines, packed."""
        self.add(name, [igzip.compress(b"".join(lines), mtime=0)])

    def finish(self, said: dict[str, object]) -> bytes:
        """The manifest, with these fields beside its own; its Merkle root. Nothing can be added any more."""
        tree = Tree()
        for member in self._members:
            tree.add(canonical.encode(member))
        root = tree.root()
        manifest = canonical.encode({**said, "format": FORMAT, "members": self._members, "root": root.hex()})
        signature = {"key": self.key.hex(), "signature": self.sign(TAG + manifest).hex()}
        for name, data in ((MANIFEST, manifest), (SIGNATURE, canonical.encode(signature))):
            self._zip.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        self._zip.close()
        return root
