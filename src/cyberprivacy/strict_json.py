"""JSON that others wrote, in any spelling, as long as it says one thing to every reader.

No name twice in one object (readers differ in which one counts), no NaN or Infinity (no JSON), bounded size and
depth. For what we ourselves sign there is `canonical`.
"""

from typing import Final

from jiter import from_json

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Untrusted

MAX_DEPTH: Final = 32
"""Arrays and objects within one another."""


class BadJson(Untrusted):
    """Bytes are not JSON that every reader understands alike."""

    code = "json.strict"
    hint = "Write UTF-8 JSON; no name twice in an object, no NaN, no Infinity."


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
        return from_json(data, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        raise BadJson("not JSON, or not one that says one thing") from None
