"""`cyberprivacy.yaml`: what a bundle says of itself, as a value. Parsed strictly by `parse`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from cyberprivacy import strict_yaml
from cyberprivacy.bundle.limits import DEFAULT
from cyberprivacy.bundle.names import collision_key, safe_name
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import DAG_PB, BadCid, Cid
from cyberprivacy.errors import Untrusted
from cyberprivacy.strict_yaml import BadYaml

FILE: Final = "cyberprivacy.yaml"
FORMAT: Final = 1
MAX_BYTES: Final = 64 << 10
MAX_ITEMS: Final = 100
"""Images, bases, wheels or files in one manifest, each."""

RESERVED: Final = ("parameters", "algorithms", "statistics", "data")
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


class BadManifest(Untrusted):
    """A `cyberprivacy.yaml` that is missing or not what this format allows.

    Codes: manifest.missing, manifest.yaml (fact `rule` has the code of `BadYaml`), manifest.format,
    manifest.unknown, manifest.reserved, manifest.field (missing or of the wrong kind), manifest.value,
    manifest.repeated. Fact `field` names the place.
    """

    code = "manifest.value"
    hint = "See docs/reference for the fields of cyberprivacy.yaml."


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
    top = _Fields(document, "")
    if top.take("cyberprivacy", _integer(1, _UINT32)) != FORMAT:
        raise BadManifest("a format that this version does not know", code="manifest.format", known=FORMAT)
    inputs = _Fields(top.take("inputs", _mapping) if top.has("inputs") else {}, "inputs")
    manifest = Manifest(
        name=top.take("name", _label),
        version=top.take("version", _text(_VERSION)),
        release=top.take("release", _integer(1, _UINT32)),
        parent=top.take("parent", _parent),
        pipeline=top.take("pipeline", _integer(1, _UINT32)),
        images=top.take("images", _images),
        bases=inputs.take_list("bases", _base, lambda base: f"{base.repository}@{base.digest}"),
        wheels=inputs.take_list("wheels", _wheels, lambda wheels: wheels.requirements),
        files=inputs.take_list("files", _file, lambda file: collision_key(file.name)),
        public=top.take("public", _public),
    )
    inputs.close()
    top.close()
    return manifest


T = TypeVar("T")
_Reader = Callable[[object, str], T]
"""Takes a value and the name of its place; gives what it means."""

_UINT32: Final = (1 << 32) - 1
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}\Z")
_REPOSITORY: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*\Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_URL: Final = re.compile(r"https?://[!-~]{1,2000}\Z")
_MAX_FILE: Final = 4 << 30


class _Fields:
    """The fields of one mapping; each is taken once, and what nobody took is refused."""

    def __init__(self, value: object, place: str) -> None:
        self._left = dict(_mapping(value, place))
        self._place = place

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, read: _Reader[T]) -> T:
        place = f"{self._place}.{name}" if self._place else name
        if name not in self._left:
            raise BadManifest("a field is missing", code="manifest.field", field=place)
        return read(self._left.pop(name), place)

    def take_list(self, name: str, read: _Reader[T], key: Callable[[T], str]) -> tuple[T, ...]:
        """An optional list whose items differ in `key`."""
        if name not in self._left:
            return ()
        place = f"{self._place}.{name}"
        value = self._left.pop(name)
        if not isinstance(value, list) or not 0 < len(value) <= MAX_ITEMS:
            raise BadManifest(f"not a list of 1 to {MAX_ITEMS} items", code="manifest.field", field=place)
        items = tuple(read(item, f"{place}[{index}]") for index, item in enumerate(value))
        if len({key(item) for item in items}) < len(items):
            raise BadManifest("the same item twice", code="manifest.repeated", field=place)
        return items

    def close(self) -> None:
        for name in self._left:
            place = f"{self._place}.{name}" if self._place else name
            if not self._place and name in RESERVED:
                raise BadManifest("not yet supported", code="manifest.reserved", field=place)
            raise BadManifest("an unknown field", code="manifest.unknown", field=place[:200])


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadManifest("not a mapping", code="manifest.field", field=place)
    return value


def _text(form: re.Pattern[str]) -> _Reader[str]:
    def read(value: object, place: str) -> str:
        if not isinstance(value, str):
            raise BadManifest("not text: put quotes around it", code="manifest.field", field=place)
        if not form.match(value):
            raise BadManifest("text of another form", field=place, value=value[:200])
        return value

    return read


def _integer(least: int, most: int) -> _Reader[int]:
    def read(value: object, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadManifest("not a whole number", code="manifest.field", field=place)
        if not least <= value <= most:
            raise BadManifest("out of range", field=place, value=value, least=least, most=most)
        return value

    return read


_label: Final = _text(_LABEL)


def _name(value: object, place: str) -> str:
    text = _text(re.compile(r"(?s).{1,255}\Z"))(value, place)
    try:
        return safe_name(text.encode(), DEFAULT.name)
    except BadBundle:
        raise BadManifest("not a name that a bundle may hold", field=place, value=text) from None


def _path(value: object, place: str) -> str:
    """A path in the bundle: names with slashes between them."""
    text = _text(re.compile(r"(?s).{1,1024}\Z"))(value, place)
    return "/".join(_name(part, place) for part in text.split("/"))


def _parent(value: object, place: str) -> Cid | None:
    if value is None:
        return None
    try:
        cid = Cid.parse(_text(re.compile(r"[a-z0-9]{1,100}\Z"))(value, place))
    except BadCid:
        raise BadManifest("not a CID", field=place, value=str(value)[:200]) from None
    if cid.codec != DAG_PB:
        raise BadManifest("not the CID of a directory", field=place, value=str(value))
    return cid


def _images(value: object, place: str) -> tuple[Image, ...]:
    images = _mapping(value, place)
    if not 0 < len(images) <= MAX_ITEMS:
        raise BadManifest(f"not 1 to {MAX_ITEMS} images", code="manifest.field", field=place)
    return tuple(_image(name, fields, f"{place}.{name[:63]}") for name, fields in images.items())


def _image(name: str, value: object, place: str) -> Image:
    fields = _Fields(value, place)
    image = Image(_label(name, place), fields.take("dockerfile", _path))
    fields.close()
    return image


def _base(value: object, place: str) -> BaseInput:
    fields = _Fields(value, place)
    base = BaseInput(fields.take("repository", _text(_REPOSITORY)), fields.take("digest", _text(_DIGEST)))
    fields.close()
    return base


def _wheels(value: object, place: str) -> WheelsInput:
    fields = _Fields(value, place)
    wheels = WheelsInput(fields.take("requirements", _path))
    fields.close()
    return wheels


def _file(value: object, place: str) -> FileInput:
    fields = _Fields(value, place)
    file = FileInput(
        name=fields.take("name", _name),
        url=fields.take("url", _url),
        sha256=fields.take("sha256", _text(_SHA256)),
        size=fields.take("size", _integer(0, _MAX_FILE)),
    )
    fields.close()
    return file


def _url(value: object, place: str) -> str:
    text = _text(_URL)(value, place)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadManifest("not a URL", field=place, value=text) from None
    if not parts.hostname or parts.username is not None or parts.fragment or "#" in text or port == 0:
        raise BadManifest("a URL with a user or a fragment, or without a host", field=place, value=text)
    return text


def _public(value: object, place: str) -> Public:
    fields = _Fields(value, place)
    public = Public(fields.take("service", _label), fields.take("port", _integer(1, 65535)))
    fields.close()
    return public
