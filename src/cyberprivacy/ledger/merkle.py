"""The head of a log: a Merkle tree over its entries. Source: RFC 6962 section 2.1 (SHA-256)."""

from hashlib import sha256


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry. Source: RFC 6962 section 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash above two others. Source: RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that remembers only the right edge: one hash for each set bit of its size."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []  # largest complete subtree first

    def add(self, entry: bytes) -> None:
        """Append one entry."""
        node = leaf_hash(entry)
        full = self.size
        while full & 1:
            node = node_hash(self._edge.pop(), node)
            full >>= 1
        self._edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The 32-byte head; for an empty log the hash of nothing."""
        if not self._edge:
            return sha256(b"").digest()
        node = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            node = node_hash(left, node)
        return node
