"""What they decided on: a source tree whose every byte is named by its CID."""

from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.cid import Cid
from cyberprivacy.seal import Seal

SEAL: Final = Seal("bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBundle:
    """A bundle on disk that re-adds to its own CID. Made only by `bundle`.

    Attributes:
        cid: root of the tree (dag-pb).
        tree: directory that holds the files; modes 0644 and 0755, no symlinks; nobody may write to it.
        size: bytes of file content.
        entries: files and directories.
    """

    cid: Cid
    tree: Path
    size: int
    entries: int
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)
