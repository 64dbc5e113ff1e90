"""One cluster as a process: the witness that everybody runs, and somebody behind it who can be told to cheat.

It reads orders from standard input, one JSON document a line, and answers each with one. It ends with its input.
Honest work is all done by the program's own code; a cheat only ever changes what is shown to whom.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.witness import Reply
from cyberprivacy.ledger.witness_api import witness_application
from cyberprivacy.node import standalone
from cyberprivacy.node.circle import PATH
from cyberprivacy.node.publishing import log_signers, witness_signers

DEED: Final = "demo.deed"
"""Kind of the entries that a cluster makes here."""


class Blind:
    """A witness that remembers nothing and cosigns everything."""

    def __init__(self, witness: standalone.StandaloneWitness) -> None:
        self._witness, self._signers = witness, witness_signers(witness.key)

    def add_checkpoint(self, body: bytes) -> Reply:
        """Sign whatever comes."""
        head, now = Submission.parse(body).checkpoint, int(time.time())
        return Reply(200, "".join(each.sign(head, time=now).line for each in self._signers).encode())

    def newest(self, origin_hash: str) -> bytes | None:
        """What it had seen before it went blind."""
        return self._witness.circle.newest(origin_hash)


class Stage:
    """What the cluster shows, to whom; an ASGI application."""

    def __init__(self, honest: Starlette) -> None:
        self.everybody, self.somebody = honest, dict[str, Starlette]()
        self.cosigner: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what this visitor is to see."""
        if self.cosigner is not None and str(scope.get("path", "")).startswith(f"{PATH}/add-checkpoint"):
            await self.cosigner(scope, receive, send)
            return
        host, _ = scope.get("client") or ("", 0)
        await self.somebody.get(host, self.everybody)(scope, receive, send)


class Crooked:
    """A cluster and its operator."""

    def __init__(self, config: Path) -> None:
        self._settings = standalone.load(config)
        self.witness = standalone.StandaloneWitness(self._settings, clock=time.time)
        self.stage = Stage(self.witness.application())

    def obey(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one order; what came of it."""
        match order:
            case {"do": "work", "deeds": int(deeds)}:
                self.witness.ledger.extend([(DEED, {"n": number}) for number in range(deeds)])
                return {"size": self.witness.ledger.head().size}
            case {"do": "equivocate", "to": str(one)}:
                left, right = self._lie("left", keep=True), self._lie("right", keep=True)
                heads = [each.publish().checkpoint for each in (left, right)]
                self.stage.everybody = self._shown(left)
                self.stage.somebody = {one: self._shown(right)}
                return {"sizes": [each.size for each in heads], "roots": [each.root.hex() for each in heads]}
            case {"do": "rewrite"}:
                lie = self._lie("lie", keep=False)
                head = lie.publish().checkpoint
                self.stage.everybody = self._shown(lie)
                return {"size": head.size}
            case {"do": "go-blind"}:
                self.stage.cosigner = Starlette(routes=[Mount(PATH, witness_application(Blind(self.witness)))])
                return {}
            case {"do": "launder", "through": str(name)}:
                return self._launder(name)
        return {"error": "unknown order"}

    def _launder(self, name: str) -> dict[str, Any]:
        """Have another past cosigned: by everybody who is asked, which must fail; then by one alone."""
        quorum = self.witness.circle.quorum
        assert quorum is not None  # noqa: S101  (each cluster of the demo asks the two others)
        refused = ""
        try:
            self._lie("honoured", keep=False, quorum=quorum).publish()
        except CyberPrivacyError as refusal:
            refused = f"{refusal.code}: {refusal.facts.get('refused')}"
        one = Quorum({name: quorum.line(name)}, {name: quorum.keys[name]}, needed=1)
        lie = self._lie("laundered", keep=False, quorum=one)
        names = sorted(lie.publish().witnesses)
        self.stage.everybody = self._shown(lie)
        return {"refused": refused, "cosigned": names}

    def _lie(self, name: str, *, keep: bool, quorum: Quorum | None = None) -> Publisher:
        """Another log under the same keys: with the true past and another newest entry, or all made up."""
        folder, path = self._settings.data / name, self._settings.data / f"{name}.jsonl"
        if keep:
            shutil.copy(self._settings.data / "ledger.jsonl", path)
        ledger = FileLedger(path, clock=time.time)
        more = 1 if keep else self.witness.ledger.head().size + 2
        ledger.extend([("demo.lie", {"told": name, "n": number}) for number in range(more)])
        return Publisher(ledger, folder, signers=log_signers(self.witness.key), clock=time.time, quorum=quorum)

    def _shown(self, log: Publisher) -> Starlette:
        return self.witness.application(FolderSource(log.public))


def main() -> None:
    """Wait for the network, serve, and obey until nobody gives orders any more."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(file=Path(sys.argv[1]).with_suffix(".log").open("a")),
    )
    _say({"ready": True})
    if not sys.stdin.readline():
        return
    cluster, stop = Crooked(Path(sys.argv[1])), threading.Event()
    bound = cluster.witness.bind()
    work = threading.Thread(target=cluster.witness.run, args=(stop, bound, cluster.stage), daemon=True)
    work.start()
    for line in sys.stdin:
        try:
            _say(cluster.obey(json.loads(line)))
        except CyberPrivacyError as refusal:
            _say({"error": str(refusal), "code": refusal.code})
    os._exit(0)  # whoever gave orders is gone; what counts is on disk


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
