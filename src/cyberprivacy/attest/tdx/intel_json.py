"""Intel's JSON: strict where theirs is not canonical. Pure.

It is signed as it is shipped, so it may have its own order of fields and both cases of hex; but no field stands
twice, no number has a fraction, and nothing is deeper or longer than it can need to be.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cyberprivacy.attest.document import BadDocument, Document

MAX_JSON: Final = 128 << 10
MAX_LEVELS: Final = 256
MAX_DEPTH: Final = 8
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_HEX: Final = re.compile(r"[0-9A-Fa-f]*")
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


def parse_json(data: bytes) -> object:
    """The value of a JSON text.

    Raises:
        BadDocument: not JSON, a field twice, a fraction, or too large or deep.
    """
    if len(data) > MAX_JSON or not _nested_within(data, MAX_DEPTH):
        raise BadDocument("Intel's statement is too large or nested too deep", size=len(data), limit=MAX_JSON)
    try:
        return json.loads(data, object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise BadDocument("Intel's statement is not JSON") from None


def _nested_within(data: bytes, limit: int) -> bool:
    """Whether objects and lists stand at most `limit` deep and close: each round takes the innermost ones away.

    Faster than `canonical.nested_within`, which knows unbalanced text too, on texts with as many strings as these.
    """
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    for _ in range(limit):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field stands twice")
    return value


def _refused(text: str) -> object:
    raise ValueError(f"not a whole number: {text[:20]}")


def as_object(value: object) -> Mapping[str, object]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise BadDocument("a part of Intel's statement is not an object", type=type(value).__name__)
    return value


def as_list(value: object) -> list[object]:
    """The value, which must be a list and not a long one."""
    if not isinstance(value, list) or len(value) > MAX_LEVELS:
        raise BadDocument("a part of Intel's statement is not a short list", limit=MAX_LEVELS)
    return value


def octets(document: Document, name: str, size: int) -> bytes:
    """Hex in either case: Intel writes both."""
    text = document.text(name, _HEX)
    if len(text) != 2 * size:
        raise BadDocument(f"{name} is not {size} bytes in hex", size=len(text))
    return bytes.fromhex(text)


def time(document: Document, name: str) -> int:
    """A time in UTC, in seconds since 1970."""
    text = document.text(name, _TIME)
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise BadDocument(f"{name} is not a time", got=text) from None
