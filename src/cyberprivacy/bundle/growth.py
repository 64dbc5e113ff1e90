"""Whether a schema only adds to an earlier one of the same version: who understood the old one goes on doing so.

What may change: another optional field, also in objects within; titles and descriptions. Everything else needs
another version.
"""

from collections.abc import Mapping
from typing import Final

from cyberprivacy.bundle.datatype import BadType, DataType, inside, resolved

_WORDS: Final = frozenset({"title", "titles", "description"})


def check_growth(old: DataType, new: DataType) -> None:
    """Refuse a schema that does more than add.

    Raises:
        BadType: "type.version", with the place.
    """
    _Comparison(old.schema, new.schema).schemas(old.schema, new.schema, "")


class _Comparison:
    """Walks two schemas side by side; pairs of references are walked once, however they refer to each other."""

    def __init__(self, old: Mapping[str, object], new: Mapping[str, object]) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def schemas(self, before: object, after: object, place: str) -> None:
        """Compare two schemas and what is in them."""
        pair = (_reference(before), _reference(after))
        if any(pair) and pair in self._seen:
            return
        self._seen.add(pair)
        old, new = resolved(self._old, before), resolved(self._new, after)
        for keyword in (old.keys() | new.keys()) - _WORDS - {"$defs", "$schema", "properties", "items"}:
            if old.get(keyword) != new.get(keyword):
                raise BadType(
                    "the same version may only gain optional fields",
                    code="type.version",
                    hint="Declare it as the next version.",
                    place=f"{place}/{keyword}"[:200],
                )
        if "items" in old or "items" in new:
            self.schemas(old.get("items", {}), new.get("items", {}), f"{place}/items")
        fields = inside(new, "properties")
        for name, field in inside(old, "properties").items():
            if name not in fields:
                raise BadType("a field is gone", code="type.version", place=f"{place}/{name}"[:200])
            self.schemas(field, fields[name], f"{place}/{name}"[:150])


def _reference(schema: object) -> str:
    return str(schema["$ref"]) if isinstance(schema, dict) and "$ref" in schema else ""
