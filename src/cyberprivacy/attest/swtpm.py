"""A software TPM (`swtpm`) and the attester that quotes with it.

It computes as a TPM does, but it is a process: whoever runs the machine can read its state. Evidence from it
is worth the level of the root that certifies it, which can only be "development".
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cyberprivacy.attest import eventlog, quote
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.tpm2 import ALG_SHA256, Public
from cyberprivacy.attest.tpmcommands import MAX_ANSWER, Tpm, TpmGone
from cyberprivacy.errors import Misuse, TryLater

TIMEOUT: Final = 20.0
"""Seconds to wait for the answer to one command; making a key is the slowest."""

STARTS: Final = 5

KEPT: Final = "tpm2-00.permall"
"""In a TPM's state: what outlasts its power. Source: swtpm(8), "--tpmstate"."""


class EngineMissing(Misuse):
    """A program that we need is not installed."""

    code = "tpm.missing"
    hint = "Install it: apt install swtpm"


class SoftwareTpm:
    """One `swtpm` process with its state in a directory; it ends when this object or this process does."""

    def __init__(self, state: Path) -> None:
        """Start it; its PCRs begin at zero, its keys are those of the state directory.

        Raises:
            EngineMissing: swtpm is not installed.
            TryLater: it does not start, or another process uses this state.
        """
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = os.open(state / "swtpm.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TpmGone("the TPM's state cannot be kept", path=str(state), reason=error.strerror) from error
        ours, theirs = socket.socketpair()
        # The data channel is a pair of sockets that only these two processes hold: nobody else can send
        # commands to this TPM, and when we are killed it sees the end of the channel and stops.
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state},mode=0600"]
        command += ["--fd", str(theirs.fileno()), "--flags", "startup-clear,not-need-init"]
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )
        except FileNotFoundError:
            ours.close()
            raise EngineMissing("swtpm is not installed") from None
        except OSError as error:
            ours.close()
            raise TpmGone("swtpm does not start", reason=error.strerror) from error
        finally:
            theirs.close()
            os.close(log)
        ours.settimeout(TIMEOUT)
        self._socket, self._state = ours, state

    def exchange(self, command: bytes) -> bytes:
        """Send one command and wait for its answer; see `Transport`."""
        try:
            self._socket.sendall(command)
            answer = self._socket.recv(MAX_ANSWER)
            size = int.from_bytes(answer[2:6], "big")
            while answer and len(answer) < min(size, MAX_ANSWER):
                more = self._socket.recv(MAX_ANSWER - len(answer))
                if not more:
                    break
                answer += more
        except OSError as error:
            self.close()  # an answer that comes late must never be taken for that of the next command
            raise TpmGone("the TPM does not answer", reason=str(error), log=self._last_words()) from error
        if not answer:
            raise TpmGone("the TPM has ended", log=self._last_words())
        return answer

    def close(self) -> None:
        """Stop it; its state stays in the directory."""
        self._socket.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        try:
            return (self._state / "swtpm.log").read_text(errors="replace").strip()[-200:]
        except OSError:
            return ""


def make_tpm(folder: Path) -> None:
    """A new TPM for an emulated machine, unless there is one: with one bank of registers, SHA-256.

    Firmware hashes all that it measures once for each bank: three banks more are some five seconds of an emulated
    start, and nobody who judges a machine reads them.

    Args:
        folder: of its state.

    Raises:
        EngineMissing: swtpm is not installed.
        TryLater: it does not start, or refuses.
    """
    if (folder / KEPT).exists():
        return
    engine = SoftwareTpm(folder)
    try:
        Tpm(engine).allocate(ALG_SHA256)
    finally:
        engine.close()


class SoftwareAttester:
    """Quotes with a software TPM whose PCRs took an event log; starts it again when it has ended.

    Attributes:
        public: the attestation key's public area: what a root certifies.
    """

    public: Public

    def __init__(self, state: Path, events: Sequence[Event]) -> None:
        """Start a TPM in `state` and let it take the events.

        Raises:
            EngineMissing: swtpm is not installed.
            TryLater: it does not start or does not answer.
        """
        self._state, self._events = state, tuple(events)
        self._certificates = b""
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        for left in reversed(range(STARTS)):
            try:
                self._begin()
            except TpmGone:
                # After a crash of ours the last swtpm may still hold the lock on its state for a moment.
                if not left:
                    raise
                time.sleep(0.2)
            else:
                return

    def _begin(self) -> None:
        self._engine = SoftwareTpm(self._state)
        self._tpm = Tpm(self._engine)
        try:
            self._handle, self.public = self._tpm.create_attestation_key()
            for event in self._events:
                self._tpm.extend(event.pcr, event.extended)
        except TryLater:
            self._engine.close()
            raise

    def certified(self, certificates: bytes) -> "SoftwareAttester":
        """The same, with the chain of DER certificates (attestation key first, root last) that goes along."""
        self._certificates = certificates
        return self

    @property
    def measurement(self) -> bytes:
        """The 32 bytes that name the measured software."""
        return eventlog.measurement(self._events)

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence that carries the 64 bytes; see `Attester`."""
        with self._lock:  # two threads must not start it again at the same time
            try:
                attest, signature = self._tpm.quote(self._handle, quote.qualifying(binding), eventlog.QUOTED)
            except TpmGone:
                self._engine.close()
                self._start()
                attest, signature = self._tpm.quote(self._handle, quote.qualifying(binding), eventlog.QUOTED)
        return quote.assemble(self.public, attest, signature, certificates=self._certificates, log=self._events)

    def seal(self, secret: bytes) -> bytes:
        """Encrypt a secret for this TPM and this measured software; see `Tpm.seal`."""
        expected = eventlog.composite(eventlog.replay(self._events), eventlog.QUOTED.pcrs)
        return self._tpm.seal(secret, eventlog.QUOTED, expected)

    def unseal(self, sealed: bytes) -> bytes:
        """Give back what the same software sealed on this TPM; see `Tpm.unseal`."""
        return self._tpm.unseal(sealed, eventlog.QUOTED)

    def close(self) -> None:
        """Stop the TPM."""
        self._engine.close()
