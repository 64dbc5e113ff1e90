"""The blocks below a root, in one order: parents first, children left to right, each block once.

Source: specs.ipfs.tech/http-gateways/trustless-gateway, `order=dfs; dups=n`.
"""

from collections.abc import Callable, Iterator

from cyberprivacy.bundle import unixfs
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.cid import RAW, Cid

Find = Callable[[Cid], bytes | None]
"""Gives the block that a CID names, already checked against it; None if it isn't there."""


def blocks(root: Cid, find: Find, limits: Limits = DEFAULT) -> Iterator[tuple[Cid, bytes]]:
    """Every block of the graph, once.

    Raises:
        Unavailable: "bundle.missing": `find` does not have a block.
        BadBundle, BadCid: a block that a bundle may not hold; "bundle.budget": more blocks or links than limits
            allow visits.
    """
    seen: set[Cid] = set()
    wanted = [root]
    while wanted:
        cid = wanted.pop()
        if cid in seen:
            continue
        seen.add(cid)
        block = take(cid, find)
        yield cid, block
        wanted += [child for child in reversed(children(cid, block, limits)) if child not in seen]
        if max(len(seen), len(wanted)) > limits.visits:
            raise BadBundle("too many blocks", code="bundle.budget", limit=limits.visits)


def children(cid: Cid, block: bytes, limits: Limits = DEFAULT) -> tuple[Cid, ...]:
    """The CIDs of the blocks below, in order.

    What a block claims about the sizes below is held to the limits before anything below is asked for. A claim
    that is too low is found out later: then the tree has another CID when it is added again.

    Raises:
        BadBundle: "bundle.budget", or a block that a bundle may not hold; BadCid.
    """
    below = unixfs.below(cid, block)
    for child, size in below:
        if child.codec == RAW and size > limits.block:
            raise BadBundle("block is too large", code="bundle.budget", size=size, limit=limits.block)
    claimed = sum(size for _, size in below)
    if claimed > limits.transfer:
        raise BadBundle("too much content", code="bundle.budget", size=claimed, limit=limits.transfer)
    return tuple(child for child, _ in below)


def take(cid: Cid, find: Find) -> bytes:
    """The block, which must be there.

    Raises:
        Unavailable: "bundle.missing".
    """
    block = find(cid)
    if block is None:
        raise Unavailable("a block is missing", code="bundle.missing", cid=str(cid))
    return block
