"""The fields of a strict document: each is taken once, by name and kind, and what nobody took is refused."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from cyberprivacy.bundle.refusals import BadManifest

MAX_ITEMS: Final = 100
"""Items in one list or mapping."""

T = TypeVar("T")
Read = Callable[[object, str], T]
"""Takes a value and the name of its place; gives what it means, or raises BadManifest."""


class Fields:
    """The fields of one mapping; `reserved` names are refused as not yet supported."""

    def __init__(self, value: object, place: str, reserved: tuple[str, ...] = ()) -> None:
        self._reserved = reserved
        self._left = dict(mapping(value, place))
        self._place = place

    def has(self, name: str) -> bool:
        """Whether the field is there and not yet taken."""
        return name in self._left

    def take(self, name: str, read: Read[T]) -> T:
        """A field that must be there.

        Raises:
            BadManifest: "manifest.field", or what `read` refuses.
        """
        place = f"{self._place}.{name}" if self._place else name
        if name not in self._left:
            raise BadManifest("a field is missing", code="manifest.field", field=place)
        return read(self._left.pop(name), place)

    def take_list(self, name: str, read: Read[T], key: Callable[[T], str]) -> tuple[T, ...]:
        """An optional list whose items differ in `key`.

        Raises:
            BadManifest: manifest.field, manifest.repeated, or what `read` refuses.
        """
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
        """Refuse whatever is left.

        Raises:
            BadManifest: manifest.reserved, manifest.unknown.
        """
        for name in self._left:
            place = f"{self._place}.{name}" if self._place else name
            if name in self._reserved:
                raise BadManifest("not yet supported", code="manifest.reserved", field=place)
            raise BadManifest("an unknown field", code="manifest.unknown", field=place[:200])


def mapping(value: object, place: str) -> Mapping[str, object]:
    """A mapping, as it is; raises BadManifest "manifest.field"."""
    if not isinstance(value, dict):
        raise BadManifest("not a mapping", code="manifest.field", field=place)
    return value


def text(form: re.Pattern[str]) -> Read[str]:
    """Reads text of one form; raises BadManifest "manifest.field" or "manifest.value"."""

    def read(value: object, place: str) -> str:
        if not isinstance(value, str):
            raise BadManifest("not text: put quotes around it", code="manifest.field", field=place)
        if not form.match(value):
            raise BadManifest("text of another form", field=place, value=value[:200])
        return value

    return read


def integer(least: int, most: int) -> Read[int]:
    """Reads a whole number in a range; raises BadManifest "manifest.field" or "manifest.value"."""

    def read(value: object, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadManifest("not a whole number", code="manifest.field", field=place)
        if not least <= value <= most:
            raise BadManifest("out of range", field=place, value=value, least=least, most=most)
        return value

    return read
