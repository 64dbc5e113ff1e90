"""Several sources as one: asked in their order; one that lies or fails is named and not asked again."""

from collections.abc import Sequence

import structlog

from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.sources import BlockSource, Fault, Progress, Received
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError

_log = structlog.get_logger("cyberprivacy.bundle")


def silent(event: Received | Fault) -> None:
    """Nobody watches."""
    del event


class Panel:
    """The sources of one task.

    Attributes:
        left: those that are still asked.
    """

    def __init__(self, sources: Sequence[BlockSource], progress: Progress = silent) -> None:
        self.left = list(sources)
        self._progress = progress
        self._dropped: dict[str, CyberPrivacyError] = {}

    def ask(self, cid: Cid) -> tuple[BlockSource, bytes] | None:
        """The first source that has the block, and the block; None if none of those left has it."""
        for source in tuple(self.left):
            try:
                block = source.find(cid)
            except (BadSource, Unavailable) as error:
                self.drop(source, error)
                continue
            if block is not None:
                return source, block
        return None

    def take(self, cid: Cid) -> bytes:
        """The block from the first source that has it; a `graph.Find`.

        Raises:
            Unavailable: no source gave it; fact `dropped` names those that lied or failed.
        """
        found = self.ask(cid)
        if found is None:
            raise self.nobody(cid)
        return found[1]

    def drop(self, source: BlockSource, error: BadSource | Unavailable) -> None:
        """Ask this source no more, and say why."""
        self.left.remove(source)
        self._dropped[source.name] = error
        self.tell("bundle.source_dropped", source, error)

    def tell(self, event: str, source: BlockSource, error: CyberPrivacyError) -> None:
        """Name a source's fault, in the log and to whoever watches."""
        error.facts.setdefault("source", source.name)
        facts = {name: str(value) for name, value in error.facts.items()}
        _log.warning(event, code=error.code, what=error.what, **facts)
        self._progress(Fault(source.name, error))

    def nobody(self, cid: Cid) -> Unavailable:
        """Why a block can't be had: somebody who may have it is out of reach, or lied, or nobody has it."""
        codes = {name: error.code for name, error in self._dropped.items()}
        failed = [error.code for error in self._dropped.values() if isinstance(error, Unavailable)]
        lied = [error.code for error in self._dropped.values() if isinstance(error, BadSource)]
        code = (failed or lied or ["bundle.missing"])[0]
        asked = [*codes, *(source.name for source in self.left)]
        return Unavailable("no source gave a block", code=code, cid=str(cid), dropped=codes, asked=asked)
