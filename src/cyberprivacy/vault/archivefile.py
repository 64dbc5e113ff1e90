"""Reading an archive that somebody hands over: signed, whole, and no larger than it says.

Nothing of it is trusted before the manifest's signature and the checksum of each member were compared; whose key
signed is for the caller to judge. Source: docs/spec/udi-1.md, "Archives".
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cyberprivacy import canonical
from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.merkle import Tree
from cyberprivacy.vault.archive import FORMAT, MANIFEST, MEMBER, SIGNATURE, TAG, BadArchive, Line

MAX_MANIFEST: Final = 64 << 20
MAX_LINE: Final = 1 << 20
MAX_MEMBERS: Final = 1 << 20
_PIECE: Final = 1 << 20
_KEY: Final = re.compile(r"[0-9a-f]{64}\Z")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}\Z")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,5}\Z")


class Archive:
    """An open archive whose manifest is signed.

    Attributes:
        manifest: what it says.
        signer: the Ed25519 key that signed it, 32 bytes.
    """

    def __init__(self, opened: zipfile.ZipFile) -> None:
        """Read the manifest; `open` does it for a file.

        Raises:
            BadArchive: none, or not signed as it should be.
        """
        self._zip, names = opened, opened.namelist()
        if opened.comment:
            raise BadArchive("something follows the archive")
        if len(set(names)) < len(names):  # one member to one reader, and another to the next
            raise BadArchive("a name stands twice in the file", code="archive.member")
        manifest = self._small(MANIFEST)
        self.signer = _signer(canonical.decode(self._small(SIGNATURE), limit=1 << 10), TAG + manifest)
        self.manifest: Mapping[str, Any] = self._manifest(manifest)
        self._members = {str(each["name"]): each for each in self.manifest["members"]}
        named = [*(str(each["name"]) for each in self.manifest["members"]), MANIFEST, SIGNATURE]
        if sorted(names) != sorted(named):
            raise BadArchive("other members than the manifest names", code="archive.member")
        self.apps: Mapping[str, str] = {str(each["app"]): str(each["folder"]) for each in self.manifest["apps"]}

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """An archive in a file.

        Raises:
            Misuse: it cannot be read. BadArchive: it is no archive.
        """
        try:
            with zipfile.ZipFile(path) as opened:
                yield cls(opened)
        except OSError as error:
            raise Misuse("the archive cannot be read", code="archive.file", why=error.strerror) from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            raise BadArchive("the file is damaged", why=str(error)[:100]) from None

    def check(self) -> None:
        """Compare every member with its checksum.

        Raises:
            BadArchive: one is not what the manifest says.
        """
        for name in self._members:
            for _ in self._pieces(name):
                pass

    def lines(self, app: str) -> Iterator[bytes]:
        """The records of an application as they stand there, each with its line end; compared as they are read.

        Raises:
            BadArchive: a member is not what the manifest says, or unpacks to more than any vault makes.
        """
        start = f"{self.apps[app]}/records/"
        for name in self._members:
            if name.startswith(start):
                yield from _unpacked(b"".join(self._pieces(name)))

    def blobs(self, app: str) -> Mapping[str, int]:
        """The blobs of an application: SHA-256 in hex, and bytes."""
        start = f"{self.apps[app]}/blobs/"
        return {
            name[len(start) :]: int(self._members[name]["size"])
            for name in self._members
            if name.startswith(start)
        }

    def blob(self, app: str, digest: str) -> Iterator[bytes]:
        """The content of a blob, compared as it is read; raises as `lines`."""
        return self._pieces(f"{self.apps[app]}/blobs/{digest}")

    def records(self, app: str) -> Iterator[Line]:
        """The records of an application; raises as `lines`."""
        for each in self.lines(app):
            try:
                found = msgspec.json.decode(each, type=Line) if nested_within(each, 64) else None
                if found is not None and found.line() == each:
                    yield found
                    continue
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass
            raise BadArchive("a line is no record")

    def _pieces(self, name: str) -> Iterator[bytes]:
        member = self._members[name]
        digest, left = sha256(), int(member["size"])
        with self._stored(name) as opened:
            while piece := opened.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    break
                digest.update(piece)
                yield piece
        if left or digest.hexdigest() != member["sha256"]:
            raise BadArchive("a member is not what the manifest says", code="archive.member", name=name)

    def _stored(self, name: str) -> Any:
        """A member, which is never packed by the ZIP file itself: so it cannot unpack to more than it is."""
        try:
            found = self._zip.getinfo(name)
        except KeyError:
            raise BadArchive("a member is missing", code="archive.member", name=name) from None
        if found.compress_type != zipfile.ZIP_STORED:
            raise BadArchive("members are stored, not packed", name=name)
        return self._zip.open(found)

    def _small(self, name: str) -> bytes:
        with self._stored(name) as opened:
            data: bytes = opened.read(MAX_MANIFEST + 1)
        if len(data) > MAX_MANIFEST:
            raise BadArchive("the manifest is too large", limit=MAX_MANIFEST)
        return data

    def _manifest(self, data: bytes) -> Mapping[str, Any]:
        said: Any = canonical.decode(data, limit=MAX_MANIFEST)
        match said:
            case {"format": found, "members": list(members), "apps": list(apps), "root": str(root)} if (
                found == FORMAT and len(members) <= MAX_MEMBERS and all(map(_is_member, members))
            ):
                tree = Tree()
                for each in members:
                    tree.add(canonical.encode(each))
                if tree.root().hex() == root and all(map(_is_app, apps)):
                    checked: Mapping[str, Any] = said
                    return checked
        raise BadArchive("not the manifest of an archive")


def _signer(said: object, signed: bytes) -> bytes:
    """Whose signature this is, 32 bytes."""
    match said:
        case {"key": str(key), "signature": str(signature), **other} if (
            not other and _KEY.match(key) and _SIGNATURE.match(signature)
        ):
            signer = bytes.fromhex(key)
        case _:
            raise BadArchive("the signature has another form")
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(bytes.fromhex(signature), signed)
    except (ValueError, InvalidSignature):
        raise BadArchive("the manifest is not signed by its key", code="archive.signature") from None
    return signer


def _is_member(value: object) -> bool:
    match value:
        case {"name": str(name), "size": int(size), "sha256": str(), **other}:
            return not other and size >= 0 and _NAME.match(name) is not None
    return False


def _is_app(value: object) -> bool:
    match value:
        case {"app": str(), "folder": str()}:
            return True
    return False


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The lines of a packed member; it may not unpack to more than a vault puts into one. Source: RFC 1952."""
    unpack = zlib.decompressobj(wbits=31)
    plain = unpack.decompress(data, MEMBER + MAX_LINE)
    if unpack.unconsumed_tail or unpack.unused_data or not unpack.eof:
        raise BadArchive("a member unpacks to more than a vault packs, or is cut")
    *lines, rest = plain.split(b"\n")
    if rest:
        raise BadArchive("the last line has no end")
    for each in lines:
        yield each + b"\n"
