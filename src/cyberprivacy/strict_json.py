"""JSON that others wrote, in any spelling, as long as it says one thing to every reader.

No name twice in one object (readers differ in which one counts), no NaN or Infinity (no JSON) and no number that
is one to readers with doubles, bounded size and depth. For what we ourselves sign there is `canonical`.
"""

import math
from typing import Final

from jiter import from_json

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Untrusted

MAX_DEPTH: Final = 32
"""Arrays and objects within one another."""
_SHAPE: Final = bytes.maketrans(b"0123456789E", b"0000000000e")
"""All digits as one, and both spellings of the exponent."""
_HUGE: Final = (b"0e000", b"0" * 201)
"""What the shape of a number beyond 1.8e308 has in it: an exponent of three digits, or very many digits."""


class BadJson(Untrusted):
    """Bytes are not JSON that every reader understands alike."""

    code = "json.strict"
    hint = "Write UTF-8 JSON; no name twice in an object, no NaN, no Infinity, no 1e999."


def read(data: bytes, *, limit: int) -> object:
    """The value.

    Raises:
        BadJson: larger than `limit` bytes ("json.size"), too deep, not JSON in UTF-8, or with a name twice.
    """
    if len(data) > limit:
        raise BadJson("document is too large", code="json.size", size=len(data), limit=limit)
    if not nested_within(data, MAX_DEPTH):
        raise BadJson("nested too deep", limit=MAX_DEPTH)
    try:  # names may be remembered for the next document, what somebody wrote may not
        value: object = from_json(data, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        raise BadJson("not JSON, or not one that says one thing") from None
    shape = data.translate(_SHAPE, b"+")
    if (_HUGE[0] in shape or _HUGE[1] in shape) and not _finite(value):
        raise BadJson("a number is larger than a double can be")
    return value


def _finite(value: object) -> bool:
    """Whether no number in a value is infinite."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_finite, value))
        case dict():
            return all(map(_finite, value.values()))
        case _:
            return True
