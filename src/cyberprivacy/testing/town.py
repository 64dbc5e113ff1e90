"""A whole town on one machine: a chain, people with keys, an author's gateway, nodes with software TPMs.

What the demo shows and what the tests of the whole road use. Every part is the real one: people type the
commands of the command line, nodes are processes of the installed program. Only the ground is made for
development: the chain is an anvil whose faucet is open, and the root that certifies the TPMs is home-made.
"""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Final, Self

from cyberprivacy import canonical
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.bundle import serve
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signing import create_keystore, keystore_address
from cyberprivacy.testing.tpm import DevelopmentRoot

ETHER: Final = 10**18
PASSWORD: Final = "development only"  # noqa: S105  (keys of a town that lives for minutes)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class TypedBadly(CyberPrivacyError):
    """A command that somebody in town typed was refused."""

    code = "town.command"


class Town:
    """The parts that everybody in town shares: chain, keys, gateway, development root.

    Args:
        folder: everything that the town keeps; may be removed afterwards.
        anvil: the anvil program.
        told: is told each command before it is typed.
    """

    def __init__(self, folder: Path, anvil: Path, *, told: Callable[[Sequence[str]], None] | None = None) -> None:
        self.folder, self._told = folder, told
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "keys").mkdir(mode=0o700, exist_ok=True)
        self._password = folder / "keys" / "password"
        self._password.write_text(PASSWORD)
        self._password.chmod(0o600)
        (folder / "chain").mkdir(exist_ok=True)
        self.chain = EmbeddedChain(anvil, folder / "chain").start()
        self.store = FolderStore(folder / "author")
        self._gateway, self._socket = serve.server(self.store.find), serve.listening("127.0.0.1", 0)
        self.gateway = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._serving = threading.Thread(
            target=self._gateway.run, kwargs={"sockets": [self._socket]}, name="author", daemon=True
        )
        self._serving.start()
        self.root = DevelopmentRoot.at(folder / "development-root")

    @property
    def root_file(self) -> Path:
        """The certificate that a verifier must name by hand."""
        return self.folder / "development-root" / "development-root.pem"

    def person(self, name: str) -> Address:
        """Somebody with a key in an encrypted file and some ether for fees."""
        path = self.key(name)
        if not path.exists():
            # A light key derivation: a town has dozens of short-lived keys, and waiting for each is no use.
            self.fund(create_keystore(path, PASSWORD, rounds=1_000))
        return keystore_address(path)

    def key(self, name: str) -> Path:
        """The keystore of somebody."""
        return self.folder / "keys" / f"{name}.json"

    def fund(self, address: Address, ether: int = 100) -> None:
        """Ether from the open faucet of a development chain."""
        endpoint = Endpoint(self.chain.url)
        endpoint.ask("anvil_setBalance", address, hex(ether * ETHER))
        endpoint.close()

    def types(self, *words: str | Path, person: str = "", chain: bool = True) -> dict[str, Any]:
        """Have somebody type a command; its JSON answer. See `says`."""
        return dict(json.loads(self.says(*words, person=person, chain=chain)))

    def says(self, *words: str | Path, person: str = "", chain: bool = True) -> str:
        """Have somebody type a command; what it printed.

        Args:
            words: the command, without `cyberprivacy`.
            person: whose key signs; "" = nothing is signed.
            chain: whether the command asks for the chain's address.

        Raises:
            TypedBadly: the command was refused; code and facts are those of its refusal.
        """
        line = [str(word) for word in words]
        if chain:
            line += ["--rpc", self.chain.url]
        if person:
            line += ["--key", str(self.key(person)), "--password-file", str(self._password)]
        if self._told:
            self._told(["cyberprivacy", *line])
        return self._run(line)

    def close(self) -> None:
        """Stop what the town started."""
        self._gateway.should_exit = True
        self._serving.join()
        self._socket.close()
        self.chain.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answers(self, *words: str | Path) -> tuple[int, str]:
        """What a command prints with `--json`, and its exit code, whatever it is."""
        from cyberprivacy.cli import run

        said = io.BytesIO()
        with io.TextIOWrapper(said, encoding="utf-8", write_through=True) as screen, redirect_stdout(screen):
            code = run([*map(str, words), "--json"])
            return code, said.getvalue().decode()

    def _run(self, line: Sequence[str]) -> str:
        code, told = self.answers(*line)
        if code:
            answer: Mapping[str, Any] = {}
            with suppress(ValueError):
                answer = json.loads(told)
            raise TypedBadly(
                str(answer.get("what", f"exit code {code}")),
                code=str(answer.get("error", "town.command")),
                hint=str(answer.get("hint", "")),
                command=" ".join(line[:2]),
                exit_code=code,
                **{f"fact_{name}": value for name, value in dict(answer.get("facts", {})).items()},
            )
        return told


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
        self.url = f"https://127.0.0.1:{port}"
        serve = free_port()
        self.gateway = f"http://127.0.0.1:{serve}"
        self.config = self.folder / "node.toml"
        endpoints = [rpc or town.chain.url] if isinstance(rpc, str) else list(rpc)
        self.config.write_text(
            f'data = "{self.data}"\n[chain]\nrpc = {json.dumps(endpoints)}\n'
            f'[[dao]]\naddress = "{dao}"\nlisten = "127.0.0.1:{port}"\n'
            f'[sources]\ngateways = {json.dumps(list(gateways) or [town.gateway])}\nbases = ["{bases}"]\n'
            f'serve = "127.0.0.1:{serve}"\n' + (f'wheels = "{index}"\n' if index else "")
        )
        self._process: subprocess.Popen[bytes] | None = None

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
        try:
            lines = self.ledger.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

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
            self._process.terminate()
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Hold the process still; what it has started goes on."""
        if self._process is None:
            raise Misuse("a node that was not started cannot be held still")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

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
        answer = self._town.types("node", "status", "--config", self.config, chain=False)
        return dict(answer["applications"][0])

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


def sweep(config: Path) -> None:
    """Remove from this machine what a node with this configuration left running, and its containers."""
    from cyberprivacy.node import config as settings
    from cyberprivacy.node.assembly import Assembly, application_name, leave

    read = settings.load(config)
    assembly = Assembly.of(read)
    try:
        for served in read.daos:
            assembly.runtime.remove(application_name(served.dao))
            assembly.front.stop(application_name(served.dao))
    finally:
        assembly.close()
        leave(read.data)
