"""Blocks in memory, and the graphs that a test or an attacker makes of them."""

from collections.abc import Iterable

from cyberprivacy.bundle import dagpb, unixfs
from cyberprivacy.bundle.dagpb import Link, Node
from cyberprivacy.bundle.unixfs import Message
from cyberprivacy.cid import DAG_PB, RAW, Cid


class MemoryBlocks:
    """A block source whose content a test chooses, well-formed or not.

    Attributes:
        name: how logs call it.
        held: the blocks by CID.
        asked: every CID that was asked for, in order.
    """

    def __init__(self, blocks: Iterable[tuple[Cid, bytes]] = (), *, name: str = "memory") -> None:
        self.name = name
        self.held = dict(blocks)
        self.asked: list[Cid] = []

    def find(self, cid: Cid) -> bytes | None:
        """The block, as `BlockSource` says."""
        self.asked.append(cid)
        return self.held.get(cid)

    def put(self, codec: int, block: bytes) -> Cid:
        """Hold a block; its CID."""
        cid = Cid.of(codec, block)
        self.held[cid] = block
        return cid

    def raw(self, content: bytes) -> Cid:
        """A file of one raw block."""
        return self.put(RAW, content)

    def node(self, links: Iterable[tuple[bytes, bytes, int]], message: Message | bytes) -> Cid:
        """A dag-pb block with (name, binary CID, tsize) links, as they come, and UnixFS data."""
        data = message if isinstance(message, bytes) else unixfs.encode_message(message)
        made = Node(tuple(Link(cid, name, tsize) for name, cid, tsize in links), data)
        return self.put(DAG_PB, dagpb.encode(made))

    def directory(self, *links: tuple[bytes, Cid, int]) -> Cid:
        """A directory with (name, CID, tsize) links in the order in which they come."""
        return self.node(((name, bytes(cid), size) for name, cid, size in links), Message(unixfs.DIRECTORY))

    def file(self, *parts: tuple[Cid, int]) -> Cid:
        """A file of (CID, bytes) parts."""
        sizes = tuple(size for _, size in parts)
        message = Message(unixfs.FILE, size=sum(sizes), sizes=sizes)
        return self.node(((b"", bytes(cid), size) for cid, size in parts), message)
