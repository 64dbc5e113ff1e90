"""Proofs about a log: that an entry is in it, and that it only ever grew. Pure: no disk, no clock, no network.

Makers ask for the hashes of complete subtrees (`Node`), from wherever these are kept. Checkers need nothing but
the proof, and accept exactly as many hashes as the two sizes need.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.merkle import node_hash

EMPTY_ROOT: Final = sha256(b"").digest()
"""The head of a log without entries. Source: RFC 6962 section 2.1."""

MAX_PROOF: Final = 63
"""Hashes in one proof: what a tree of 2**63 entries needs. Source: C2SP tlog-witness."""

MAX_SIZE: Final = 1 << 62
"""Entries in one log; more is a number that somebody made up."""

Node = Callable[[int, int], bytes]
"""(level, index) -> 32 bytes: the hash over the entries from index * 2**level on, 2**level of them."""


class ProofRefused(Untrusted):
    """A proof does not lead to the head that it is for."""

    code = "log.proof"
    hint = "Do not believe who sent it; ask another mirror, and keep what you were sent."


def root_of(node: Node, size: int) -> bytes:
    """The head of the first `size` entries."""
    return _over(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: Node, index: int, size: int) -> tuple[bytes, ...]:
    """The hashes that lead from one entry to the head, lowest first.

    Args:
        node: where complete subtrees of the tree are kept.
        index: place of the entry, 0 <= index < size.
        size: entries in the tree.

    Raises:
        ValueError: the index is outside the tree.

    Source: RFC 6962 section 2.1.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is outside a log of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_over(node, middle, high))
            high = middle
        else:
            path.append(_over(node, low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_proof(node: Node, old: int, new: int) -> tuple[bytes, ...]:
    """The hashes that lead from the head of the first `old` entries to the head of `new`.

    Args:
        node: where complete subtrees of the larger tree are kept.
        old: entries in the smaller tree; from 0, and to the same size, there is nothing to prove.
        new: entries in the larger tree.

    Raises:
        ValueError: `old` is larger than `new`, or negative.

    Source: RFC 6962 section 2.1.2.
    """
    if not 0 <= old <= new:
        raise ValueError(f"no proof from {old} to {new}")
    if old == 0:
        return ()
    path: list[bytes] = []
    low, high, known = 0, new, True
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_over(node, middle, high))
            high = middle
        else:
            path.append(_over(node, low, middle))
            low, known = middle, False
    if not known:
        path.append(_over(node, low, high))
    return tuple(reversed(path))


def check_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Whether an entry is where somebody says it is.

    Args:
        leaf: 32 bytes, from `merkle.leaf_hash`.
        index: its place.
        size: entries in the tree.
        proof: sibling hashes of 32 bytes, lowest first.
        root: 32 bytes, from a head whose signatures were checked.

    Raises:
        ProofRefused: it is not, or the proof is shorter or longer than the tree needs.

    Source: RFC 9162 section 2.1.3.2.
    """
    _bounded(proof, leaf, root)
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofRefused("the entry is outside the tree", index=index, size=size)
    node, place, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the proof is longer than the tree needs", index=index, size=size)
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last or not compare_digest(node, root):
        raise ProofRefused("the proof leads to another head", index=index, size=size)


def check_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the larger tree begins with every entry of the smaller one, in their order.

    The empty tree is the beginning of every tree, and needs no proof (as C2SP tlog-witness has it; RFC 9162
    leaves it open).

    Args:
        old: entries in the smaller tree.
        new: entries in the larger tree.
        old_root: 32 bytes.
        new_root: 32 bytes.
        proof: hashes of 32 bytes, lowest first.

    Raises:
        ProofRefused: it does not, or the proof is shorter or longer than the two sizes need.

    Source: RFC 9162 section 2.1.4.2.
    """
    _bounded(proof, old_root, new_root)
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofRefused("a log does not shrink", old=old, new=new)
    for size, root in ((old, old_root), (new, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofRefused("an empty log has one head, and this is another", size=size)
    if old in (0, new):
        if proof or (old == new and not compare_digest(old_root, new_root)):
            raise ProofRefused("the proof leads to another head", old=old, new=new)
        return
    first, second = _heads(old, new, old_root, proof)
    if not (compare_digest(first, old_root) and compare_digest(second, new_root)):
        raise ProofRefused("the proof leads to another head", old=old, new=new)


def _heads(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two heads that a proof leads to, for 0 < old < new."""
    # A smaller tree that is complete is itself the first hash of the proof, and is left out of it.
    path = (old_root, *proof) if old & (old - 1) == 0 else tuple(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not path:
        raise ProofRefused("the proof is shorter than the trees need", old=old, new=new)
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the proof is longer than the trees need", old=old, new=new)
        if place & 1 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is shorter than the trees need", old=old, new=new)
    return first, second


def _bounded(proof: Sequence[bytes], *roots: bytes) -> None:
    if len(proof) > MAX_PROOF:
        raise ProofRefused("more hashes than any tree needs", hashes=len(proof), limit=MAX_PROOF)
    if any(len(each) != 32 for each in (*proof, *roots)):
        raise ProofRefused("a hash is not 32 bytes long")


def _split(size: int) -> int:
    """The largest power of two below `size`, for size > 1. Source: RFC 6962 section 2.1."""
    return 1 << ((size - 1).bit_length() - 1)


def _over(node: Node, start: int, end: int) -> bytes:
    """The hash over a range that starts at a multiple of a power of two no smaller than its length."""
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    return fold(parts)


def fold(parts: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees of falling size that stand side by side; at least one of them."""
    found = parts[-1]
    for left in reversed(parts[:-1]):
        found = node_hash(left, found)
    return found
