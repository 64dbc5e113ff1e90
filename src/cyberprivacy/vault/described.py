"""A declared data type in people's words, as far as consent texts need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cyberprivacy.bundle.datatype import DataType, inside, titles
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.wording import plain

_MAX_TITLE: Final = 200


class Unspeakable(Untrusted):
    """A type has a title that a person cannot be shown."""

    code = "consent.title"
    hint = "Declare the type with titles of plain characters, without quotes."


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type in people's words: its title by language, English always among them."""

    titles: Mapping[str, str]
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """A declared data type in people's words.

    Attributes:
        data_type: name and version.
        schema: SHA-256 of its schema, 32 bytes.
        titles: by language, English always among them.
        fields: in the order of the schema's names.
    """

    data_type: str
    schema: bytes
    titles: Mapping[str, str]
    fields: tuple[Field, ...]

    @property
    def sensitive(self) -> bool:
        """Whether any field is."""
        return any(each.sensitive for each in self.fields)


def described(declared: DataType) -> Described:
    """A type in people's words; a field without a title goes by its name.

    Raises:
        Unspeakable: a title hides something, or has quotes.
    """
    root = declared.schema
    whole = _marked(root)
    fields = tuple(
        Field(_spoken(titles(schema) or {"en": name}), whole or _sensitive(root, schema, set()))
        for name, schema in sorted(declared.fields().items())
    )
    return Described(declared.name, declared.digest, _spoken(declared.titles or {"en": declared.name}), fields)


def _spoken(found: Mapping[str, str]) -> Mapping[str, str]:
    for language, title in found.items():
        if not plain(title, _MAX_TITLE):
            raise Unspeakable("a title that cannot be shown", language=language)
    return found


def _marked(schema: Mapping[str, object]) -> bool:
    return schema.get("x-sensitivity", "normal") != "normal"


def _sensitive(root: Mapping[str, object], schema: object, seen: set[str]) -> bool:
    """Whether anything that a schema leads to is sensitive; a definition may lead to itself."""
    if not isinstance(schema, Mapping):
        return False
    if _marked(schema):
        return True
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        if _sensitive(root, inside(inside(root, "$defs"), reference.removeprefix("#/$defs/")), seen):
            return True
    below = [*inside(schema, "properties").values(), schema.get("items")]
    return any(_sensitive(root, each, seen) for each in below)
