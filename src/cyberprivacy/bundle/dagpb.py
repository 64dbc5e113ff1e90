"""dag-pb: a block that holds named links to other blocks, and some data.

One spelling: a block is parsed, written again and compared, so field order, repeated fields, unknown fields and
long varints need no rule of their own.
Source: ipld.io/specs/codecs/dag-pb/spec.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cyberprivacy.bundle import varint
from cyberprivacy.bundle.refusals import BadBundle


class Link(NamedTuple):
    """One link.

    Attributes:
        cid: binary CID, not checked here.
        name: None if the block has no such field, which is another block than one with an empty name.
        tsize: bytes in the whole graph below, as its author claims; None if absent.
    """

    cid: bytes
    name: bytes | None
    tsize: int | None


class Node(NamedTuple):
    """A dag-pb block as a value."""

    links: tuple[Link, ...]
    data: bytes | None


def field(number: int, value: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return bytes((number << 3 | 2,)) + varint.encode(len(value)) + value


def number_field(number: int, value: int) -> bytes:
    """A varint protobuf field."""
    return bytes((number << 3,)) + varint.encode(value)


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | bytes]]:
    """The (number, value) pairs of a protobuf message, in the order in which they stand.

    Raises:
        BadBundle: bundle.dagpb or bundle.varint.
    """
    at = 0
    while at < len(message):
        tag, at = varint.decode(message, at)
        value, at = varint.decode(message, at)
        if tag & 7 == 0:
            yield tag >> 3, value
        elif tag & 7 == 2:
            if value > len(message) - at:
                raise BadBundle("field runs past the end", code="bundle.dagpb", offset=at)
            yield tag >> 3, bytes(message[at : at + value])
            at += value
        else:
            raise BadBundle("a wire type that dag-pb has not", code="bundle.dagpb", wire_type=tag & 7)


def encode(node: Node) -> bytes:
    """The block: links in their order, then data."""
    out = [field(2, _encode_link(link)) for link in node.links]
    if node.data is not None:
        out.append(field(1, node.data))
    return b"".join(out)


def decode(block: bytes) -> Node:
    """The node that `encode` would write as exactly these bytes.

    Raises:
        BadBundle: bundle.dagpb or bundle.varint.
    """
    links: list[Link] = []
    data: bytes | None = None
    for number, value in fields(block):
        if number == 2 and isinstance(value, bytes):
            links.append(_decode_link(value))
        elif number == 1 and isinstance(value, bytes):
            data = value
        else:
            raise BadBundle("a field that dag-pb has not", code="bundle.dagpb", field=number)
    node = Node(tuple(links), data)
    if encode(node) != block:
        raise BadBundle("not the one spelling of this node", code="bundle.dagpb")
    return node


def _encode_link(link: Link) -> bytes:
    name = b"" if link.name is None else field(2, link.name)
    tsize = b"" if link.tsize is None else number_field(3, link.tsize)
    return field(1, link.cid) + name + tsize


def _decode_link(message: bytes) -> Link:
    cid = b""
    name: bytes | None = None
    tsize: int | None = None
    for number, value in fields(message):
        if number == 1 and isinstance(value, bytes):
            cid = value
        elif number == 2 and isinstance(value, bytes):
            name = value
        elif number == 3 and isinstance(value, int):
            tsize = value
        else:
            raise BadBundle("a field that a link has not", code="bundle.dagpb", field=number)
    if not cid:
        raise BadBundle("a link without a CID", code="bundle.dagpb")
    return Link(cid, name, tsize)
