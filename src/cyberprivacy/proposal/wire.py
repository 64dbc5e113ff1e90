"""What endpoints answer, parsed strictly: one spelling of every number, hash and address.

Everything here comes from machines that we do not believe; each function takes what JSON gave and returns
a value or refuses. Nobody's answer reaches the rest of the package unparsed.

Source: github.com/ethereum/execution-apis, src/schemas/base-types.yaml.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from eth_utils.address import to_checksum_address

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal.release import Address

_QUANTITY: Final = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,63})\Z")
_DATA: Final = re.compile(r"0x([0-9a-f]{2})*\Z")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}\Z")

MAX_DEPTH: Final = 32
"""Levels of nesting in an answer; nothing that we ask for has more than six."""


class BadAnswer(Untrusted):
    """An endpoint answered something that no honest endpoint would: malformed, or not what was asked."""

    code = "chain.answer"
    hint = "Ask another endpoint; this one is broken or lies."


def document(body: bytes) -> object:
    """The value of a JSON document: no NaN, no name twice, no absurd depth.

    Raises:
        BadAnswer: anything else.
    """
    if not nested_within(body, MAX_DEPTH):
        raise BadAnswer("the answer is nested too deep", limit=MAX_DEPTH)
    try:
        return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BadAnswer("the answer is not JSON", start=repr(body[:60])) from None


def mapping(value: object, what: str) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadAnswer(f"{what} is not an object", got=_short(value))
    return value


def items(value: object, what: str, *, limit: int) -> list[object]:
    """A JSON array of at most `limit` items."""
    if not isinstance(value, list) or len(value) > limit:
        raise BadAnswer(f"{what} is not a list of at most {limit}", got=_short(value))
    return value


def quantity(value: object, what: str, *, bits: int = 64) -> int:
    """A number below 2**bits, as "0x" and hex digits without leading zeros."""
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise BadAnswer(f"{what} is not a quantity", got=_short(value))
    number = int(value, 16)
    if number >> bits:
        raise BadAnswer(f"{what} is past {bits} bits", got=_short(value))
    return number


def octets(value: object, what: str, *, size: int | None = None) -> bytes:
    """Bytes as "0x" and an even number of lower-case hex digits; `size` bytes if it is given."""
    if not isinstance(value, str) or not _DATA.match(value):
        raise BadAnswer(f"{what} is not hex data", got=_short(value))
    raw = bytes.fromhex(value[2:])
    if size is not None and len(raw) != size:
        raise BadAnswer(f"{what} is not {size} bytes", got=_short(value))
    return raw


def address(value: object, what: str) -> Address:
    """An address; upper and lower case are the endpoint's habit, so any is read."""
    if not isinstance(value, str) or not _ADDRESS.match(value):
        raise BadAnswer(f"{what} is not an address", got=_short(value))
    return Address(to_checksum_address(value))


def as_quantity(number: int) -> str:
    """The spelling of a number in requests."""
    return hex(number)


def as_data(raw: bytes) -> str:
    """The spelling of bytes in requests."""
    return "0x" + raw.hex()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _short(value: object) -> str:
    return repr(value)[:80] if isinstance(value, str | int | None) else type(value).__name__
