"""A witness: remembers the newest head of each log that it watches, and cosigns only what grew from it.

Whoever asks is believed nothing. The new head is on disk before its cosignature leaves, so that two heads of one
size never have both, whatever crashes. Source: C2SP tlog-witness, `add-checkpoint`.
"""

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger import disk
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.log import Head, LedgerDamaged, LedgerTaken
from cyberprivacy.ledger.note import MAX_NOTE, BadNote, Note, Signature
from cyberprivacy.ledger.proofs import EMPTY_ROOT, ProofRefused, check_consistency
from cyberprivacy.ledger.signers import BadSignature, Kind, Signer, VerifierKey
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.trust import BadHead, Trust, signed

SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


class WrongClock(TryLater):
    """The witness's clock is behind what it has signed already."""

    code = "witness.clock"
    hint = "Set the clock; until then nothing is cosigned."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers: an HTTP status, and a body of that type."""

    status: int
    body: bytes
    type: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class _Known:
    """The newest head of a log that was cosigned: its note, and when."""

    note: Note
    checkpoint: Checkpoint
    time: int


class Witness:
    """Several threads may ask; one process has the folder."""

    def __init__(
        self,
        folder: Path,
        *,
        signers: Sequence[Signer],
        logs: Mapping[str, Sequence[VerifierKey]],
        clock: Callable[[], float],
    ) -> None:
        """Open what was remembered.

        Args:
            folder: of this witness alone; never restored from a backup: older memories sign what this refuses.
            signers: its keys, under one name: Ed25519, ML-DSA-44, or both.
            logs: which logs it watches: keys by origin.
            clock: seconds since 1970.

        Raises:
            LedgerTaken: another process has the folder.
            LedgerDamaged: what was remembered is not what this witness signed.
            Misuse: not the keys of a cosigner.
        """
        if (
            not signers
            or len({each.name for each in signers}) != 1
            or any(s.kind in (Kind.LOG, Kind.HEAD) for s in signers)
        ):
            raise Misuse("a witness has cosigner's keys of one name", code="witness.keys")
        self._folder, self._signers, self._clock = folder, tuple(signers), clock
        own = [each.verifier for each in signers]
        self._trust = {origin: Trust.of(origin, keys, own) for origin, keys in logs.items()}
        self._lock = Lock()
        disk.folder(folder)
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take()
            self._known = {origin: self._remembered(origin) for origin in self._trust}
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._file)

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer one request.

        Args:
            body: as it came, `submission.MAX_REQUEST` bytes at most.

        Raises:
            LedgerFull: the head could not be made durable, so it was not cosigned.
            WrongClock: the same.
        """
        try:
            asked = Submission.parse(body)
        except BadNote as refusal:
            return _no(400, refusal.what)
        trust = self._trust.get(asked.checkpoint.origin)
        if trust is None:
            return _no(404, "this log is not watched here")
        now = int(self._clock())
        try:
            head = signed(asked.note.encode(), trust, now=now)
        except (BadSignature, BadHead) as refusal:
            return _no(403, refusal.what)
        if asked.old > asked.checkpoint.size:
            return _no(400, "the old size is larger than the new one")
        with self._lock:
            return self._grow(asked, head.note, now)

    def newest(self, origin_hash: str) -> bytes | None:
        """The newest cosigned note of a log, by the hex SHA-256 of its origin; None if there is none."""
        for origin, known in self._known.items():
            if known is not None and _name(origin) == origin_hash:
                return known.note.encode()
        return None

    def _grow(self, asked: Submission, note: Note, now: int) -> Reply:
        """Compare with what is known, remember, and only then sign; for one thread at a time."""
        origin, new = asked.checkpoint.origin, asked.checkpoint
        known = self._known[origin]
        old, time = (Head(0, EMPTY_ROOT), 0) if known is None else (known.checkpoint.head, known.time)
        if asked.old != old.size:
            return Reply(409, f"{old.size}\n".encode(), SIZE_TYPE)
        try:
            check_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, proof=asked.proof)
        except ProofRefused as refusal:
            return _no(422, refusal.what)
        if now < max(time, 1):
            raise WrongClock("the clock is behind the last cosignature", now=now, last=time)
        lines = tuple(each.sign(new, time=now) for each in self._signers)
        by_log = Note(note.text, tuple(line for line in note.signatures if not self._own(line)))
        self._remember(origin, _Known(by_log.with_signatures(lines), new, now))
        return Reply(200, "".join(line.line for line in lines).encode())

    def _own(self, line: Signature) -> bool:
        return any(each.verifier.made(line) for each in self._signers)

    def _remember(self, origin: str, known: _Known) -> None:
        disk.replace(self._folder / _name(origin), known.note.encode())
        self._known[origin] = known

    def _remembered(self, origin: str) -> _Known | None:
        path = self._folder / _name(origin)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        trust = self._trust[origin]
        own = [each.verifier for each in self._signers]
        try:
            note = Note.parse(data)
            checkpoint = Checkpoint.parse(note.text)
            times = [key.verify(note.text, line) for line in note.signatures for key in own if key.made(line)]
        except (BadNote, BadSignature) as refusal:
            raise _damaged(path, refusal.what) from refusal
        if not times or checkpoint.origin != trust.origin:
            raise _damaged(path, "not signed by this witness")
        return _Known(note, checkpoint, max(time or 0 for time in times))

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerTaken("another process is this witness", path=str(self._folder)) from error


def _damaged(path: Path, reason: str) -> LedgerDamaged:
    return LedgerDamaged(
        "what this witness remembers is damaged",
        code="witness.damaged",
        hint="Begin anew with new keys, or take the newest head that anybody has with this witness's cosignature.",
        path=str(path),
        reason=reason,
    )


def _name(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _no(status: int, what: str) -> Reply:
    return Reply(status, f"{what}\n".encode())
