"""The blocks below a root, in one order: parents first, children left to right, each block once.

Source: specs.ipfs.tech/http-gateways/trustless-gateway, `order=dfs; dups=n`.
"""

from collections.abc import Callable, Iterator

from cyberprivacy.bundle import unixfs
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.cid import Cid

Find = Callable[[Cid], bytes | None]
"""Gives the block that a CID names, already checked against it; None if it isn't there."""


def blocks(root: Cid, find: Find, limits: Limits = DEFAULT) -> Iterator[tuple[Cid, bytes]]:
    """Every block of the graph, once.

    Raises:
        Unavailable: "bundle.missing": `find` does not have a block.
        BadBundle, BadCid: a block that a bundle may not hold; "bundle.budget": more distinct blocks than limits
            allow visits.
    """
    seen = {root}
    wanted = [root]
    while wanted:
        cid = wanted.pop()
        block = take(cid, find)
        yield cid, block
        for child in reversed(unixfs.links(cid, block)):
            if child not in seen:
                seen.add(child)
                wanted.append(child)
        if len(seen) > limits.visits:
            raise BadBundle("too many blocks", code="bundle.budget", limit=limits.visits)


def take(cid: Cid, find: Find) -> bytes:
    """The block, which must be there.

    Raises:
        Unavailable: "bundle.missing".
    """
    block = find(cid)
    if block is None:
        raise Unavailable("a block is missing", code="bundle.missing", cid=str(cid))
    return block
