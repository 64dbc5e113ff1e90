"""A whole town on one machine: a chain, people with keys, an author's gateway, nodes with software TPMs.

What the demo shows and what the tests of the whole road use. Every part is the real one: people type the
commands of the command line, nodes are processes of the installed program. Only the ground is made for
development: the chain is an anvil whose faucet is open, and the root that certifies the TPMs is home-made.
"""

import io
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, Final, Self

from cyberprivacy.bundle import serve
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.errors import CyberPrivacyError
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
