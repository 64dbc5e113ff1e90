"""One Privacy Server of a town: a process of the installed program, with a data directory of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cyberprivacy import canonical
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.testing.server import ledger_entries
from cyberprivacy.testing.town import Town, TypedBadly, free_port


class TownNode:
    """One Privacy Server of the town: a process of its own, with a data directory of its own."""

    def __init__(
        self,
        town: Town,
        name: str,
        dao: str,
        *,
        port: int,
        bases: Path,
        rpc: str | Sequence[str] = "",
        gateways: Sequence[str] = (),
        index: str | None = None,
    ) -> None:
        """Write its configuration; chain and gateways are the town's own unless others are named."""
        self._town, self.folder = town, town.folder / name
        self.folder.mkdir(exist_ok=True)
        self._url = f"https://127.0.0.1:{port}"
        serve = free_port()
        self.gateway = f"http://127.0.0.1:{serve}"
        self._config = self.folder / "node.toml"
        endpoints = [rpc or town.chain.url] if isinstance(rpc, str) else list(rpc)
        self.config.write_text(
            f'data = "{self.data}"\n[chain]\nrpc = {json.dumps(endpoints)}\n{_served(dao, port)}'
            f'[sources]\ngateways = {json.dumps(list(gateways) or [town.gateway])}\nbases = ["{bases}"]\n'
            f'serve = "127.0.0.1:{serve}"\n' + (f'wheels = "{index}"\n' if index else "")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def serve_too(self, dao: str, port: int) -> str:
        """Write another DAO into its configuration, for its next start; where that one's users connect."""
        self.config.write_text(self.config.read_text().replace("[sources]", _served(dao, port) + "[sources]"))
        return f"https://127.0.0.1:{port}"

    def serve_no_more(self, dao: str, port: int) -> None:
        """Take a DAO out of its configuration, for its next start."""
        self.config.write_text(self.config.read_text().replace(_served(dao, port), ""))

    def configured(self, more: str) -> "TownNode":
        """Write tables into its configuration that not every node of a town has, for its next start."""
        self.config.write_text(self.config.read_text() + more)
        return self

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self._config

    @property
    def url(self) -> str:
        """Where users of its first application connect."""
        return self._url

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    @property
    def ledger(self) -> Path:
        """Its public log."""
        return self.data / "ledger.jsonl"

    def entries(self) -> list[dict[str, Any]]:
        """What its ledger says, whole entries only."""
        return ledger_entries(self.ledger)

    def journey(self) -> list[dict[str, Any]]:
        """What its ledger says of releases: without starts, keys and administrators."""
        return [entry for entry in self.entries() if entry["kind"].startswith("release.")]

    @property
    def log(self) -> Path:
        """What it wrote to stderr."""
        return self.folder / "node.log"

    def start(self, *, program: Path | None = None) -> "TownNode":
        """Start the process; it certifies itself to nobody yet.

        Args:
            program: folder with another copy of our package, to run that one.
        """
        other = {} if program is None else {"PYTHONPATH": str(program)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cyberprivacy", "node", "start", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | other,
            )
        return self

    def identity(self, *, patience: float = 60.0) -> dict[str, str]:
        """Account, key and measurement of the machine, once it is up; its TPM certified by the town's root."""
        public = self.data / "tpm" / "attestation-key.pub"
        known = self.data / "identity.json"
        self.until(known.exists, "the node to start", patience=patience)
        certificates = self._town.root.certify(Public.parse(public.read_bytes()))
        (public.parent / "attestation-key.der").write_bytes(certificates)
        found = canonical.decode(known.read_bytes())
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def kill(self, *, alone: bool = False) -> None:
        """End the process as a power cut would, in the middle of anything.

        Args:
            alone: only the node itself; what it has started is left to itself, half-way.
        """
        if self._process is not None:
            with suppress(ProcessLookupError):
                (os.kill if alone else os.killpg)(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Ask the process to end, and wait."""
        if self._process is not None and self._process.poll() is None:
            self.go_on()
            self._process.terminate()
            self._process.wait()

    def hold(self) -> None:
        """Hold the process still; what it has started goes on."""
        if self._process is None:
            raise Misuse("a node that was not started cannot be held still")
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a process go on that is held still; one that is not goes on anyway."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Hold the process still while the block runs."""
        self.hold()
        try:
            yield
        finally:
            self.go_on()

    def wait(self) -> int | None:
        """Wait until the process ends by itself; its exit code."""
        return None if self._process is None else self._process.wait(60)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def status(self) -> dict[str, Any]:
        """What `node status` says of its application.

        Raises:
            TypedBadly: the node does not answer.
        """
        return dict(self.told()["applications"][0])

    def told(self) -> dict[str, Any]:
        """What `node status` says of all that it serves.

        Raises:
            TypedBadly: the node does not answer.
        """
        return self._town.types("node", "status", "--config", self.config, chain=False)

    @property
    def state(self) -> str:
        """The state in its status, "" while it does not answer."""
        with suppress(TypedBadly):
            return str(self.status()["state"])
        return ""

    def until(self, true: Callable[[], bool], what: str, *, patience: float = 120.0) -> None:
        """Wait for something that the running node does, a few milliseconds sharp.

        Raises:
            TryLater: it takes too long, or the node has ended.
        """
        pause, end = threading.Event(), time.monotonic() + patience
        while time.monotonic() < end:
            if true():
                return
            if not self.alive():
                raise TryLater(f"the node ended while waiting for {what}", code="town.node", log=str(self.log))
            pause.wait(0.01)
        raise TryLater(f"waited too long for {what}", code="town.node", log=str(self.log))

    def demolish(self) -> None:
        """Stop the node and all that it runs, and remove what it keeps."""
        self.stop()
        sweep(self.config)
        shutil.rmtree(self.folder, ignore_errors=True)


def _served(dao: str, port: int) -> str:
    return f'[[dao]]\naddress = "{dao}"\nlisten = "127.0.0.1:{port}"\n'


def sweep(config: Path) -> None:
    """Remove from this machine what a node with this configuration left running, and its containers."""
    from cyberprivacy.deploy.kubernetes.lease import Standby
    from cyberprivacy.node import config as settings
    from cyberprivacy.node.assembly import Assembly, application_name, leave

    read = settings.load(config)
    assembly = Assembly.of(read)
    try:
        for served in read.daos:
            try:
                with suppress(Standby):  # another node acts in that cluster, and looks after what runs there
                    assembly.runtime.remove(application_name(served.dao))
            finally:
                assembly.front.stop(application_name(served.dao))
    finally:
        assembly.close()
        leave(read.data)
