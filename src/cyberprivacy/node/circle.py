"""The clusters around this one: whom it watches, who cosigns its log, whose logs it cosigns.

Nobody here is believed. A cosignature, a head, a file of a log prove themselves, or are not used.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.findings import Finding, Findings
from cyberprivacy.ledger.http_witness import HttpWitness
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.note import BadNote
from cyberprivacy.ledger.publisher import REFRESH
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.reading import Source
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.ledger.watching import LogWatch, Watched
from cyberprivacy.ledger.witness import Reply, Witness
from cyberprivacy.node.logsource import WebSource
from cyberprivacy.node.publishing import witness_signers
from cyberprivacy.trust import anybody

PATH: Final = "/.well-known/cyberprivacy/witness"
PAUSE: Final = 2.0
"""Seconds between two looks at a log."""
SILENCE: Final = 600
"""Seconds without an answer after which a log is called silent, unless the configuration says otherwise."""
_PATIENCE: Final = 20.0

_log = structlog.get_logger("watch")


@dataclass(frozen=True, slots=True)
class Other:
    """Another cluster.

    Attributes:
        url: where its front answers.
        log: keys of its log, of one origin; one of them dates what it signs.
        witness: keys with which it cosigns, of one name; () = it is watched, and not asked.
    """

    url: str
    log: tuple[VerifierKey, ...]
    witness: tuple[VerifierKey, ...]

    @property
    def origin(self) -> str:
        """The name of its log."""
        return self.log[0].name


@dataclass(frozen=True, slots=True)
class Watching:
    """What the configuration says of other clusters.

    Attributes:
        others: whom to watch; these, and nobody else, may have their logs cosigned here.
        quorum: how many of them must cosign a head of our log before it is served; 0 asks nobody.
        silence: seconds.
    """

    others: tuple[Other, ...] = ()
    quorum: int = 0
    silence: int = SILENCE


class Circle:
    """Any number of threads may ask; each duty is one thread."""

    def __init__(
        self, watching: Watching, key: NodeKey, data: Path, ledger: Ledger, *, clock: Callable[[], float]
    ) -> None:
        """Open what this node remembers of others.

        Args:
            watching: what the configuration says.
            key: of this node.
            data: the node's own folder.
            ledger: of this node.
            clock: seconds since 1970.

        Raises:
            Misuse: a key stands for two, or the quorum is of more witnesses than there are.
            LedgerTaken, LedgerDamaged, LedgerFull: the witness's memory cannot be used.
        """
        self._watching = watching
        signers = witness_signers(key)
        self.keys = tuple(each.verifier for each in signers)
        self.quorum = _quorum(watching)
        self.findings = Findings(ledger, data / "watch", calm=watching.silence, clock=clock)
        logs = {other.origin: other.log for other in watching.others}
        # By node key: what another key signed is not this witness's memory.
        self._witness = Witness(data / "witness" / key.id.hex(), signers=signers, logs=logs, clock=clock)
        self.watches = {
            other.origin: LogWatch(
                _watched(other, watching, self.keys),
                data / "mirrors" / hashed(other.origin),
                self.findings,
                clock=clock,
            )
            for other in watching.others
        }

    def duties(self) -> list[Callable[[threading.Event], None]]:
        """One for each log that is watched, so that a slow one holds up no other."""
        return [_duty(watch) for watch in self.watches.values()]

    def add_checkpoint(self, body: bytes) -> Reply:
        """See `Witness.add_checkpoint`; a log that is proven to lie is not cosigned, whatever it grew from."""
        try:
            asked = Submission.parse(body)
        except BadNote as refusal:
            return Reply(400, f"{refusal.what}\n".encode())
        watch = self.watches.get(asked.checkpoint.origin)
        if watch is not None and self.findings.guilty(watch.origin):
            return Reply(403, b"this log has signed two pasts\n")
        reply = self._witness.add_checkpoint(body)
        if watch is not None and reply.status != 200:
            watch.consider(asked.note.encode())
        return reply

    def newest(self, origin_hash: str) -> bytes | None:
        """See `Witness.newest`."""
        return self._witness.newest(origin_hash)

    def status(self) -> Mapping[str, object]:
        """What this node says of others, as JSON values."""
        return {
            "keys": [key.encode() for key in self.keys],
            "quorum": self._watching.quorum,
            "watched": [
                {"log": other.origin, "url": other.url, "size": _size(self.watches[other.origin])}
                for other in self._watching.others
            ],
            "found": [_shown(each) for each in self.findings.all()],
        }

    def close(self) -> None:
        """Let go of the witness's memory."""
        self._witness.close()


def hashed(origin: str) -> str:
    """How a log is called in paths. Source: C2SP tlog-witness, monitoring."""
    return sha256(origin.encode()).hexdigest()


def _duty(watch: LogWatch) -> Callable[[threading.Event], None]:
    def keep(stop: threading.Event) -> None:
        told = ""
        while not stop.wait(PAUSE):
            try:
                watch.look()
                told = ""
            except CyberPrivacyError as error:  # our own disk: tried again at the next look
                if error.code != told:
                    _log.error("watch", log=watch.origin, code=error.code, what=str(error))
                told = error.code

    return keep


def _quorum(watching: Watching) -> Quorum | None:
    if not watching.quorum:
        return None
    asked = {other.witness[0].name: other for other in watching.others if other.witness}
    lines = {name: HttpWitness(_at(other.url), tls=anybody()) for name, other in asked.items()}
    keys = {name: other.witness for name, other in asked.items()}
    return Quorum(lines, keys, needed=watching.quorum)


def _watched(other: Other, watching: Watching, own: tuple[VerifierKey, ...]) -> Watched:
    patience = min(_PATIENCE, watching.silence / 4)
    peers = [each for each in watching.others if each is not other]
    seen: list[Source] = []
    for peer in peers:
        place = f"{_at(peer.url)}/{hashed(other.origin)}"
        seen += [WebSource(f"{place}/log", patience=patience), WebSource(place, patience=patience)]
    return Watched(
        trust=Trust.of(
            other.origin,
            other.log,
            [*own, *(key for each in watching.others for key in each.witness)],
            max_age=REFRESH + watching.silence,
        ),
        source=WebSource(other.url, patience=patience),
        others=tuple(seen),
        silence=watching.silence,
    )


def _at(url: str) -> str:
    return url.rstrip("/") + PATH


def _size(watch: LogWatch) -> int | None:
    head = watch.newest()
    return None if head is None else head.checkpoint.size


def _shown(finding: Finding) -> dict[str, object]:
    return {
        "about": finding.about,
        "code": finding.code,
        "what": finding.what,
        "evidence": finding.evidence,
        "since": finding.since,
        "entry": finding.entry,
    }
