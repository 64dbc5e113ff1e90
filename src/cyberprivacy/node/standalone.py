"""A witness of its own: it watches and cosigns the logs of others, and has no cluster, no chain, no application.

```toml
data = "/var/lib/cyberprivacy-witness"
listen = "0.0.0.0:8700"

[witness]                              # as in a node's configuration
silence = 600

[[witness.watch]]
url = "https://one.example"
log = ["cyberprivacy.log/…+…+…"]
```

What it finds is on its own log, which others can watch. Everything is a node's own code but for the key, which
lies in a file: nobody measures this machine, so whoever asks this witness trusts whoever runs it.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource, Source
from cyberprivacy.node import files
from cyberprivacy.node.api import assembled, record
from cyberprivacy.node.beginnings import record_start
from cyberprivacy.node.circle import Circle, Watching
from cyberprivacy.node.circle_api import circle_routes
from cyberprivacy.node.circle_config import watching
from cyberprivacy.node.duties import Duty, on_duty
from cyberprivacy.node.pacing import by_connection
from cyberprivacy.node.publishing import Keeping, log_signers, publisher, witness_signers
from cyberprivacy.node.showing import shown_log
from cyberprivacy.node.tables import Endpoint, Table, read

KEY: Final = "witness.key"
CONNECTIONS: Final = 256
"""Requests at a time, of all who ask; more are told to come back."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that whoever runs a witness may say.

    Attributes:
        data: directory for everything that it keeps.
        listen: where it answers, over HTTP.
        watching: whose logs.
        digest: SHA-256 of the file, 32 bytes; empty if it came from no file.
    """

    data: Path
    listen: Endpoint
    watching: Watching
    digest: bytes = b""


def load(path: Path) -> Settings:
    """Read a configuration file.

    Raises:
        BadConfig: missing, too large, not TOML, or holding anything that is not described above.
        Misuse: "note.key".
    """
    value, digest = read(path)
    return replace(parse(value), digest=digest)


def parse(value: Mapping[str, object]) -> Settings:
    """The configuration that a parsed TOML document holds; errors as `load`."""
    top = Table("", value, {"data", "listen", "witness"})
    return Settings(Path(top.text("data")), top.endpoint("listen"), watching(value.get("witness", {})))


def kept_key(data: Path) -> NodeKey:
    """The key in the data directory; born, and durable there, when there is none.

    Raises:
        Misuse: "witness.key": what lies there is no key.
        TryLater: the disk refused.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data / KEY
    if not path.exists():
        files.replace(path, NodeKey.born().seed(), mode=0o600)
    try:
        with path.open("rb") as file:
            return NodeKey.unsealed(file.read(33))
    except ValueError:
        raise Misuse(
            "the witness's key is damaged",
            code="witness.key",
            hint="Bring it back, or begin with a new data directory and tell the others the new keys.",
            path=str(path),
        ) from None


def keys(key: NodeKey) -> dict[str, list[str]]:
    """What others write into their configuration: keys of its log, and keys with which it cosigns."""
    signers = {"log": log_signers(key), "witness": witness_signers(key)}
    return {name: [each.verifier.encode() for each in made] for name, made in signers.items()}


class StandaloneWitness:
    """Everything that one process of a witness does.

    Attributes:
        ledger: what it found, and its starts.
        public: the same, signed and served.
        circle: those whom it watches.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float]) -> None:
        """Open what is remembered.

        Raises:
            Misuse: "witness.key", or a key stands for two.
            LedgerTaken: it runs already.
            LedgerDamaged, LedgerFull: what it remembers cannot be used.
        """
        self._settings, self._clock = settings, clock
        self.key = kept_key(settings.data)
        self.ledger = FileLedger(settings.data / "ledger.jsonl", clock=clock)
        record_start(self.ledger, {"nodeKey": "0x" + self.key.id.hex()}, settings.digest)
        self.circle = Circle(settings.watching, self.key, settings.data, self.ledger, clock=clock)
        self.public: Publisher = publisher(
            self.ledger, settings.data / "log", self.key, clock=clock, quorum=self.circle.quorum
        )
        self._keeping = Keeping(self.public)

    def status(self) -> Mapping[str, object]:
        """What it says of itself, as JSON values."""
        log = shown_log(self.ledger.head(), self.public.trust.log, self._keeping.why)
        return {"log": log, "witness": self.circle.status()}

    def bind(self) -> socket.socket:
        """Take the address, so that a second witness says so before anything else happens.

        Raises:
            TryLater: "witness.listen": somebody else has it, or it is not one of this machine's.
        """
        listen = self._settings.listen
        try:
            family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
            return socket.create_server((listen.host.strip("[]"), listen.port), family=family)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise TryLater("cannot listen", code="witness.listen", listen=str(listen), reason=why) from None

    def application(self, public: Source | None = None) -> Starlette:
        """What it answers over HTTP; `public` = what is shown as its log, its own folder when None."""
        shown = FolderSource(self.public.public) if public is None else public
        own = record(status=self.status, ledger=self.ledger, public=shown)
        return assembled([*own, *circle_routes(self.circle, clock=self._clock, asker=by_connection)])

    def run(self, stop: threading.Event, bound: socket.socket, application: ASGIApp | None = None) -> None:
        """Serve until `stop` is set; what is remembered is durable at any moment.

        Args:
            stop: ends everything.
            bound: of `bind`.
            application: what answers; None = `application()`.
        """
        answer = partial(_answer, _server(application or self.application()), bound)
        duties: list[Duty] = [answer, self._keeping.keep, *self.circle.duties()]
        with ThreadPoolExecutor(len(duties)) as threads:
            work = [threads.submit(on_duty, duty, stop) for duty in duties]
        self.circle.close()
        self.ledger.close()
        for done in work:
            done.result()  # a fault of ours ends the process: whoever supervises it starts it again


def _server(application: ASGIApp) -> uvicorn.Server:
    settings = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(settings)


def _answer(server: uvicorn.Server, bound: socket.socket, stop: threading.Event) -> None:
    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, name="end", daemon=True).start()
    server.run(sockets=[bound])
