"""A TPM of the machine (`/dev/tpmrm0`), and the attester that quotes with it.

Tried with `swtpm` behind a terminal in place of the device. Not tried on silicon, nor on the kernel's own driver:
that it takes a command in one write and gives the answer once it can be read, that a chip makes keys within the
time allowed, that the resource manager keeps our handles for as long as the device is open, and that a maker left
certificates where the profile says. While a command runs, the driver may hold `poll` back beyond our time; its own
limit for that command then ends the wait.

Source: Linux, Documentation/security/tpm and drivers/char/tpm/tpm-dev-common.c (one command at a time; with
O_NONBLOCK a write returns at once and `poll` says when the answer is there).
"""

import os
import select
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from cyberprivacy.attest import bootlog, eventlog, quote
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.files import MAX_SEALED, replace_file
from cyberprivacy.attest.tpm2 import BadStructure, Public, Reader
from cyberprivacy.attest.tpmcommands import MAX_ANSWER, Tpm, TpmGone, TpmRefused
from cyberprivacy.attest.tpmenrolment import HeldKey
from cyberprivacy.attest.tpmtemplates import ATTESTATION_KEY
from cyberprivacy.errors import Misuse

DEVICE: Final = Path("/dev/tpmrm0")
"""Behind the kernel's resource manager: what we leave in the TPM is cleared away when we close it, or die."""
EVENT_LOG: Final = Path("/sys/kernel/security/tpm0/binary_bios_measurements")
KEY_FILE: Final = "attestation-key.tpm"
"""The attestation key, encrypted by its TPM for itself."""

TIMEOUT: Final = 120.0
"""Seconds to wait for one answer: slow chips take half a minute to make an RSA key."""


class NoTpm(Misuse):
    """This machine has no TPM that we can use."""

    code = "tpm.device"
    hint = "Turn the TPM on in the firmware's settings, and run as root or in the group `tss`."


class OtherTpm(Misuse):
    """The kept attestation key is not of this TPM."""

    code = "tpm.other-key"
    hint = "The TPM was cleared or exchanged: remove the file, and enrol the new key."


class DeviceTpm:
    """A TPM behind a device file; see `Transport`. Once it has failed it stays closed."""

    def __init__(self, path: Path = DEVICE, *, timeout: float = TIMEOUT) -> None:
        """Open the device.

        Raises:
            NoTpm: there is none, or it is not for us.
            TpmGone: somebody else has it open (`/dev/tpm0` is for one at a time).
        """
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            self._device = os.open(path, flags)
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise NoTpm("no TPM that can be used", path=str(path), reason=error.strerror) from error
        except OSError as error:
            raise TpmGone("the TPM cannot be opened", path=str(path), reason=error.strerror) from error
        self._path, self._timeout = path, timeout

    def exchange(self, command: bytes) -> bytes:
        """Send one command and wait for its answer; see `Transport`."""
        try:
            return self._exchange(command)
        except OSError as error:
            reason = error.strerror
        except TpmGone as gone:
            reason = gone.what
        self.close()  # an answer that comes late must never be taken for that of the next command
        raise TpmGone("the TPM does not answer", path=str(self._path), reason=reason)

    def _exchange(self, command: bytes) -> bytes:
        if self._device < 0:
            raise TpmGone("it was closed")
        until = time.monotonic() + self._timeout
        if os.write(self._device, command) != len(command):
            raise TpmGone("it took only a part of the command")
        answer, size = b"", 10
        while len(answer) < size:
            self._wait(until)
            more = os.read(self._device, MAX_ANSWER - len(answer))
            if not more:
                raise TpmGone("its answer is cut off")
            answer += more
            if len(answer) >= 10:
                size = int.from_bytes(answer[2:6], "big")
            if size > MAX_ANSWER:
                raise TpmGone("its answer is too long")
        return answer

    def _wait(self, until: float) -> None:
        """Until something can be read."""
        poll = select.poll()
        poll.register(self._device, select.POLLIN)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TpmGone("it takes too long")

    def close(self) -> None:
        """Let the device go; a second time changes nothing."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1


def kept_attestation_key(tpm: Tpm, path: Path) -> HeldKey:
    """Load the attestation key that is kept at `path`, in a form that only this TPM can read; or make it.

    A kept key that does not load is never replaced: a certificate was made for it, and somebody must know.

    Raises:
        OtherTpm: what is kept is not of this TPM, or is damaged.
        TryLater: the TPM or the disk does not answer.
    """
    try:
        blob = path.read_bytes()[:MAX_SEALED]
    except FileNotFoundError:
        blob = tpm.create(ATTESTATION_KEY)
        _keep(path, blob)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        public = _public(blob)
        return HeldKey(tpm, tpm.load(blob), public)
    except (TpmRefused, BadStructure) as error:
        raise OtherTpm("the kept attestation key does not load", path=str(path), reason=str(error)) from error


def _public(blob: bytes) -> Public:
    """The public area in what `Tpm.create` returned: private part, public part."""
    reader = Reader(blob, "kept attestation key")
    reader.sized(1024)
    return Public.parse(reader.sized(1024))


def _keep(path: Path, blob: bytes) -> None:
    try:
        replace_file(path, blob)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> TpmGone:
    reason = error.strerror
    return TpmGone("the attestation key cannot be kept", code="tpm.key-file", path=str(path), reason=reason)


class TpmAttester:
    """Quotes with the machine's own TPM, and sends along what firmware wrote down of the start.

    Attributes:
        held: the attestation key in the TPM.
    """

    held: HeldKey

    def __init__(
        self, folder: Path, *, device: Path = DEVICE, log: Path = EVENT_LOG, timeout: float = TIMEOUT
    ) -> None:
        """Open the TPM; its attestation key is kept in `folder`.

        Args:
            folder: where `KEY_FILE` is, mode 0600.
            device: the TPM.
            log: firmware's event log, as the kernel shows it.
            timeout: seconds to wait for one answer.

        Raises:
            NoTpm, OtherTpm: see there.
            TryLater: the TPM or the disk does not answer.
        """
        self._folder, self._device, self._log, self._timeout = folder, device, log, timeout
        self._certificates = b""
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        self._transport = DeviceTpm(self._device, timeout=self._timeout)
        try:
            self.held = kept_attestation_key(Tpm(self._transport), self._folder / KEY_FILE)
        except BaseException:
            self._transport.close()
            raise

    def certified(self, certificates: bytes) -> "TpmAttester":
        """The same, with the chain of DER certificates (attestation key first, root last) that goes along."""
        self._certificates = certificates
        return self

    @property
    def measurement(self) -> bytes:
        """The 32 bytes that name what was started."""
        return bootlog.measurement(bootlog.read(read_event_log(self._log)).replay())

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence that carries the 64 bytes; see `Attester`."""
        with self._lock:
            try:
                attest, signature = self._quoted(binding)
            except TpmGone:
                self._transport.close()
                self._open()
                attest, signature = self._quoted(binding)
        log = read_event_log(self._log)
        return quote.assemble(self.held.public, attest, signature, certificates=self._certificates, log=log)

    def _quoted(self, binding: bytes) -> tuple[bytes, bytes]:
        return self.held.tpm.quote(self.held.handle, quote.qualifying(binding), eventlog.QUOTED)

    def seal(self, secret: bytes) -> bytes:
        """Encrypt a secret for this TPM and what was started on it; see `Tpm.seal`."""
        expected = eventlog.composite(bootlog.read(read_event_log(self._log)).replay(), eventlog.QUOTED.pcrs)
        with self._lock:
            return self.held.tpm.seal(secret, eventlog.QUOTED, expected)

    def unseal(self, sealed: bytes) -> bytes:
        """Give back what the same start sealed on this TPM; see `Tpm.unseal`."""
        with self._lock:
            return self.held.tpm.unseal(sealed, eventlog.QUOTED)

    def close(self) -> None:
        """Take the key out of the TPM, and let the TPM go."""
        with self._lock, suppress(TpmGone):
            self.held.tpm.flush(self.held.handle)  # `/dev/tpm0` has nobody else to clear it away
        self._transport.close()


def read_event_log(path: Path = EVENT_LOG) -> bytes:
    """Firmware's event log, as the kernel shows it.

    Raises:
        NoTpm: there is none, it is not for us, or it is larger than evidence can be ("tpm.event-log").
    """
    limit = bootlog.LIMITS.log
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _no_log(path, error.strerror or "") from error
    if len(data) > limit:
        raise _no_log(path, f"more than {limit} bytes")
    return data


def _no_log(path: Path, reason: str) -> NoTpm:
    hint = "Start the machine with UEFI firmware that speaks TCG2, mount securityfs, and run as root."
    return NoTpm("no event log that can be used", code="tpm.event-log", hint=hint, path=str(path), reason=reason)
