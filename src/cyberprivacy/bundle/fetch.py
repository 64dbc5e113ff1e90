"""From a CID to a verified tree on disk, through sources of which none is trusted.

A fetch can be killed anywhere and begun again: blocks that came in are kept, and not asked for a second time. A
bundle that is refused leaves nothing. A source that lies or fails says nothing about the bundle: it is named,
dropped for the rest of this fetch, and the next one is asked.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import structlog

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.asking import Asking
from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.panel import silent
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.bundle.scratch import sweep
from cyberprivacy.bundle.sources import BlockSource, Progress
from cyberprivacy.bundle.store import FolderStore, Incoming
from cyberprivacy.bundle.tree import TreeBlocks, prove
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import Cid
from cyberprivacy.errors import Untrusted

_log = structlog.get_logger("cyberprivacy.bundle")


def fetch(
    cid: Cid,
    sources: Sequence[BlockSource],
    store: FolderStore,
    into: Path,
    limits: Limits = DEFAULT,
    *,
    progress: Progress = silent,
    replace: bool = False,
) -> VerifiedBundle:
    """The bundle as a directory at `into`, its blocks in `store`.

    Args:
        cid: root directory of the bundle.
        sources: asked in this order.
        store: keeps the blocks; asked before any source.
        into: where the directory goes; its parent must exist. If it is there already it is verified again.
        limits: what the bundle may hold.
        progress: is told what comes in and who is dropped.
        replace: remove what is at `into` if it is not this bundle, instead of refusing.

    Raises:
        BadBundle, BadCid: the bundle is refused; the store keeps none of it. "bundle.tree": something else
            is at `into`.
        Unavailable: no source has a block, or the disk is full; what came in is kept for the next try.
    """
    try:
        sweep(into.parent)
        with store.in_use():
            if os.path.lexists(into) and not _is_empty(into):
                try:
                    return _open(cid, store, into, limits)
                except BadBundle as error:
                    if not replace:
                        raise
                    _log.warning("bundle.replaced", tree=str(into), cid=str(cid), code=error.code)
                    shutil.rmtree(into)
            incoming = store.incoming(cid)
            return _fetch(Asking(cid, sources, incoming, limits, progress), incoming, into)
    except OSError as error:
        raise Unavailable(
            "the disk failed", code="bundle.disk", reason=str(error.strerror), path=str(error.filename)
        ) from error


def _open(cid: Cid, store: FolderStore, into: Path, limits: Limits) -> VerifiedBundle:
    """The tree that an earlier fetch left; the store gets back any block that it has lost.

    The time of the tree says when it was last fetched: `keeping` reads it.
    """
    tree = TreeBlocks(into, limits=limits, exact=True)
    bundle = prove(cid, tree, into)
    os.utime(into)
    store.incoming(cid).accept()
    store.add(graph.blocks(cid, tree.find, limits))
    return bundle


def _fetch(asking: Asking, incoming: Incoming, into: Path) -> VerifiedBundle:
    try:
        asking.complete()
        bundle = extract(asking.root, incoming.find, into, asking.limits)
    except Untrusted:
        incoming.refuse()
        raise
    incoming.accept()
    return bundle


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
