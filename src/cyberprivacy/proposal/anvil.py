"""The embedded chain: anvil as a child process, its state on disk, on the real clock.

For one machine without an account anywhere: the demo, a developer, the tests. It is one node that
believes itself, so it proves nothing to others; everything that reads it is the same code as for any chain.
"""

import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

import msgspec

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.jsonrpc import JsonRpc

_START: Final = 30.0
_STOP: Final = 10.0
STATES: Final = 32
"""Old states kept, in memory and on disk: enough for readers of final blocks (anvil's are two behind).
All of them would make the file that is written every second grow by a megabyte with every five blocks."""


class ChainDidNotStart(TryLater):
    """Anvil ended, or did not answer in time."""

    code = "chain.start"
    hint = "Read the log beside its state file; a state file of another anvil version is refused by anvil."


class EmbeddedChain:
    """An anvil of our own. Resumes from its state file after any kind of death.

    Args:
        binary: the anvil program.
        folder: holds `chain.json` (state, written by anvil every second), `chain.good.json` (the last
            copy that was whole), `chain.pid` and `chain.log`.
        port: on 127.0.0.1; 0 = a free one.
        block_time: seconds between blocks; None = a block for each transaction, for tests only.
        chain_id: EIP-155 chain id.
        options: further anvil arguments.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        *,
        port: int = 0,
        block_time: int | None = 1,
        chain_id: int = 31337,
        options: tuple[str, ...] = (),
    ) -> None:
        self._binary, self._folder, self._chain_id = binary, folder, chain_id
        self._block_time, self._options = block_time, options
        self.port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = _Keeper(folder / "chain.json", folder / "chain.good.json")
        self._miner = None if block_time is None else _Miner(self.url, block_time)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id; 0 when it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            Misuse: no such program.
            ChainDidNotStart: it ended or stayed silent.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end_orphan()
        self._keeper.restore()
        with (self._folder / "chain.log").open("ab") as log:
            try:
                # A group of its own: Ctrl-C in a terminal must reach us first, so that we stop it in order.
                self._process = subprocess.Popen(
                    self._arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise Misuse(
                    "cannot run anvil",
                    code="chain.binary",
                    hint="Run `npm ci --ignore-scripts` in contracts/, or give the path of an anvil.",
                    path=str(self._binary),
                    why=error.strerror,
                ) from None
        (self._folder / "chain.pid").write_text(f"{self._process.pid}\n")
        self._await_answer()
        self._keeper.start()
        if self._miner is not None:
            self._miner.start()
        return self

    def stop(self) -> None:
        """End it in order: the state is on disk when this returns."""
        if self._process is None:
            return
        if self._miner is not None:
            self._miner.stop()
        self._keeper.stop()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        (self._folder / "chain.pid").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        state = os.fspath(self._folder / "chain.json")
        pace = [] if self._block_time is None else ["--no-mining"]
        return [
            os.fspath(self._binary),
            *("--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(self._chain_id)),
            *("--state", state, "--state-interval", "1", "--preserve-historical-states"),
            *("--prune-history", str(STATES), "--slots-in-an-epoch", "1", "--silent"),
            *pace,
            *self._options,
        ]

    def _end_orphan(self) -> None:
        """End an anvil that outlived its parent: two must not write the same state.

        A pid may meanwhile be another program's, so its command line must name our state file.
        """
        try:
            pid = int((self._folder / "chain.pid").read_text())
        except (OSError, ValueError):
            return
        mark = os.fsencode(self._folder / "chain.json")
        if mark not in _command(pid):
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP
        while mark in _command(pid) and time.monotonic() < until:
            time.sleep(0.05)

    def _await_answer(self) -> None:
        chain = JsonRpc(self.url, head="latest")
        until = time.monotonic() + _START
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                break
            if _answers(lambda: chain.chain_id == self._chain_id):
                chain.endpoint.close()
                return
            time.sleep(0.05)
        self.stop()
        raise ChainDidNotStart("the embedded chain did not start", log=str(self._folder / "chain.log"))


class _Background(ABC):
    """Something done in a thread of its own between `start` and `stop`, which may be called again and again."""

    def __init__(self, name: str) -> None:
        self._name, self._stopped = name, Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stopped.clear()
        self._thread = Thread(target=self._run, daemon=True, name=self._name)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @abstractmethod
    def _run(self) -> None:
        """What is done until `_stopped` is set."""


class _Miner(_Background):
    """Makes blocks at a pace.

    Anvil does so itself with `--block-time`, but then keeps 1,500 old states whatever it was told: after ten
    minutes it wrote 60 MB a second. Source: its state files, version 1.7.1.
    """

    def __init__(self, url: str, pace: float) -> None:
        super().__init__("chain-miner")
        self._url, self._pace = url, pace

    def _run(self) -> None:
        endpoint = Endpoint(self._url)
        while not self._stopped.wait(self._pace):
            with suppress(CyberPrivacyError):  # it was killed, or is slow: the next second tries again
                endpoint.ask("evm_mine")
        endpoint.close()


class _Keeper(_Background):
    """Keeps the last whole copy of a state file that anvil overwrites in place.

    Anvil truncates the file and writes it again, so a kill in between leaves half a state. Source: its
    system calls, version 1.7.1 (`openat` with O_TRUNC on the file itself, no rename).
    """

    def __init__(self, state: Path, good: Path) -> None:
        super().__init__("chain-keeper")
        self._state, self._good = state, good

    def restore(self) -> None:
        """Put the good copy back if the state file is cut; without one, begin anew."""
        if not self._state.exists() or _whole(self._state.read_bytes()):
            return
        if self._good.exists():
            self._state.write_bytes(self._good.read_bytes())
        else:
            self._state.unlink()

    def _run(self) -> None:
        copied = 0
        while not self._stopped.wait(1.0):
            try:
                before = self._state.stat().st_mtime_ns
                if before == copied:
                    continue
                content = self._state.read_bytes()
                if _whole(content) and self._state.stat().st_mtime_ns == before:
                    part = self._good.with_suffix(".part")
                    part.write_bytes(content)
                    part.replace(self._good)
                    copied = before
            except OSError:  # a full disk must not end the chain; the next second tries again
                continue


def _whole(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)  # looks at all of it, and keeps nothing
    except msgspec.DecodeError:
        return False
    return True


def _command(pid: int) -> list[bytes]:
    """What a process was started with; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _answers(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except CyberPrivacyError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
