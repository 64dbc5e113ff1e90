"""The proof that a log showed two pasts: two heads that it signed, and why neither grew from the other. Pure.

Anybody can check it with the log's key alone; no clock, no witness and no copy of the log is needed.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.checkpoint import MAX_ORIGIN, Checkpoint
from cyberprivacy.ledger.note import MAX_NOTE, Note, base64
from cyberprivacy.ledger.proofs import MAX_PROOF, check_consistency
from cyberprivacy.ledger.trust import SKEW, Trust, signed

MAX_EVIDENCE: Final = 2 * MAX_NOTE + 64 * 1024
_END_OF_TIME: Final = (1 << 63) - SKEW


class NoFork(Untrusted):
    """A document does not prove that a log forked."""

    code = "log.no-fork"
    hint = "Do not accuse anybody on this ground."


@dataclass(frozen=True, slots=True)
class ForkEvidence:
    """Two signed heads.

    Attributes:
        shorter: signed note of the smaller log, or of one of equal size.
        longer: signed note of the other one.
        past: 32 bytes: what the root at the smaller size is in the longer log.
        proof: consistency from `past` to the longer log's head; none for logs of one size.
    """

    shorter: bytes
    longer: bytes
    past: bytes
    proof: tuple[bytes, ...]

    def encode(self) -> bytes:
        """As canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "shorter": self.shorter.decode(),
                "longer": self.longer.decode(),
                "past": b64encode(self.past).decode(),
                "proof": [b64encode(each).decode() for each in self.proof],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a document; `check` judges it.

        Raises:
            NotCanonical: not canonical JSON, or too large.
            BadNote: not base64.
            NoFork: "log.no-fork": another form; "log.testimony": what a watcher only says.
        """
        match canonical.decode(data, limit=MAX_EVIDENCE):
            case {
                "v": 1,
                "shorter": str(shorter),
                "longer": str(longer),
                "past": str(past),
                "proof": list(proof),
                **other,
            } if not other and len(proof) <= MAX_PROOF and all(isinstance(each, str) for each in proof):
                hashes = tuple(base64(str(each), limit=32) for each in proof)
                return cls(shorter.encode(), longer.encode(), base64(past, limit=32), hashes)
            case {"v": 1, "about": str(about), "code": str(code)}:
                raise NoFork(
                    "testimony of one watcher, which nothing in it proves",
                    code="log.testimony",
                    hint="Ask other watchers of this log what they have seen.",
                    about=about[:MAX_ORIGIN],
                    said=code[:80],
                )
        raise NoFork("not a document of this form")

    def check(self, trust: Trust) -> None:
        """Whether the log that `trust` names is guilty; its quorum and age do not matter.

        Raises:
            NoFork, ProofRefused, BadNote, BadSignature, BadHead: this does not prove it.
        """
        heads = [signed(note, trust, now=_END_OF_TIME).checkpoint for note in (self.shorter, self.longer)]
        short, long = heads
        check_consistency(old=short.size, new=long.size, old_root=self.past, new_root=long.root, proof=self.proof)
        if self.past == short.root:
            raise NoFork("the longer log grew from the shorter one")

    @property
    def sizes(self) -> tuple[int, int]:
        """Entries of the two logs."""
        short, long = (Checkpoint.parse(Note.parse(note).text).size for note in (self.shorter, self.longer))
        return short, long
