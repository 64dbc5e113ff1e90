"""The ports behind which blocks are looked for, and what a fetch tells while it looks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cyberprivacy.bundle.car import Reader
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError


class BlockSource(Protocol):
    """Anything that may know a block."""

    @property
    def name(self) -> str:
        """How logs and refusals call it; never with a secret in it."""
        ...

    def find(self, cid: Cid) -> bytes | None:
        """The block, its hash checked against the CID by whoever implements this; None if it isn't there.

        Raises:
            BadSource: the source lied.
            Unavailable: it can't be reached, is too slow, or failed.
        """
        ...


@runtime_checkable
class CarSource(BlockSource, Protocol):
    """A block source that can also send a whole graph at once."""

    def car(self, cid: Cid) -> AbstractContextManager[Reader | None]:
        """The CAR below a CID as it arrives, not checked at all; None if it isn't there or not offered.

        Reading may raise what `find` raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """So much has come in during this fetch: new blocks and their bytes; `source` sent the last one."""

    source: str
    blocks: int
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A source lied, and is not asked again; or it failed, and is asked at most for single blocks."""

    source: str
    error: CyberPrivacyError


Progress = Callable[[Received | Fault], object]
"""Is told what happens; must not raise."""
