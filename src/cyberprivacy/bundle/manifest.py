"""`cyberprivacy.yaml`: what a bundle says of itself, as a value. Parsed strictly by `parse`."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cyberprivacy import strict_yaml
from cyberprivacy.bundle.administration import administration
from cyberprivacy.bundle.datatype import NAME
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.bundle.fields import MAX_ITEMS, Fields, integer, mapping, text
from cyberprivacy.bundle.limits import DEFAULT
from cyberprivacy.bundle.names import collision_key, safe_name
from cyberprivacy.bundle.refusals import BadBundle, BadManifest
from cyberprivacy.bundle.typefolder import MAX_TYPES
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import DAG_PB, BadCid, Cid
from cyberprivacy.strict_yaml import BadYaml

__all__ = [
    "BadManifest",
    "BaseInput",
    "FileInput",
    "Image",
    "Manifest",
    "Public",
    "WheelsInput",
    "load",
    "parse",
]

FILE: Final = "cyberprivacy.yaml"
FORMAT: Final = 1
MAX_BYTES: Final = 64 << 10
RESERVED: Final = ("parameters", "algorithms", "statistics")
"""Fields that a later format will have."""


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
        admin: what administrators may turn and ask; None = there are none.
        data: names of the types of what it keeps for users; `typefolder` has their schemas.
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
    admin: Administration | None = None
    data: tuple[str, ...] = ()


def load(bundle: VerifiedBundle) -> Manifest:
    """The manifest of a bundle on disk.

    Raises:
        BadManifest: "manifest.missing" if there is none; else as `parse`.
    """
    try:
        with (bundle.tree / FILE).open("rb") as file:
            return parse(file.read(MAX_BYTES + 1))
    except (FileNotFoundError, IsADirectoryError):
        raise BadManifest(f"the bundle has no {FILE}", code="manifest.missing", cid=str(bundle.cid)) from None


def parse(data: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises:
        BadManifest: anything missing, unknown, of the wrong kind, out of range or said twice.
    """
    try:
        document = strict_yaml.load(data, limit=MAX_BYTES)
    except BadYaml as error:
        facts = {name: str(value) for name, value in error.facts.items()}
        raise BadManifest(
            error.what, code="manifest.yaml", hint=error.hint, rule=error.code, where=facts
        ) from None
    top = Fields(document, "", RESERVED)
    if top.take("cyberprivacy", integer(1, _UINT32)) != FORMAT:
        raise BadManifest("a format that this version does not know", code="manifest.format", known=FORMAT)
    inputs = Fields(top.take("inputs", mapping) if top.has("inputs") else {}, "inputs")
    manifest = Manifest(
        name=top.take("name", _label),
        version=top.take("version", text(_VERSION)),
        release=top.take("release", integer(1, _UINT32)),
        parent=top.take("parent", _parent),
        pipeline=top.take("pipeline", integer(1, _UINT32)),
        images=top.take("images", _images),
        bases=inputs.take_list("bases", _base, lambda base: f"{base.repository}@{base.digest}"),
        wheels=inputs.take_list("wheels", _wheels, lambda wheels: wheels.requirements),
        files=inputs.take_list("files", _file, lambda file: collision_key(file.name)),
        public=top.take("public", _public),
        admin=top.take("admin", administration) if top.has("admin") else None,
        data=top.take("data", _data) if top.has("data") else (),
    )
    inputs.close()
    top.close()
    return manifest


_UINT32: Final = (1 << 32) - 1
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}\Z")
_REPOSITORY: Final = re.compile(r"(?=.{1,255}\Z)[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*\Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_URL: Final = re.compile(r"https?://[!-~]{1,2000}\Z")
_ANY: Final = re.compile(r"(?s).{1,1024}\Z")
_MAX_FILE: Final = 4 << 30
_label: Final = text(_LABEL)


def _name(value: object, place: str) -> str:
    name = text(_ANY)(value, place)
    try:
        return safe_name(name.encode(), DEFAULT.name)
    except BadBundle:
        raise BadManifest("not a name that a bundle may hold", field=place, value=name[:200]) from None


def _path(value: object, place: str) -> str:
    """A path in the bundle: names with slashes between them."""
    return "/".join(_name(part, place) for part in text(_ANY)(value, place).split("/"))


def _parent(value: object, place: str) -> Cid | None:
    if value is None:
        return None
    try:
        cid = Cid.parse(text(_ANY)(value, place))
    except BadCid:
        raise BadManifest("not a CID", field=place, value=str(value)[:200]) from None
    if cid.codec != DAG_PB:
        raise BadManifest("not the CID of a directory", field=place, value=str(value))
    return cid


def _images(value: object, place: str) -> tuple[Image, ...]:
    images = mapping(value, place)
    if not 0 < len(images) <= MAX_ITEMS:
        raise BadManifest(f"not 1 to {MAX_ITEMS} images", code="manifest.field", field=place)
    return tuple(_image(name, fields, f"{place}.{name[:63]}") for name, fields in images.items())


def _image(name: str, value: object, place: str) -> Image:
    fields = Fields(value, place)
    image = Image(_label(name, place), fields.take("dockerfile", _path))
    fields.close()
    return image


def _base(value: object, place: str) -> BaseInput:
    fields = Fields(value, place)
    base = BaseInput(fields.take("repository", text(_REPOSITORY)), fields.take("digest", text(_DIGEST)))
    fields.close()
    return base


def _wheels(value: object, place: str) -> WheelsInput:
    fields = Fields(value, place)
    wheels = WheelsInput(fields.take("requirements", _path))
    fields.close()
    return wheels


def _file(value: object, place: str) -> FileInput:
    fields = Fields(value, place)
    file = FileInput(
        name=fields.take("name", _name),
        url=fields.take("url", _url),
        sha256=fields.take("sha256", text(_SHA256)),
        size=fields.take("size", integer(0, _MAX_FILE)),
    )
    fields.close()
    return file


def _data(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TYPES:
        raise BadManifest(f"not a list of 1 to {MAX_TYPES} types", code="manifest.field", field=place)
    names = tuple(text(NAME)(name, f"{place}[{number}]") for number, name in enumerate(value))
    if len(set(names)) < len(names):
        raise BadManifest("the same item twice", code="manifest.repeated", field=place)
    return names


def _url(value: object, place: str) -> str:
    url = text(_URL)(value, place)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadManifest("not a URL", field=place, value=url) from None
    if not parts.hostname or parts.username is not None or parts.fragment or "#" in url or port == 0:
        raise BadManifest("a URL with a user or a fragment, or without a host", field=place, value=url)
    return url


def _public(value: object, place: str) -> Public:
    fields = Fields(value, place)
    public = Public(fields.take("service", _label), fields.take("port", integer(1, 65535)))
    fields.close()
    return public
