"""UnixFS: what a dag-pb block means as a file, a directory or a shard of a large directory.

Source: specs.ipfs.tech/unixfs.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from cyberprivacy.bundle import dagpb
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.cid import RAW, Cid

DIRECTORY: Final = 1
FILE: Final = 2
SYMLINK: Final = 4
SHARD: Final = 5

FANOUT: Final = 256
MURMUR3: Final = 0x22
"""multicodec murmur3-x64-64: the first half of the 128-bit hash, big-endian."""


class Message(NamedTuple):
    """The protobuf message in the data of a dag-pb node; None is an absent field.

    Attributes:
        kind: 1 directory, 2 file, 4 symlink, 5 shard.
        data: content of a small file, target of a symlink, bit field of a shard.
        size: bytes of file content below.
        sizes: bytes of file content below each link.
        hash_type: 0x22 in a shard.
        fanout: 256 in a shard.
    """

    kind: int
    data: bytes | None = None
    size: int | None = None
    sizes: tuple[int, ...] = ()
    hash_type: int | None = None
    fanout: int | None = None


class Child(NamedTuple):
    """A link of a directory: name, CID and the bytes that its author claims are below."""

    name: bytes
    cid: Cid
    tsize: int


class Directory(NamedTuple):
    """A directory in one block; children in the order of their names' bytes, no name twice."""

    children: tuple[Child, ...]


class Shard(NamedTuple):
    """A part of a large directory: links by bucket, each an entry (name) or a deeper shard (no name)."""

    links: tuple[Child, ...]


class File(NamedTuple):
    """A file that is not one raw block: (CID, bytes below) of each part, or its content itself."""

    parts: tuple[tuple[Cid, int], ...]
    data: bytes
    size: int


def encode_message(message: Message) -> bytes:
    """The protobuf bytes, fields in ascending order."""
    out = [dagpb.number_field(1, message.kind)]
    if message.data is not None:
        out.append(dagpb.field(2, message.data))
    if message.size is not None:
        out.append(dagpb.number_field(3, message.size))
    out += [dagpb.number_field(4, size) for size in message.sizes]
    if message.hash_type is not None:
        out.append(dagpb.number_field(5, message.hash_type))
    if message.fanout is not None:
        out.append(dagpb.number_field(6, message.fanout))
    return b"".join(out)


def decode_message(data: bytes) -> Message:
    """The message that `encode_message` would write as exactly these bytes.

    Raises:
        BadBundle: bundle.unixfs; also for mode and mtime, which a release bundle may not carry.
    """
    found: dict[int, int | bytes] = {}
    sizes: list[int] = []
    for number, value in dagpb.fields(data):
        if number == 4 and isinstance(value, int):
            sizes.append(value)
        elif number in (1, 2, 3, 5, 6) and isinstance(value, bytes) == (number == 2):
            found[number] = value
        else:
            raise _bad("a field that a bundle may not carry", field=number)
    message = Message(
        kind=_number(found.get(1)) or 0,
        data=content if isinstance(content := found.get(2), bytes) else None,
        size=_number(found.get(3)),
        sizes=tuple(sizes),
        hash_type=_number(found.get(5)),
        fanout=_number(found.get(6)),
    )
    if encode_message(message) != data:
        raise _bad("not the one spelling of this message")
    return message


def decode(block: bytes) -> Directory | Shard | File:
    """What a dag-pb block is.

    Raises:
        BadBundle: bundle.symlink, bundle.name (a name twice), bundle.unixfs, bundle.dagpb, bundle.varint.
        BadCid: a link with another hash or codec than a bundle may use.
    """
    node = dagpb.decode(block)
    if node.data is None:
        raise _bad("a block without UnixFS data")
    message = decode_message(node.data)
    children = tuple(_child(link) for link in node.links)
    if message.kind == FILE:
        return _file(message, children)
    if message.kind == DIRECTORY and message == Message(DIRECTORY):
        return _directory(children)
    if message.kind == SHARD:
        return _shard(message, children)
    if message.kind == SYMLINK:
        raise BadBundle("a release bundle holds no symlinks", code="bundle.symlink")
    raise _bad("neither file nor directory", kind=message.kind)


def below(cid: Cid, block: bytes) -> tuple[tuple[Cid, int], ...]:
    """The (CID, bytes below as claimed) of each child, in order; none below a raw block.

    Raises:
        BadBundle, BadCid: as `decode`.
    """
    if cid.codec == RAW:
        return ()
    value = decode(block)
    if isinstance(value, File):
        return value.parts
    children = value.children if isinstance(value, Directory) else value.links
    return tuple((child.cid, child.tsize) for child in children)


def _number(value: int | bytes | None) -> int | None:
    return value if isinstance(value, int) else None


def _child(link: dagpb.Link) -> Child:
    if link.name is None or link.tsize is None:
        raise _bad("a link without name or size")
    return Child(link.name, Cid.from_bytes(link.cid), link.tsize)


def _directory(children: tuple[Child, ...]) -> Directory:
    for before, after in pairwise(children):
        if before.name == after.name:
            raise BadBundle("the same name twice", code="bundle.name", name=ascii(after.name))
        if before.name > after.name:
            raise _bad("names are not in order", name=ascii(after.name))
    return Directory(children)


def _shard(message: Message, children: tuple[Child, ...]) -> Shard:
    if message.fanout != FANOUT or message.hash_type != MURMUR3:
        raise _bad("a shard with another fanout or hash", fanout=message.fanout, hash_type=message.hash_type)
    bits = 0
    for child in children:
        prefix = child.name[:2]
        bucket = _UPPER_HEX.get(prefix)
        if bucket is None or bits >> bucket:
            raise _bad("a shard's links are not in the order of their buckets", link=ascii(prefix))
        bits |= 1 << bucket
    if message != Message(SHARD, data=bit_field(bits), hash_type=MURMUR3, fanout=FANOUT):
        raise _bad("a shard's bit field does not agree with its links")
    return Shard(children)


def bit_field(bits: int) -> bytes:
    """Which buckets a shard has, big-endian, without leading zero bytes."""
    return bits.to_bytes((bits.bit_length() + 7) // 8)


def _file(message: Message, children: tuple[Child, ...]) -> File:
    data = message.data or b""
    if message.hash_type is not None or message.fanout is not None or message.data == b"":
        raise _bad("a file with fields of something else")
    if len(children) != len(message.sizes) or (children and data):
        raise _bad("a file's links and sizes do not agree", links=len(children), sizes=len(message.sizes))
    if any(child.name for child in children):
        raise _bad("a part of a file has a name")
    size = sum(message.sizes) if children else len(data)
    if message.size != size:
        raise _bad("a file's size does not add up", claimed=message.size, found=size)
    parts = tuple(zip((child.cid for child in children), message.sizes, strict=True))
    return File(parts, data, size)


_UPPER_HEX: Final = {b"%02X" % bucket: bucket for bucket in range(FANOUT)}


def _bad(what: str, **facts: int | str | None) -> BadBundle:
    made = BadBundle(what, code="bundle.unixfs")
    made.facts.update(facts)
    return made
