"""Asking witnesses: all at once, within a deadline, until enough of them have cosigned; who refused is named.

A witness is believed only for its own cosignature.
"""

import queue
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol

from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.note import MAX_SIGNATURES, Note, Signature
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.trust import SKEW

MAX_REPLY: Final = 64 * 1024
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_CONFLICTS: Final = 3
_BUSY: Final = (408, 425, 429)
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n", re.ASCII)

Prover = Callable[[int], tuple[bytes, ...]]
"""Old size -> proof of consistency from there to the head that is to be cosigned."""


class NoQuorum(TryLater):
    """Too few witnesses cosigned; whatever waits for them does not happen."""

    code = "ledger.quorum"
    hint = "Nothing was done; ask again when more witnesses are within reach, or see why they refuse."


class Refused(Untrusted):
    """A witness will not cosign this head, and asking again will not help."""

    code = "witness.refused"


class WitnessLine(Protocol):
    """The way to one witness."""

    def submit(self, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Send a request to `add-checkpoint`.

        Args:
            body: the request.
            timeout: seconds, at most.

        Returns:
            HTTP status, and the body, `MAX_REPLY` bytes at most.

        Raises:
            TryLater: no whole answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came of asking.

    Attributes:
        signatures: cosignatures that were checked, of `quorum` witnesses at least.
        refusals: by witness, why it did not cosign, of those that had answered by then.
    """

    signatures: tuple[Signature, ...]
    refusals: Mapping[str, str]


class Quorum:
    """Some witnesses, and how many of them are enough. For one thread at a time."""

    def __init__(
        self,
        lines: Mapping[str, WitnessLine],
        keys: Mapping[str, tuple[VerifierKey, ...]],
        *,
        needed: int,
        deadline: float = 20.0,
    ) -> None:
        """Nothing is asked yet.

        Args:
            lines: the ways to the witnesses, by name.
            keys: their keys, by name.
            needed: how many have to cosign, 1 to all.
            deadline: seconds that asking may take.

        Raises:
            Misuse: "ledger.witnesses".
        """
        if lines.keys() != keys.keys() or not 1 <= needed <= len(lines):
            raise Misuse("not as many witnesses as are needed", code="ledger.witnesses", needed=needed)
        self._lines, self.keys, self.needed, self._deadline = dict(lines), dict(keys), needed, deadline
        self._sizes: dict[str, int] = {}
        """What each witness knew the last time; only to save a question."""

    def line(self, name: str) -> WitnessLine:
        """The way to one of them."""
        return self._lines[name]

    def gather(self, note: Note, prove: Prover, *, now: float) -> Gathered:
        """Ask everybody to cosign a head that the log has signed.

        Args:
            note: the signed checkpoint.
            prove: makes the proofs; called by one thread at a time.
            now: seconds since 1970; a witness whose clock is far from ours is not counted.

        Raises:
            NoQuorum: too few cosigned in time; says who did not, and why.
        """
        checkpoint, stop, turn = Checkpoint.parse(note.text), threading.Event(), threading.Lock()
        answers: queue.Queue[tuple[str, tuple[Signature, ...], str]] = queue.Queue()
        end = monotonic() + self._deadline

        def proof(old: int) -> tuple[bytes, ...]:
            with turn:
                return prove(old)

        def ask(name: str) -> None:
            one = _Asking(name, self._lines[name], self.keys[name], note, checkpoint, now)
            try:
                answers.put((name, one.until(end, stop, proof, self._sizes.get(name, 0)), ""))
            except (TryLater, Untrusted) as refusal:
                answers.put((name, (), str(refusal)))

        for name in self._lines:
            # Daemons: one witness that sends its answer a byte a minute shall hold up nobody, not even our end.
            threading.Thread(target=ask, args=(name,), name=f"witness-{name}", daemon=True).start()
        try:
            return self._collect(answers, checkpoint, end)
        finally:
            stop.set()

    def _collect(
        self, answers: "queue.Queue[tuple[str, tuple[Signature, ...], str]]", checkpoint: Checkpoint, end: float
    ) -> Gathered:
        signatures: list[Signature] = []
        refusals = dict.fromkeys(self._lines, "no answer in time")
        signed = 0
        for _ in range(len(self._lines)):
            try:
                name, lines, why = answers.get(timeout=max(0.0, end - monotonic()))
            except queue.Empty:
                break
            if lines:
                self._sizes[name] = checkpoint.size
                signatures += lines
                signed += 1
                del refusals[name]
            else:
                refusals[name] = why
            if signed >= self.needed:
                return Gathered(tuple(signatures), {name: why for name, why in refusals.items() if why})
        told = "; ".join(f"{name}: {why}" for name, why in sorted(refusals.items()))
        raise NoQuorum("too few witnesses cosigned", cosigned=signed, needed=self.needed, refused=told)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One witness being asked about one head."""

    name: str
    line: WitnessLine
    keys: tuple[VerifierKey, ...]
    note: Note
    checkpoint: Checkpoint
    now: float

    def until(self, end: float, stop: threading.Event, prove: Prover, old: int) -> tuple[Signature, ...]:
        """Ask again and again, later each time, until it has cosigned or refused for good, or time is up."""
        old, pause, conflicts, why = min(old, self.checkpoint.size), _FIRST_PAUSE, 0, "no time"
        while (left := end - monotonic()) > 0 and not stop.is_set():
            body = Submission(old, prove(old), self.note, self.checkpoint).encode()
            try:
                status, reply = self.line.submit(body, timeout=left)
            except TryLater as silence:
                status, reply, why = 0, b"", str(silence)
            if status == 200:
                return self._cosignatures(reply)
            if status == 409:
                conflicts += 1
                old = self._known(reply, conflicts)
                continue
            if status:
                why = f"{status} {reply[:200].decode('ascii', 'replace').strip()}"
            if 0 < status < 500 and status not in _BUSY:
                raise Refused(why)
            stop.wait(min(pause, max(0.0, end - monotonic())))
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise NoQuorum(why)

    def _known(self, reply: bytes, conflicts: int) -> int:
        """The size that the witness knows, from a 409."""
        found = _SIZE.fullmatch(reply)
        if found is None or conflicts > _CONFLICTS:
            raise Refused("it does not say what it knows")
        if int(found[1]) > self.checkpoint.size:
            raise Refused("it knows a longer log than ours: ours was rolled back", known=int(found[1]))
        return int(found[1])

    def _cosignatures(self, reply: bytes) -> tuple[Signature, ...]:
        lines = reply.decode("utf-8", "replace").splitlines(keepends=True)
        if len(lines) > MAX_SIGNATURES:
            raise Refused("too many signatures in an answer")
        found: list[Signature] = []
        for line in map(Signature.parse, lines):
            for key in self.keys:
                if key.made(line):
                    time = key.verify(self.checkpoint.text, line) or 0
                    if abs(time - self.now) > SKEW:
                        raise Refused("its clock is far from ours", time=time, ours=int(self.now))
                    found.append(line)
        if not found:
            raise Refused("the answer has no cosignature of a key that we know")
        return tuple(found)
