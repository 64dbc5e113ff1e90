"""A light client: remembers the newest head that it believed, and takes only heads that grow from it.

It needs no copy of the log. When a log shows two pasts, both signed heads are kept in a file, with the hashes
that prove it to anybody: whoever signed them cannot say otherwise.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.disk import folder, replace, writing
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.note import MAX_NOTE, BadNote
from cyberprivacy.ledger.proofs import consistency_proof, root_of
from cyberprivacy.ledger.publisher import CHECKPOINT
from cyberprivacy.ledger.reading import FolderSource, LogReader, Missing, Source
from cyberprivacy.ledger.signers import BadSignature
from cyberprivacy.ledger.tiles import BadTile
from cyberprivacy.ledger.trust import BadHead, SeenHead, Trust, judge, signed


class Fork(Untrusted):
    """A log signed two heads of which neither grew from the other."""

    code = "log.fork"
    hint = "The log, or who has its key, lies to somebody. Publish the evidence file; do not use this log."


class Rollback(Untrusted):
    """A source shows a head older than one that was seen before."""

    code = "log.rollback"
    hint = "A mirror may lag: ask another one, or later. A log that stays behind hides what came after."


class BadMemory(Untrusted):
    """What this client remembers is damaged."""

    code = "log.memory"
    hint = "Remove the file to begin anew; what was seen before is then no longer compared."


class LightClient:
    """For one thread at a time; several processes may share a memory."""

    def __init__(self, trust: Trust, memory: Path, *, clock: Callable[[], float]) -> None:
        """Nothing is read yet.

        Args:
            trust: what is asked of the log.
            memory: folder where heads are remembered, for all logs; made when needed.
            clock: seconds since 1970.
        """
        self.trust, self._folder, self._clock = trust, memory, clock
        self._name = f"{sha256(trust.origin.encode()).hexdigest()[:32]}.checkpoint"

    def remembered(self) -> SeenHead | None:
        """The newest head that was believed; None if this log was never seen.

        Raises:
            BadMemory: "log.memory".
        """
        data = FolderSource(self._folder).read(self._name, MAX_NOTE)
        if data is None:
            return None
        try:
            return signed(data, self.trust, now=self._clock())
        except (BadNote, BadSignature, BadHead) as problem:
            path = str(self._folder / self._name)
            raise BadMemory(
                "what was remembered is not a head of this log", path=path, why=str(problem)
            ) from problem

    def update(self, source: Source) -> tuple[LogReader, SeenHead]:
        """Take the newest head of a source, if it may be believed, and remember it.

        Returns:
            The way to its tree and entries, and the head.

        Raises:
            BadNote, BadSignature: what came is no signed head.
            BadHead: log.origin, log.unknown-key, log.quorum, log.undated, log.stale.
            Fork: the evidence is in a file, whose path is told.
            Rollback: the source is behind.
            BadTile: the source's tiles are not those of its head.
            Missing: the source lacks a file.
            TryLater: the source is out of reach, or the disk is full; what was remembered stays.
        """
        data = source.read(CHECKPOINT, MAX_NOTE)
        if data is None:
            raise Missing("there is no checkpoint", source=source.name)
        old = self.remembered()
        while True:
            reader, new = self._judged(source, data, old)
            with self._alone():
                since = self.remembered()
                if since == old:
                    replace(self._folder / self._name, new.whole.encode())
                    return reader, new
            old = since  # another process has seen more meanwhile: compare with that

    def _judged(self, source: Source, data: bytes, old: SeenHead | None) -> tuple[LogReader, SeenHead]:
        now = self._clock()
        # A head is compared before it is asked who has seen it: a fork that no witness cosigned is a fork.
        new = signed(data, self.trust, now=now)
        reader = LogReader(source, new.checkpoint.head) if old is None else self._compare(source, old, new)
        return reader, judge(data, self.trust, now=now)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes of this user from writing the same memory."""
        folder(self._folder)
        with writing(self._folder):
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _compare(self, source: Source, old: SeenHead, new: SeenHead) -> LogReader:
        before, after = old.checkpoint.head, new.checkpoint.head
        if before.size == after.size and before.root != after.root:
            raise self._fork(old, new, ForkEvidence(old.whole.encode(), new.whole.encode(), after.root, ()))
        if after.size < before.size:
            self._shorter(source, old, new)
        reader = LogReader(source, after)
        self._same_past(reader, old, new)
        return reader

    def _same_past(self, reader: LogReader, shorter: SeenHead, longer: SeenHead) -> None:
        """Refuse a pair of heads if the tree below the longer one says that its past is not the shorter one."""
        size = shorter.checkpoint.size
        past = root_of(reader.node, size)
        if past != shorter.checkpoint.root:
            proof = consistency_proof(reader.node, size, longer.checkpoint.size)
            evidence = ForkEvidence(shorter.whole.encode(), longer.whole.encode(), past, proof)
            raise self._fork(shorter, longer, evidence)

    def _shorter(self, source: Source, old: SeenHead, new: SeenHead) -> NoReturn:
        """Refuse an older head; as a fork, if the source's own tiles show that it is of another past."""
        before, after = old.checkpoint.head, new.checkpoint.head
        older = Rollback(
            "the source shows an older head than the one that is known",
            seen=before.size,
            shown=after.size,
            source=source.name,
        )
        try:
            known = LogReader(source, before)
            self._same_past(known, new, old)
        except (BadTile, Missing) as problem:  # nothing there leads to the known head: older or forked, who knows
            raise older from problem
        raise older

    def _fork(self, shorter: SeenHead, longer: SeenHead, evidence: ForkEvidence) -> Fork:
        """Keep the evidence, and say where."""
        evidence.check(self.trust)
        data = evidence.encode()
        path = self._folder / f"fork-{sha256(data).hexdigest()[:16]}.json"
        replace(path, data)
        both = sorted(shorter.witnesses.keys() & longer.witnesses.keys())
        return Fork(
            "the log shows two pasts; both signed heads are kept",
            evidence=str(path),
            sizes=" and ".join(map(str, evidence.sizes)),
            cosigned_both=", ".join(both) or "nobody",
        )
