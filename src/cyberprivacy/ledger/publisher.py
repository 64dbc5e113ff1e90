"""From journal to public log: tiles, then a signed head, then cosignatures, then the checkpoint that all may read.

In this order, each durable before the next: killed between any two lines, the log that is served is whole, and
the next publication goes on from the journal. A head is remembered before anybody sees it, and one that does not
grow from the last is never signed: a restored backup does not become a fork.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.disk import folder as make_folder
from cyberprivacy.ledger.disk import forget_unfinished, replace
from cyberprivacy.ledger.headsigner import HeadSigner
from cyberprivacy.ledger.log import Head, Ledger, LedgerDamaged
from cyberprivacy.ledger.note import MAX_NOTE, Note
from cyberprivacy.ledger.proofs import consistency_proof, inclusion_proof, root_of
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.shelf import Shelf
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.trust import SeenHead, Trust, judge
from cyberprivacy.ledger.witnessed import WitnessedEntry, witnessed

REFRESH: Final = 600
"""Seconds after which a head is signed again although nothing was added: readers ask how old it is."""
CHECKPOINT: Final = "checkpoint"
_SIGNED: Final = "signed-head"


class Publisher:
    """The public log of one node. Several threads may use it.

    Attributes:
        public: the folder that is served: `checkpoint` and `tile/`.
        trust: what this log asks of its own heads.
    """

    def __init__(
        self,
        ledger: Ledger,
        folder: Path,
        *,
        signers: Sequence[Signer | HeadSigner],
        clock: Callable[[], float],
        quorum: Quorum | None = None,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            ledger: the journal, the only truth.
            folder: of this log alone.
            signers: the log's keys, all under its origin; one of them Ed25519 of the kind `LOG`.
            clock: seconds since 1970.
            quorum: whom to ask for cosignatures before a head is served; None asks nobody.

        Raises:
            Misuse: "ledger.keys".
        """
        origins = {each.name for each in signers}
        if len(origins) != 1 or Kind.LOG not in {each.kind for each in signers}:
            raise Misuse("a log has keys under one origin, one of them Ed25519", code="ledger.keys")
        self.public = folder / "public"
        self._signed = folder / _SIGNED
        self._ledger, self._signers, self._clock, self._quorum = ledger, tuple(signers), clock, quorum
        keys = tuple(each.verifier for each in signers)
        needed, others = (0, {}) if quorum is None else (quorum.needed, quorum.keys)
        self.trust = Trust(origins.pop(), keys, others, needed)
        self._lock = threading.Lock()
        self._shelf = Shelf(self.public)
        self._served: tuple[int, int] | None = None  # size, and when

    @property
    def size(self) -> int:
        """How many entries the checkpoint covers that this start has published; 0 before its first."""
        return 0 if self._served is None else self._served[0]

    def due(self) -> bool:
        """Whether there is something new to publish, or the last head grows old."""
        served = self._served
        if served is None or served[0] != self._ledger.head().size:
            return True
        return not 0 <= self._clock() - served[1] < REFRESH

    def publish(self) -> SeenHead:
        """Bring the public log up to the journal.

        Raises:
            LedgerFull: the disk refused; what was served is still served.
            LedgerDamaged: a tile, or the last head, is not what the journal says; nothing was signed.
            NoQuorum: too few witnesses cosigned; what was served is still served.
        """
        with self._lock:
            return self._publish()[1]

    def log_before_act(self, kind: str, facts: Mapping[str, object]) -> WitnessedEntry:
        """Log what is about to be done; return when it is public, and the quorum of witnesses has seen it.

        Raises:
            LedgerFull: the disk refused; nothing may be done.
            NoQuorum: too few witnesses; nothing may be done. The entry stays, as everything that was logged does.
            LedgerDamaged: as `publish`.
        """
        entry = self._ledger.append(kind, facts)
        with self._lock:
            reader, head = self._publish()
            proof = inclusion_proof(reader.node, entry.index, head.checkpoint.size)
            return witnessed(entry, proof, head.note.encode(), self.trust, now=self._clock())

    def _publish(self) -> tuple[LogReader, SeenHead]:
        head, now = self._ledger.head(), int(self._clock())
        make_folder(self.public)
        if self._served is None:  # of a size that is not written again
            forget_unfinished(self.public)
        self._shelf.add(islice(self._ledger.lines(self._shelf.size), head.size - self._shelf.size))
        self._shelf.flush()
        if self._shelf.root() != head.root:
            raise LedgerDamaged("the journal is not what it was when it was read")
        reader = LogReader(FolderSource(self.public), head)
        self._grown(reader)
        checkpoint = Checkpoint(self.trust.origin, head.size, head.root)
        note = Note(
            checkpoint.text, tuple(each.sign(checkpoint, time=self._time(each, now)) for each in self._signers)
        )
        replace(self._signed, note.encode())
        if self._quorum is not None:
            # A reader of its own: a witness that is late may still ask for its proof when we have gone on.
            node = LogReader(FolderSource(self.public), head).node
            gathered = self._quorum.gather(note, lambda old: consistency_proof(node, old, head.size), now=now)
            note = note.with_signatures(gathered.signatures)
        seen = judge(note.encode(), self.trust, now=now)
        replace(self.public / CHECKPOINT, note.encode())
        self._served = (head.size, now)
        return reader, seen

    def _grown(self, reader: LogReader) -> None:
        """Refuse a head that does not grow from the last one that was signed, whoever has seen that one."""
        note = self._last()
        if note is None:
            return
        last = Checkpoint.parse(note.text).head
        if last.size <= reader.head.size and root_of(reader.node, last.size) == last.root:
            return
        raise _rolled_back(last, reader.head)

    def _time(self, signer: Signer | HeadSigner, now: int) -> int:
        """When a key signs: on chain, time that falls is a crime, so a clock that was set back has to catch up."""
        note, key = self._last(), signer.verifier
        if note is None or signer.kind is not Kind.HEAD:
            return now
        return max([now, *(key.verify(note.text, line) or 0 for line in note.signatures if key.made(line))])

    def _last(self) -> Note | None:
        """The last head that was signed."""
        data = FolderSource(self._signed.parent).read(_SIGNED, MAX_NOTE)
        return None if data is None else Note.parse(data)


def _rolled_back(last: Head, now: Head) -> LedgerDamaged:
    return LedgerDamaged(
        "the journal does not grow from the last head that was signed",
        code="ledger.rolled-back",
        hint="It was restored from a backup, or changed: bring back the newest copy, or a mirror. Do not sign.",
        signed=last.size,
        journal=now.size,
    )
