"""Checkpoints: the text by which a log says how many entries it has, and over which root. Pure.

Source: C2SP tlog-checkpoint v1.0.0. A log's own extension lines are kept as they are and mean nothing to us.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.ledger.log import Head
from cyberprivacy.ledger.note import BadNote, base64
from cyberprivacy.ledger.proofs import MAX_SIZE

MAX_ORIGIN: Final = 255
"""Bytes: what the ML-DSA-44 cosignature can say."""
MAX_TEXT: Final = 16 * 1024
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment.

    Attributes:
        origin: the name of the log, 1 to 255 bytes of UTF-8; not necessarily an address.
        size: entries.
        root: 32 bytes, RFC 6962 head over them.
        extensions: further lines, uninterpreted.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def head(self) -> Head:
        """Size and root."""
        return Head(self.size, self.root)

    @property
    def text(self) -> str:
        """The text of the note, with its last line feed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note.

        Raises:
            BadNote: "checkpoint.form".
        """
        if len(text) > MAX_TEXT:
            raise BadNote("a checkpoint is too long", code="checkpoint.form", limit=MAX_TEXT)
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise BadNote("a checkpoint has three lines or more, none of them empty", code="checkpoint.form")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise BadNote("not a size of a log", code="checkpoint.form", size=size[:40])
        made = cls(origin, int(size), base64(root, limit=32), tuple(extensions))
        if len(made.root) != 32 or len(origin.encode()) > MAX_ORIGIN:
            raise BadNote("not the root or not the origin of a log", code="checkpoint.form")
        return made
