"""One spelling of JSON, so that what is signed, logged or hashed has one form.

The subset of RFC 8785 (JCS) that our documents use: objects with ASCII keys, arrays, strings, booleans,
null and integers within 2**53. No fractions: they are where JSON libraries disagree.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from cyberprivacy.errors import Untrusted

MAX_DEPTH: Final = 16

_NESTING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""Strings and brackets. An unclosed string is one token too, and nothing backtracks: linear on any bytes."""


class NotCanonical(Untrusted):
    """A document is not in the one spelling that we sign and compare."""

    code = "json.form"
    hint = "Write the document with sorted keys, no spaces, no fractions, UTF-8."


def encode(value: object) -> bytes:
    """The canonical UTF-8 bytes of a value.

    Raises:
        NotCanonical: a float, a key that is not ASCII, an integer past 2**53, too deep, or no JSON type.

    Source: RFC 8785 section 3.2, restricted as the module says.
    """
    _check(value, 0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes, *, limit: int = 1 << 20) -> object:
    """The value of canonical bytes; any other spelling of the same value is refused.

    Raises:
        NotCanonical: larger than `limit` bytes, not JSON, or not what `encode` would have written.
    """
    if len(data) > limit:
        raise NotCanonical("document is too large", size=len(data), limit=limit)
    if not nested_within(data, MAX_DEPTH + 1):
        raise NotCanonical("nested too deep", limit=MAX_DEPTH)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise NotCanonical("not JSON") from None
    if encode(value) != data:
        raise NotCanonical("not the canonical spelling")
    return value


def nested_within(data: bytes, limit: int) -> bool:
    """Whether arrays and objects stand at most `limit` deep; asked before a document is parsed.

    The interpreter's own guard is a process-wide limit that libraries raise; past it the C parser overruns
    the stack and ends the process instead of raising.
    """
    if data.count(b"[") + data.count(b"{") <= limit:  # most documents: nothing to look at one by one
        return True
    depth = 0
    for token in _NESTING.finditer(data):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth > limit:
                return False
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return True


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical("nested too deep", limit=MAX_DEPTH)
    match value:
        case None | bool():
            return
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise NotCanonical("text with a lone surrogate") from None
        case int():
            if abs(value) > 1 << 53:
                raise NotCanonical("integer past 2**53; write it as a string", value=str(value))
        case Mapping():
            for key, item in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise NotCanonical("key is not ASCII text", key=repr(key)[:80])
                _check(item, depth + 1)
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case _:
            raise NotCanonical("no place in canonical JSON", type=type(value).__name__)
