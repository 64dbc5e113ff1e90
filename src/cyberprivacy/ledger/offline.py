"""A proof in a file: that an entry is in a log, for whoever has the keys and no network. Pure.

Source: C2SP tlog-proof v1. The entry itself stands in its `extra` line, so that the file is enough.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.note import MAX_NOTE, BadNote, Note, base64
from cyberprivacy.ledger.proofs import MAX_PROOF, MAX_SIZE, check_inclusion
from cyberprivacy.ledger.tiles import MAX_ENTRY
from cyberprivacy.ledger.trust import SeenHead, Trust, judge

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_FILE: Final = MAX_NOTE + MAX_ENTRY * 4 // 3 + 8192
_HEAD: Final = re.compile(
    rf"{re.escape(FIRST_LINE)}\nextra ([A-Za-z0-9+/=]*)\nindex (0|[1-9][0-9]{{0,18}})((?:\n[A-Za-z0-9+/=]+)*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class OfflineProof:
    """An entry and why it is in a log.

    Attributes:
        entry: as it was logged.
        index: its place.
        path: sibling hashes of 32 bytes, lowest first.
        note: the signed checkpoint.
    """

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """The file."""
        lines = [FIRST_LINE, f"extra {b64encode(self.entry).decode()}", f"index {self.index}"]
        lines += (b64encode(each).decode() for each in self.path)
        return "\n".join([*lines, "", ""]).encode() + self.note.encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a file; nothing in it is believed before `check`.

        Raises:
            BadNote: "proof.form", or what is wrong with the note.
        """
        if len(data) > MAX_FILE:
            raise BadNote("a proof is too large", code="proof.form", limit=MAX_FILE)
        head, gap, rest = data.partition(b"\n\n")
        found = _HEAD.fullmatch(head.decode("ascii", "replace"))
        if found is None or not gap or int(found[2]) > MAX_SIZE:
            raise BadNote("not a proof with its entry in it", code="proof.form")
        lines = found[3].split("\n")[1:]
        if len(lines) > MAX_PROOF:
            raise BadNote("more hashes than any tree needs", code="proof.form", limit=MAX_PROOF)
        path = tuple(base64(line, limit=32) for line in lines)
        return cls(base64(found[1], limit=MAX_ENTRY), int(found[2]), path, Note.parse(rest))

    def check(self, trust: Trust, *, now: float) -> SeenHead:
        """Whether the entry is in the log that `trust` names.

        Raises:
            Untrusted: the head is not believed, or the entry is not in it.
        """
        head = judge(self.note.encode(), trust, now=now)
        check_inclusion(
            leaf=leaf_hash(self.entry),
            index=self.index,
            size=head.checkpoint.size,
            proof=self.path,
            root=head.checkpoint.root,
        )
        return head
