"""One round of questions to the sources, until every block below a root is here.

Whole graphs are asked for first, and single blocks where that fails. What comes in is kept only if it is below
the root, so that a source can't fill the disk with blocks of its own choice.
"""

from collections.abc import Sequence

from cyberprivacy.bundle import car, graph, unixfs
from cyberprivacy.bundle.limits import Limits
from cyberprivacy.bundle.panel import Panel
from cyberprivacy.bundle.refusals import BadBundle, BadSource, Unavailable
from cyberprivacy.bundle.sources import BlockSource, CarSource, Progress, Received
from cyberprivacy.bundle.space import require_space
from cyberprivacy.bundle.store import Incoming
from cyberprivacy.cid import DAG_PB, Cid


class Asking:
    """Sources are asked in their order; one that lies or fails is dropped, and named.

    Attributes:
        root: of the bundle.
        limits: what the bundle may hold.
    """

    def __init__(
        self, root: Cid, sources: Sequence[BlockSource], incoming: Incoming, limits: Limits, progress: Progress
    ) -> None:
        self.root = root
        self.limits = limits
        self._panel = Panel(sources, progress)
        self._without_graphs: set[str] = set()
        self._incoming = incoming
        self._progress = progress
        self._blocks = self._size = 0

    def complete(self) -> None:
        """Get every block below the root that isn't here yet.

        Raises:
            BadBundle, BadCid: a block, named by its CID, that a bundle may not hold.
            Unavailable: no source has a block; the disk is too small.
        """
        for _ in graph.blocks(self.root, self._obtain, self.limits):
            pass

    def _obtain(self, cid: Cid) -> bytes:
        block = self._incoming.find(cid)
        if block is None and cid.codec == DAG_PB:
            block = self._from_graphs(cid)
        if block is None:
            found = self._panel.ask(cid)
            if found is None:
                raise self._panel.nobody(cid)
            source, block = found
            self._keep(source, cid, block)
        return block

    def _from_graphs(self, cid: Cid) -> bytes | None:
        """Take in as much as possible of what is below a node, from the first source that has its root."""
        for source in tuple(self._panel.left):
            if isinstance(source, CarSource) and source.name not in self._without_graphs:
                self._try_graph(source, cid)
                block = self._incoming.find(cid)
                if block is not None:
                    return block
        return None

    def _try_graph(self, source: CarSource, root: Cid) -> None:
        """A source that fails here is still asked for single blocks; one that lies is not asked again."""
        try:
            self._take_graph(source, root)
        except Unavailable as error:
            if error.code in ("bundle.disk", "bundle.inodes"):
                raise
            self._without_graphs.add(source.name)
            self._panel.tell("bundle.graph_failed", source, error)
        except BadSource as error:
            self._panel.drop(source, error)

    def _take_graph(self, source: CarSource, root: Cid) -> None:
        with source.car(root) as stream:
            if stream is None:
                self._without_graphs.add(source.name)
                return
            expected, done = {root}, set[Cid]()
            for cid, block in car.read(stream, root, self.limits):
                if cid in done:
                    continue  # the source repeats blocks; allowed, and it counts against the stream's limit
                if cid not in expected:
                    raise BadSource("a block that belongs to something else", code="bundle.stray", cid=str(cid))
                expected.discard(cid)
                done.add(cid)
                expected.update(set(graph.children(cid, block, self.limits)) - done)
                if len(expected) + len(done) > self.limits.visits:
                    raise BadBundle("too many blocks", code="bundle.budget", limit=self.limits.visits)
                if not self._incoming.seems_to_have(cid, len(block)):
                    self._keep(source, cid, block)

    def _keep(self, source: BlockSource, cid: Cid, block: bytes) -> None:
        """Take in one block that is below the root, within the limits of one bundle."""
        if len(block) > self.limits.block:
            raise BadBundle("block is too large", code="bundle.budget", size=len(block))
        if cid == self.root:
            graph.children(cid, block, self.limits)
            claimed = sum(size for _, size in unixfs.below(cid, block))
            require_space(self._incoming.disk, claimed, files=0)
        self._blocks += 1
        self._size += len(block)
        if self._blocks > self.limits.visits or self._size > self.limits.transfer:
            raise BadBundle("too many blocks or bytes", code="bundle.budget", blocks=self._blocks, size=self._size)
        self._incoming.put(cid, block)
        self._progress(Received(source.name, self._blocks, self._size))
