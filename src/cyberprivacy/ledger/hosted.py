"""How digests of receipts get from a hosted application into the log of its node: what each of the two says. Pure.

The node asks, at a path that its front gives to nobody else. It says where it has put what it was given last, and
is given a little of what waits. Nothing that an application can say makes another entry than a receipt's.
Source: docs/spec/udi-1.md, "Receipts in a ledger".
"""

import re
from collections.abc import Sequence
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.commitment import KINDS, Commitment

RECEIPTS: Final = "/.well-known/cyberprivacy/receipts"
"""Where an application answers its node. The front sends users' requests for this path to the node instead."""
MOST: Final = 32
"""Receipts in one question or answer."""
LIMIT: Final = 8_192
"""Bytes of a question or an answer."""
_PLACES: Final = 1 << 53
_LEAF: Final = re.compile(r"[0-9a-f]{64}")


class BadExchange(Untrusted):
    """Not what a node asks, or not what an application answers about receipts."""

    code = "receipt.exchange"
    hint = "Node and application are of different versions, or one of them is not what it should be."


def question(places: Sequence[tuple[bytes, int]]) -> bytes:
    """Where leaves stand, at most `MOST`; and what waits?"""
    return canonical.encode({"placed": [{"leaf": leaf.hex(), "place": place} for leaf, place in places]})


def read_question(data: bytes) -> list[tuple[bytes, int]]:
    """Where leaves stand.

    Raises:
        BadExchange, NotCanonical: no question.
    """
    return [_place(each) for each in _list(data, "placed")]


def answer(waiting: Sequence[Commitment]) -> bytes:
    """What waits, at most `MOST`."""
    return canonical.encode({"waiting": [{"kind": each.kind, "leaf": each.leaf.hex()} for each in waiting]})


def read_answer(data: bytes) -> list[Commitment]:
    """What waits, none twice.

    Raises:
        BadExchange, NotCanonical: no answer.
    """
    found = [_commitment(each) for each in _list(data, "waiting")]
    if len({each.leaf for each in found}) != len(found):
        raise BadExchange("a receipt stands twice")
    return found


def _list(data: bytes, name: str) -> list[object]:
    value = canonical.decode(data, limit=LIMIT)
    if isinstance(value, dict) and value.keys() == {name}:
        found = value[name]
        if isinstance(found, list) and len(found) <= MOST:
            return found
    raise BadExchange("another form", expected=name)


def _place(value: object) -> tuple[bytes, int]:
    match value:
        case {"leaf": str(leaf), "place": int(place), **other} if (
            not other and _LEAF.fullmatch(leaf) and not isinstance(place, bool) and 0 <= place < _PLACES
        ):
            return bytes.fromhex(leaf), place
    raise BadExchange("not the place of a receipt")


def _commitment(value: object) -> Commitment:
    match value:
        case {"kind": str(kind), "leaf": str(leaf), **other} if (
            not other and kind in KINDS and _LEAF.fullmatch(leaf)
        ):
            return Commitment(kind, bytes.fromhex(leaf))
    raise BadExchange("not a receipt")
