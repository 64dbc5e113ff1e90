"""A declared data type: its name, what people call it, and a JSON Schema that anybody can judge by.

The schema is JSON Schema 2020-12, less what would make it unbounded or unjudgeable: no references but to its own
`$defs`, no combining keywords, no keyword that is not listed here. So consent texts can name every field, and
`grows` can tell whether another schema of the same version only adds.

Source: docs/spec/udi-1.md, "Data types".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy import canonical, strict_json
from cyberprivacy.canonical import NotCanonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.strict_json import BadJson

MAX_BYTES: Final = 64 << 10
MAX_NODES: Final = 1_000
"""Schemas within a schema."""
NAME: Final = re.compile(r"(?=.{5,128}\Z)[a-z][a-z0-9-]{0,62}(?:\.[a-z][a-z0-9-]{0,62}){1,7}\.v[1-9][0-9]{0,3}\Z")
"""Reverse domain name, then the version: "org.example.shop.order.v1"."""
ENCRYPTED: Final = "he-sum"
"""Of a field in which a number stands encrypted, so that its vault adds it up and cannot read it."""
MOST_ENCRYPTED: Final = 17_179_848_704
"""How large, of either sign, such a number may be: what one sum can hold."""
SENSITIVITIES: Final = ("normal", "sensitive", ENCRYPTED)
ORIGINS: Final = ("provided", "observed", "inferred")
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}\Z")
_LABEL: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}\Z")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_REF: Final = re.compile(r"#/\$defs/([A-Za-z_][A-Za-z0-9_-]{0,63})\Z")
_FORMATS: Final = ("date", "date-time", "time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname")
_PATTERN: Final = re.compile(r"[ -~]{1,200}\Z")
_TOP: Final = re.compile(r"/properties/[^/]+\Z")


class BadType(Untrusted):
    """Not a data type that a vault can keep."""

    code = "type.form"
    hint = "See docs/spec/udi-1.md, Data types: the keywords that a schema may have."


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type as it was declared.

    Attributes:
        name: with its version.
        schema: JSON Schema; `document` is its only spelling.
        document: canonical JSON of the schema.
    """

    name: str
    schema: Mapping[str, object]
    document: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the document: what consents name."""
        return sha256(self.document).digest()

    @property
    def titles(self) -> Mapping[str, str]:
        """What people call it, by language; English always."""
        return titles(self.schema)

    def fields(self) -> Mapping[str, Mapping[str, object]]:
        """The schemas of its top-level fields, references followed."""
        return {name: resolved(self.schema, field) for name, field in inside(self.schema, "properties").items()}

    def encrypted(self) -> Mapping[str, tuple[int, int]]:
        """The fields in which numbers stand encrypted, each with the least and the largest that it may hold."""
        marked = ((name, field) for name, field in self.fields().items() if _is_encrypted(field))
        return {name: (_number(field, "minimum"), _number(field, "maximum")) for name, field in marked}


def parse(name: str, data: bytes) -> DataType:
    """A declaration in JSON of any spelling.

    Raises:
        BadType: not a name ("type.name"), too large ("type.size"), not JSON, or not such a schema ("type.form").
    """
    if not NAME.match(name):
        raise BadType("not a name of a data type", code="type.name", name=name[:140])
    if len(data) > MAX_BYTES:
        raise BadType("the schema is too large", code="type.size", size=len(data), limit=MAX_BYTES)
    try:
        value = strict_json.read(data, limit=MAX_BYTES)
        document = canonical.encode(value)
    except (BadJson, NotCanonical) as error:
        raise BadType(error.what, reason=error.code) from None
    if not isinstance(value, dict) or value.get("type") != "object" or "properties" not in value:
        raise BadType("not the schema of an object with properties")
    _Check(value).schema(value, "")
    return DataType(name, value, document)


def titles(schema: Mapping[str, object]) -> Mapping[str, str]:
    """What people call a thing, by language, English at least; {} where nobody said."""
    others = schema.get("titles", {})
    if "title" not in schema or not isinstance(others, dict):
        return {}
    return {"en": str(schema["title"]), **others}


def resolved(root: Mapping[str, object], schema: object) -> Mapping[str, object]:
    """A schema of a type that was parsed, its reference followed; what stands beside the reference wins."""
    found = schema if isinstance(schema, dict) else {}
    if "$ref" not in found:
        return found
    target = inside(inside(root, "$defs"), str(found["$ref"]).removeprefix("#/$defs/"))
    return {**target, **{name: value for name, value in found.items() if name != "$ref"}}


def inside(schema: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object within an object; {} where there is none."""
    found = schema.get(name)
    return found if isinstance(found, dict) else {}


class _Check:
    """Walks a schema once; every keyword has its reader, and one without is refused."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._nodes = 0
        self._defined = inside(root, "$defs").keys()

    def schema(self, value: object, place: str) -> None:
        """Check one schema and all within it.

        Raises:
            BadType: as `parse`.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise BadType("too many schemas within the schema", code="type.size", limit=MAX_NODES)
        if not isinstance(value, dict):
            raise BadType("not a schema", place=place)
        for keyword, said in value.items():
            self._keyword(keyword, said, place)
        if _is_encrypted(value) and not (_TOP.match(place) and _holds_a_number(value)):
            raise BadType(
                "an encrypted number is a field of the record itself: a string with minimum and maximum",
                place=place,
                most=MOST_ENCRYPTED,
            )
        required = value.get("required", [])
        names = value.get("properties", {})
        if not isinstance(required, list) or not all(isinstance(each, str) and each in names for each in required):
            raise BadType("a required field that is not declared", place=place)

    def _keyword(self, keyword: str, said: object, place: str) -> None:
        where = f"{place}/{keyword}"[:200]
        match keyword:
            case "properties":
                self._schemas(said, where)
            case "$defs" if not place:
                self._schemas(said, where)
                if isinstance(said, dict) and any("$ref" in each for each in said.values()):
                    raise BadType("a definition that is only a reference", place=where)
            case "$schema" if not place and said == "https://json-schema.org/draft/2020-12/schema":
                pass
            case "items":
                self.schema(said, where)
            case "required":
                pass  # `schema` looks at it beside the properties
            case "$ref" if isinstance(said, str) and (named := _REF.match(said)) and named[1] in self._defined:
                pass
            case _:
                if keyword not in _READERS or not _READERS[keyword](said):
                    raise BadType("a keyword that is unknown or has a wrong value", place=where)

    def _schemas(self, said: object, place: str) -> None:
        if not _map(said, _FIELD, lambda _: True) or not isinstance(said, dict):
            raise BadType("not schemas by name", place=place)
        for name, schema in said.items():
            self.schema(schema, f"{place}/{name}"[:200])


def _is_encrypted(schema: Mapping[str, object]) -> bool:
    return schema.get("x-sensitivity") == ENCRYPTED


def _holds_a_number(schema: Mapping[str, object]) -> bool:
    """Whether it says how large the number may be; to every other reader the ciphertext is just a string."""
    least, most = schema.get("minimum"), schema.get("maximum")
    bounded = _is_integer(least) and _is_integer(most) and schema.get("type") == "string" and "$ref" not in schema
    return bounded and -MOST_ENCRYPTED <= _number(schema, "minimum") < _number(schema, "maximum") <= MOST_ENCRYPTED


def _number(schema: Mapping[str, object], keyword: str) -> int:
    found = schema[keyword]
    assert isinstance(found, int)  # noqa: S101  (the schema was checked)
    return found


def _is(form: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and form.match(value) is not None


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return _is_integer(value) and isinstance(value, int) and 0 <= value <= 1 << 31


def _is_type(value: object) -> bool:
    several = value if isinstance(value, list) else [value]
    return 0 < len(several) == len(set(map(str, several))) and all(each in TYPES for each in several)


def _map(value: object, form: re.Pattern[str], read: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(form.match(name) and read(each) for name, each in value.items())


def _is_titles(value: object) -> bool:
    return isinstance(value, dict) and "en" not in value and _map(value, _LANGUAGE, _is(_LABEL))


_READERS: Final[Mapping[str, Callable[[object], bool]]] = {
    "type": _is_type,
    "title": _is(_LABEL),
    "titles": _is_titles,
    "description": lambda value: isinstance(value, str) and len(value) <= 1_000,
    "const": _is_scalar,
    "enum": lambda value: isinstance(value, list) and 0 < len(value) <= 200 and all(map(_is_scalar, value)),
    "format": lambda value: value in _FORMATS,
    "pattern": _is(_PATTERN),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_count),
    **dict.fromkeys(("minimum", "maximum"), _is_integer),
    "uniqueItems": lambda value: isinstance(value, bool),
    "additionalProperties": lambda value: isinstance(value, bool),
    "x-sensitivity": lambda value: value in SENSITIVITIES,
    "x-origin": lambda value: value in ORIGINS,
    "x-unit": _is(_LABEL),
}
