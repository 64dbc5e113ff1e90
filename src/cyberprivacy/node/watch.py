"""The node's view of the chain: what a DAO wants, never older than what was seen before, restarts included."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.node import files
from cyberprivacy.proposal import reading
from cyberprivacy.proposal.agreeing import Ledger
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock

MAX_AGE: Final = 7_200
"""Seconds that the newest final block may be old. Source: DESIGN section 3, reading with finality."""


class SeenDamaged(Untrusted):
    """The file that says how far this node has read the chain is not what was written."""

    code = "node.seen"
    hint = "Find out who changed it; remove it only if this node may start to read anew."


class Watch:
    """Reads the chain for one DAO; remembers the last final block on disk. Threads may share it."""

    def __init__(self, chain: Ledger, seen: Path, *, clock: Callable[[], float]) -> None:
        """`seen` is the file in which the last final block is kept.

        Raises:
            SeenDamaged: the file does not read back.
        """
        self._chain, self._seen, self._clock = chain, seen, clock
        self._last = _load(seen)
        self._turn = threading.Lock()
        self.why = ""

    def approved(self, dao: Address) -> ApprovedRelease | None:
        """The release that must run; None when the chain clearly says that nothing may."""
        with self._turn:
            found = reading.read(self._chain, dao, last=self._last, now=int(self._clock()), max_age=MAX_AGE)
            if self._last is None or found.block.number > self._last.number:
                block = {
                    "hash": found.block.hash.hex(),
                    "number": found.block.number,
                    "timestamp": found.block.timestamp,
                }
                files.replace(self._seen, canonical.encode(block))
                self._last = found.block
            self.why = found.why
            return found.release


def _load(path: Path) -> FinalBlock | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        value = canonical.decode(data, limit=1_000)
    except canonical.NotCanonical as error:
        raise SeenDamaged("the last block that was read is damaged", path=str(path)) from error
    match value:
        case {"hash": str(name), "number": int(number), "timestamp": int(timestamp)} if len(name) == 64:
            return FinalBlock(number, bytes.fromhex(name), timestamp)
    raise SeenDamaged("the last block that was read is damaged", path=str(path))
