"""A log and its witnesses without a network: entries that are numbers, and lines that lead to real witnesses."""

from collections.abc import Callable
from pathlib import Path

from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.proofs import EMPTY_ROOT, consistency_proof, root_of
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.signers import Kind, Signer, VerifierKey
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.tiles import subtree_root
from cyberprivacy.ledger.witness import Witness

ORIGIN = "log.example/one"
LOG = Signer.of(ORIGIN, Kind.LOG, bytes([101]) * 32)


class PaperLog:
    """A log whose entries are the numbers from 0 on; from `fork` on they are others."""

    def __init__(self, *, fork: int | None = None, signer: Signer = LOG) -> None:
        self._fork, self.signer = fork, signer

    def entry(self, index: int) -> bytes:
        """One entry."""
        forked = self._fork is not None and index >= self._fork
        return b'{"n":%d%s}' % (index, b',"other":1' if forked else b"")

    def node(self, level: int, index: int) -> bytes:
        """As `proofs.Node`."""
        return subtree_root([leaf_hash(self.entry(at)) for at in range(index << level, (index + 1) << level)])

    def head(self, size: int) -> Checkpoint:
        """The head over the first entries."""
        return Checkpoint(self.signer.name, size, root_of(self.node, size) if size else EMPTY_ROOT)

    def note(self, size: int) -> Note:
        """That head, signed."""
        head = self.head(size)
        return Note(head.text, (self.signer.sign(head, time=1),))

    def submission(self, old: int, size: int) -> Submission:
        """A request to a witness; without a proof where there can be none."""
        proof = consistency_proof(self.node, old, size) if old <= size else ()
        return Submission(old, proof, self.note(size), self.head(size))


class DirectLine:
    """A `quorum.WitnessLine` that ends in this process; it can be cut, or disturbed.

    Attributes:
        cut: no answer at all.
        disturb: changes every answer.
        asked: how often it was asked.
    """

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self.cut = False
        self.disturb: Callable[[int, bytes], tuple[int, bytes]] = honest
        self.asked = 0

    def submit(self, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """As `WitnessLine` says."""
        assert timeout > 0  # noqa: S101
        self.asked += 1
        if self.cut:
            raise TryLater("no way to it", code="witness.silent")
        reply = self._witness.add_checkpoint(body)
        return self.disturb(reply.status, reply.body)


def refuse(_status: int, _body: bytes) -> tuple[int, bytes]:
    """What a witness answers that will not cosign; for `DirectLine.disturb`."""
    return 403, b"not now\n"


def honest(status: int, body: bytes) -> tuple[int, bytes]:
    """What it says undisturbed."""
    return status, body


class Bench:
    """Some witnesses of one log, and the lines to them."""

    def __init__(
        self, folder: Path, names: tuple[str, ...], *, clock: Callable[[], float], log: VerifierKey | None = None
    ) -> None:
        key = LOG.verifier if log is None else log
        self.signers = {
            name: [
                Signer.of(name, Kind.COSIGNER, bytes([2 * place + 1]) * 32),
                Signer.of(name, Kind.COSIGNER_PQ, bytes([2 * place + 2]) * 32),
            ]
            for place, name in enumerate(names)
        }
        self.witnesses = {
            name: Witness(folder / name, signers=signers, logs={key.name: [key]}, clock=clock)
            for name, signers in self.signers.items()
        }
        self.lines = {name: DirectLine(each) for name, each in self.witnesses.items()}
        self.keys = {name: tuple(each.verifier for each in made) for name, made in self.signers.items()}

    def quorum(self, needed: int, *, deadline: float = 5.0) -> Quorum:
        """Ask so many of them."""
        return Quorum(self.lines, self.keys, needed=needed, deadline=deadline)
