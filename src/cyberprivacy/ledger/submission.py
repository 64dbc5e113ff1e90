"""What a log sends to a witness: how much it knows already, the proof, and the new checkpoint. Pure.

Source: C2SP tlog-witness, `add-checkpoint`.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.note import MAX_NOTE, BadNote, Note, base64
from cyberprivacy.ledger.proofs import MAX_PROOF, MAX_SIZE

MAX_REQUEST: Final = MAX_NOTE + 4096
_OLD: Final = re.compile(rb"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Submission:
    """One request.

    Attributes:
        old: size of the newest head that the log believes the witness to know.
        proof: consistency from there, hashes of 32 bytes.
        note: the signed checkpoint, nothing of it checked.
        checkpoint: what it says.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    def encode(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old}", *(b64encode(each).decode() for each in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.encode()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a request.

        Raises:
            BadNote: "witness.form", or what is wrong with the note.
        """
        if len(body) > MAX_REQUEST:
            raise BadNote("the request is too large", code="witness.form", limit=MAX_REQUEST)
        head, gap, rest = body.partition(b"\n\n")
        first, *lines = head.split(b"\n", MAX_PROOF + 1)
        found = _OLD.fullmatch(first)
        if not gap or found is None or int(found[1]) > MAX_SIZE or len(lines) > MAX_PROOF:
            raise BadNote("not an old size, at most 63 hashes, an empty line, and a note", code="witness.form")
        proof = tuple(base64(line.decode("ascii", "replace"), limit=32) for line in lines)
        if any(len(each) != 32 for each in proof):
            raise BadNote("a hash is not 32 bytes long", code="witness.form")
        note = Note.parse(rest)
        return cls(int(found[1]), proof, note, Checkpoint.parse(note.text))
