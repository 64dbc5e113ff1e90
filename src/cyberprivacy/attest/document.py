"""Strict reading of the JSON objects that travel in proofs: these fields, these forms, nothing else."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from cyberprivacy.errors import Untrusted

MAX_INTEGER: Final = 1 << 53

_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*\Z")


class BadDocument(Untrusted):
    """A proof, or a part of one, does not have the form that the specification gives it."""

    code = "attestation.form"
    hint = "It was damaged on the way, or made by software that speaks another version of the format."


class Document:
    """One JSON object whose fields are all known; each reader refuses a field of another form."""

    def __init__(self, value: object, what: str, fields: frozenset[str]) -> None:
        """Hold `value`, which must be an object with exactly these fields.

        Raises:
            BadDocument: it is something else, a field is missing, or a field is unknown.
        """
        if not isinstance(value, Mapping):
            raise BadDocument(f"{what} is not an object", type=type(value).__name__)
        if value.keys() != fields:
            raise BadDocument(
                f"{what} does not have the fields of its version",
                missing=sorted(fields - value.keys()),
                unknown=sorted(str(name)[:40] for name in value.keys() - fields)[:8],
            )
        self._value, self._what = value, what

    def raw(self, name: str) -> object:
        """A field as it stands; the caller reads it strictly."""
        return self._value[name]

    def integer(self, name: str, *, least: int = 0, most: int = MAX_INTEGER) -> int:
        """A whole number, least <= number <= most."""
        value = self._value[name]
        if type(value) is not int or not least <= value <= most:
            raise self._bad(name, f"a number from {least} to {most}")
        return value

    def version(self, name: str = "v", *, known: int = 1) -> None:
        """Refuse every version but the one that this code can read; another one by a code of its own."""
        value = self._value[name]
        if type(value) is not int:
            raise self._bad(name, f"version {known}")
        if value != known:
            raise BadDocument(
                f"{self._what} is of a version that this program cannot read",
                code="attestation.version",
                hint="A newer program may know it.",
                version=value,
                known=known,
            )

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Text that the pattern describes from its first to its last character."""
        value = self._value[name]
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self._bad(name, f"text like {pattern.pattern}")
        return value

    def octets(self, name: str, *, size: int) -> bytes:
        """Exactly `size` bytes, as lower-case hex."""
        value = self._value[name]
        if not isinstance(value, str) or len(value) != 2 * size or not _HEX.match(value):
            raise self._bad(name, f"{size} bytes in hex")
        return bytes.fromhex(value)

    def base64(self, name: str, *, limit: int) -> bytes:
        """At most `limit` bytes, as padded base64 in its one spelling."""
        return from_base64(self._value[name], f"{self._what}.{name}", limit=limit)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value[name]
        if not isinstance(value, bool):
            raise self._bad(name, "true or false")
        return value

    def texts(self, name: str, pattern: re.Pattern[str], *, limit: int) -> tuple[str, ...]:
        """A list of at most `limit` texts, each of which the pattern describes."""
        value = self._value[name]
        if not isinstance(value, list) or len(value) > limit:
            raise self._bad(name, f"a list of at most {limit}")
        for item in value:
            if not isinstance(item, str) or not pattern.fullmatch(item):
                raise BadDocument(f"{self._what}.{name} has an item unlike {pattern.pattern}", got=str(item)[:80])
        return tuple(value)

    def mapping(self, name: str, *, limit: int) -> Mapping[str, object]:
        """An object with at most `limit` fields of any name."""
        value = self._value[name]
        if not isinstance(value, dict) or len(value) > limit:
            raise self._bad(name, f"an object with at most {limit} fields")
        return value

    def _bad(self, name: str, wanted: str) -> BadDocument:
        got = self._value[name]
        shown = repr(got)[:60] if isinstance(got, str | int | None) else type(got).__name__
        return BadDocument(f"{self._what}.{name} is not {wanted}", got=shown)


def to_base64(data: bytes) -> str:
    """RFC 4648 section 4, with padding."""
    return base64.b64encode(data).decode("ascii")


def from_base64(value: object, what: str, *, limit: int) -> bytes:
    """The bytes of a padded base64 text; a second spelling of the same bytes is refused.

    Raises:
        BadDocument: not text, longer than `limit` bytes, or not the one spelling.
    """
    if not isinstance(value, str) or len(value) > (limit + 2) // 3 * 4:
        raise BadDocument(f"{what} is not base64 of at most {limit} bytes")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise BadDocument(f"{what} is not base64") from None
    if len(data) > limit:
        raise BadDocument(f"{what} is longer than {limit} bytes")
    if to_base64(data) != value:
        raise BadDocument(f"{what} is a second spelling of its bytes")
    return data
