"""Which heads of a log are believed: whose signature, seen by how many witnesses, and how lately. Pure.

Cryptography says who signed; this says what is enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.ledger.checkpoint import MAX_ORIGIN, Checkpoint
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.proofs import EMPTY_ROOT
from cyberprivacy.ledger.signers import Kind, VerifierKey

SKEW: Final = 300
"""Seconds by which a witness's clock may be ahead of ours; a later time is not believed."""


class BadHead(Untrusted):
    """A head of a log is not one that may be believed."""

    code = "log.head"
    hint = "Ask another mirror, and keep what you were sent."


@dataclass(frozen=True, slots=True)
class Trust:
    """What somebody asks of a log.

    Attributes:
        origin: the log's name.
        log: its keys; one at least has to sign, and none may sign wrongly.
        witnesses: keys of others, by the name of each witness; all kinds that a witness has.
        quorum: how many witnesses must have cosigned a head, 0 to all of them.
        max_age: seconds since so many witnesses (or, with a quorum of 0, the log's own dated signature) said that
            this is the newest head; None asks nothing.
    """

    origin: str
    log: tuple[VerifierKey, ...]
    witnesses: Mapping[str, tuple[VerifierKey, ...]] = field(default_factory=dict)
    quorum: int = 0
    max_age: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.quorum <= len(self.witnesses):
            raise Misuse("a quorum of more witnesses than there are", code="log.trust", quorum=self.quorum)
        if not self.log or not 0 < len(self.origin.encode()) <= MAX_ORIGIN or "\n" in self.origin:
            raise Misuse("a log has an origin and at least one key", code="log.trust", origin=self.origin[:80])
        others = [key for keys in self.witnesses.values() for key in keys]
        if any(key.kind in (Kind.LOG, Kind.HEAD) for key in others) or any(
            key.name != name for name, keys in self.witnesses.items() for key in keys
        ):
            raise Misuse("a witness has cosigner's keys under its own name", code="log.trust")
        # An Ed25519 cosignature does not say who made it: one key under two names would count as two witnesses.
        public = [key.public for key in others]
        if len(set(public)) != len(public) or {key.public for key in self.log} & set(public):
            raise Misuse("one key cannot be two witnesses, nor the log its own", code="log.trust")

    @classmethod
    def of(
        cls,
        origin: str,
        log: Sequence[VerifierKey],
        witnesses: Sequence[VerifierKey] = (),
        *,
        quorum: int = 0,
        max_age: int | None = None,
    ) -> "Trust":
        """Put together what somebody asks; keys of the same name are one witness.

        Raises:
            Misuse: "log.trust".
        """
        grouped: dict[str, tuple[VerifierKey, ...]] = {}
        for key in witnesses:
            grouped[key.name] = (*grouped.get(key.name, ()), key)
        return cls(origin, tuple(log), grouped, quorum, max_age)


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head that passed a `Trust`.

    Attributes:
        checkpoint: what the log says.
        note: the signed note, with only those lines that were checked.
        whole: the signed note as it came, with lines of others that mean nothing to us.
        witnesses: by name: when each says that it was the newest head, in seconds since 1970.
        dated: since when it is known as the newest: what `max_age` counts from; None if nobody says.
    """

    checkpoint: Checkpoint
    note: Note
    whole: Note
    witnesses: Mapping[str, int]
    dated: int | None


def judge(data: bytes, trust: Trust, *, now: float) -> SeenHead:
    """Open a checkpoint.

    Args:
        data: the signed note, from anybody.
        trust: what is asked of it.
        now: seconds since 1970.

    Raises:
        BadNote: no note, or no checkpoint in it.
        BadSignature: a key that we know did not make the signature that bears its name.
        BadHead: log.origin, log.unknown-key, log.root, log.quorum, log.undated, log.stale.
    """
    head = signed(data, trust, now=now)
    size = head.checkpoint.size
    if not size and head.checkpoint.root != EMPTY_ROOT:
        raise BadHead("an empty log has one root, and this is another", code="log.root")
    if len(head.witnesses) < trust.quorum:
        raise BadHead(
            "too few witnesses have seen this head",
            code="log.quorum",
            witnesses=", ".join(sorted(head.witnesses)) or "none",
            needed=trust.quorum,
            size=size,
        )
    if trust.max_age is not None:
        if head.dated is None:
            raise BadHead("nobody says when this head was the newest", code="log.undated", size=size)
        if now - head.dated > trust.max_age:
            age = int(now - head.dated)
            raise BadHead("the head is too old", code="log.stale", age=age, limit=trust.max_age, size=size)
    return head


def signed(data: bytes, trust: Trust, *, now: float) -> SeenHead:
    """Open a checkpoint, and check every signature of a key that we know; quorum and age are not asked.

    Raises:
        BadNote: no note, or no checkpoint in it.
        BadSignature: a key that we know did not make the signature that bears its name.
        BadHead: log.origin, log.unknown-key.
    """
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != trust.origin:
        raise BadHead(
            "a head of another log", code="log.origin", origin=checkpoint.origin[:80], expected=trust.origin
        )
    known = Note(note.text, ())
    by_log, own_time, seen = False, 0, dict[str, int]()
    for line in note.signatures:
        for key in (*trust.log, *(key for keys in trust.witnesses.values() for key in keys)):
            if not key.made(line):
                continue
            time = key.verify(note.text, line) or 0
            if time > now + SKEW:
                continue  # true, but of no use: a clock that is wrong says nothing about age
            known = known.with_signatures((line,))
            if key in trust.log:
                by_log, own_time = True, max(own_time, time)
            else:
                seen[key.name] = max(seen.get(key.name, 0), time)
    if not by_log:
        raise BadHead("no key of this log signed the head", code="log.unknown-key", origin=trust.origin)
    return SeenHead(checkpoint, known, note, seen, _dated(seen, own_time, trust.quorum))


def _dated(seen: Mapping[str, int], own: int, quorum: int) -> int | None:
    """The latest moment at which as many witnesses as needed had seen nothing newer."""
    if not quorum:
        return max((own, *seen.values())) or None
    times = sorted(seen.values(), reverse=True)
    return times[quorum - 1] if len(times) >= quorum else None
