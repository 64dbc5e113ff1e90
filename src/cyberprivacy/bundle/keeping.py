"""Which bundles stay on a node's disk: those that it is told, and those that were fetched lately. Others go."""

from collections.abc import Collection, Iterator
from pathlib import Path

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.bundle.scratch import scratch, sweep
from cyberprivacy.bundle.space import on_disk
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import DAG_PB, BadCid, Cid


def keep(store: FolderStore, trees: Path, roots: Collection[Cid], *, unused_since: float) -> int:
    """Remove every bundle but these, its tree and its blocks; what a kept bundle shares with one that goes stays.

    Nothing is removed while anybody fetches into the store; call it again later. Killed anywhere, it leaves every
    kept bundle whole; the next call removes the rest.

    Args:
        store: keeps the blocks.
        trees: folder with the trees that were fetched, each called by its CID.
        roots: bundles that run, are wanted, or may be wanted again soon. One that is not here is no fault.
        unused_since: seconds since 1970; what was fetched or verified later stays as well.

    Returns:
        Bytes of what was removed.

    Raises:
        Unavailable: "bundle.missing": a kept bundle has lost a block that says what belongs to it, and has no tree
            to take it from; no block was removed. "bundle.disk".
        BadBundle: a kept tree is not what it was; no block was removed.
    """
    with on_disk(), store.if_unused() as unused:
        if not unused:
            return 0
        freed = 0
        stay = set(roots)
        trees.mkdir(parents=True, exist_ok=True)
        sweep(trees)
        for cid, tree in list(_bundles(trees)):
            if cid in stay or tree.stat().st_mtime >= unused_since:
                stay.add(cid)
            else:
                freed += _discard(tree)
        kept: set[Cid] = set()
        for root in stay:
            kept |= _blocks(root, store, trees / str(root))
        return freed + store.drop(kept, stay, unused_since=unused_since)


def _bundles(trees: Path) -> Iterator[tuple[Cid, Path]]:
    for tree in trees.iterdir():
        try:
            yield Cid.parse(tree.name), tree
        except BadCid:
            continue  # not ours


def _discard(tree: Path) -> int:
    """Out of its place in one step, so that nobody ever finds half of it there."""
    size = sum(path.lstat().st_size for path in tree.rglob("*"))
    with scratch(tree.parent) as private:
        tree.rename(private / "tree")
    return size


def _blocks(root: Cid, store: FolderStore, tree: Path) -> set[Cid]:
    """Every block of a kept bundle; empty if it is not here at all."""
    if store.find(root) is None and not tree.exists():
        return set()
    try:
        return _below(root, store)
    except Unavailable:
        if not tree.exists():
            raise
    found = TreeBlocks(tree, exact=True)
    store.add(graph.blocks(root, found.find))
    return _below(root, store)


def _below(root: Cid, store: FolderStore) -> set[Cid]:
    """Read from directories and files' nodes alone; content need not be read to know its name."""
    seen: set[Cid] = set()
    wanted = [root]
    while wanted:
        cid = wanted.pop()
        if cid not in seen:
            seen.add(cid)
            wanted += graph.children(cid, graph.take(cid, store.find)) if cid.codec == DAG_PB else ()
    return seen
