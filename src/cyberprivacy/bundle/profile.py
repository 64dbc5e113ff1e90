"""From files and directories to blocks: the same tree under the same profile gives the same CID everywhere.

A release bundle uses `V1_2025`. The two others exist so that what we write can be held against what Kubo
writes, and so that a reader can be told which profile another tool has used.
Source: specs.ipfs.tech/ipips/ipip-0499; specs.ipfs.tech/unixfs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

import mmh3

from cyberprivacy.bundle import dagpb, unixfs
from cyberprivacy.bundle.dagpb import Link, Node
from cyberprivacy.bundle.refusals import BadBundle
from cyberprivacy.bundle.unixfs import Message
from cyberprivacy.cid import DAG_PB, RAW

Sink = Callable[[bytes, bytes], object]
"""Takes each (binary CID, block) as it is made, children before parents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a tree becomes blocks.

    Attributes:
        name: as IPIP-0499 calls it, or the command that has it as its default.
        version: of the CIDs; 0 also means that leaves are dag-pb and not raw.
        chunk: bytes in one leaf.
        width: links in one inner node of a file.
        by_block: a directory is sharded above 256 KiB of its block's bytes; else of its names' and CIDs' bytes.
    """

    name: str
    version: int
    chunk: int
    width: int
    by_block: bool


V1_2025: Final = Profile(name="unixfs-v1-2025", version=1, chunk=1 << 20, width=1024, by_block=True)
V0_2015: Final = Profile(name="unixfs-v0-2015", version=0, chunk=1 << 18, width=174, by_block=False)
KUBO_V1: Final = Profile(name="ipfs add --cid-version=1", version=1, chunk=1 << 18, width=174, by_block=False)

_SHARD_ABOVE: Final = 1 << 18


class Added(NamedTuple):
    """What adding a file or a directory gave.

    Attributes:
        cid: binary CID.
        tsize: bytes of all blocks below and of this one, repeats included.
        size: bytes of file content; 0 for a directory.
    """

    cid: bytes
    tsize: int
    size: int


class Writer:
    """Makes the blocks of files and directories and hands each to `sink`."""

    __slots__ = ("_profile", "_sink")

    def __init__(self, sink: Sink, profile: Profile = V1_2025) -> None:
        self._sink = sink
        self._profile = profile

    def file(self, chunks: Iterable[bytes]) -> Added:
        """Add a file: a balanced tree over its leaves.

        Args:
            chunks: the content in pieces of exactly `profile.chunk` bytes, the last one shorter, none empty.
        """
        level = [self._leaf(chunk) for chunk in chunks] or [self._leaf(b"")]
        width = self._profile.width
        while len(level) > 1:
            level = [self._inner(level[at : at + width]) for at in range(0, len(level), width)]
        return level[0]

    def directory(self, entries: Iterable[tuple[bytes, Added]]) -> Added:
        """Add a directory of (name, what adding it gave); names must differ."""
        links = [Link(added.cid, name, added.tsize) for name, added in sorted(entries, key=lambda entry: entry[0])]
        node = Node(tuple(links), unixfs.encode_message(Message(unixfs.DIRECTORY)))
        block = dagpb.encode(node)
        size = len(block) if self._profile.by_block else sum(len(x.name or b"") + len(x.cid) for x in links)
        if size > _SHARD_ABOVE:
            return self._shard([(_bucket_path(link.name or b""), link) for link in links], 0)
        return self._put(DAG_PB, block, sum(link.tsize or 0 for link in links), 0)

    def _leaf(self, chunk: bytes) -> Added:
        if self._profile.version:
            return self._put(RAW, chunk, 0, len(chunk))
        message = Message(unixfs.FILE, data=chunk or None, size=len(chunk))
        return self._put(DAG_PB, dagpb.encode(Node((), unixfs.encode_message(message))), 0, len(chunk))

    def _inner(self, parts: list[Added]) -> Added:
        size = sum(part.size for part in parts)
        message = Message(unixfs.FILE, size=size, sizes=tuple(part.size for part in parts))
        links = tuple(Link(part.cid, b"", part.tsize) for part in parts)
        block = dagpb.encode(Node(links, unixfs.encode_message(message)))
        return self._put(DAG_PB, block, sum(part.tsize for part in parts), size)

    def _shard(self, items: list[tuple[bytes, Link]], depth: int) -> Added:
        """A HAMT: at each level one byte of the name's hash picks one of 256 buckets."""
        if depth == _HASH_BYTES:
            raise BadBundle("two names with the same hash in one large directory", code="bundle.name")
        buckets: dict[int, list[tuple[bytes, Link]]] = {}
        for path, link in items:
            buckets.setdefault(path[depth], []).append((path, link))
        links: list[Link] = []
        bits = 0
        for bucket, held in sorted(buckets.items()):
            bits |= 1 << bucket
            prefix = b"%02X" % bucket
            if len(held) == 1:
                only = held[0][1]
                links.append(Link(only.cid, prefix + (only.name or b""), only.tsize))
            else:
                below = self._shard(held, depth + 1)
                links.append(Link(below.cid, prefix, below.tsize))
        message = Message(
            unixfs.SHARD, data=unixfs.bit_field(bits), hash_type=unixfs.MURMUR3, fanout=unixfs.FANOUT
        )
        block = dagpb.encode(Node(tuple(links), unixfs.encode_message(message)))
        return self._put(DAG_PB, block, sum(link.tsize or 0 for link in links), 0)

    def _put(self, codec: int, block: bytes, below: int, size: int) -> Added:
        start = b"\x01" + bytes((codec,)) if self._profile.version else b""
        cid = start + b"\x12\x20" + sha256(block).digest()
        self._sink(cid, block)
        return Added(cid, len(block) + below, size)


_HASH_BYTES: Final = 8


def _bucket_path(name: bytes) -> bytes:
    """The buckets in which a name is looked for, one a level."""
    return mmh3.hash64(name, signed=False)[0].to_bytes(_HASH_BYTES)
