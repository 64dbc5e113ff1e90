"""Evidence from inside a confidential machine, through Linux's own interface to SEV-SNP and TDX (configfs-tsm).

Each question gets a folder of its own below `report`: 64 bytes go in, a signed report comes out. Anybody with root
may write into that folder too, so the kernel counts writes, and an answer with a write too many is not ours.

Source: Linux, Documentation/ABI/testing/configfs-tsm-report (6.7 and later).
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy.attest import configfs
from cyberprivacy.attest.evidence import MAX_FIELD, Evidence
from cyberprivacy.attest.shipping import snp_evidence, tdx_evidence
from cyberprivacy.errors import Misuse, TryLater

FOLDER: Final = Path("/sys/kernel/config/tsm/report")
CCEL: Final = Path("/sys/firmware/acpi/tables/data/CCEL")
"""The event log that firmware left for TDX."""

INBLOB_SIZE: Final = 64
TIMEOUT: Final = 60.0
"""Seconds for one answer. The kernel itself gives up on Intel's quoting service after 30."""

ATTEMPTS: Final = 4
PAUSE: Final = 0.05
"""Seconds before the second attempt; twice as many before each further one."""

_PASSING: Final = frozenset({errno.EBUSY, errno.EAGAIN, errno.EINTR, errno.ENOENT})
"""Errors that a second attempt, in a new folder, may not meet: ENOENT is somebody who removed ours."""

_log = structlog.get_logger("attest")

Completer = Callable[[Evidence], Evidence]
"""Adds what vendors publish to evidence; see `collateral.keeper.Keeper.complete`."""


class NoTsm(Misuse):
    """This machine, or this process, cannot ask the hardware."""

    code = "tsm.missing"
    hint = (
        "It takes a confidential VM, Linux 6.7 or later, the module sev-guest or tdx_guest, and configfs mounted."
    )


class TsmSilent(TryLater):
    """The hardware, or the host that answers for it, does not answer."""

    code = "tsm.io"
    hint = "Ask again. TDX needs Intel's quoting service on the host; `dmesg` says what the kernel saw."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kernel handed out.

    Attributes:
        provider: "sev_guest" or "tdx_guest".
        outblob: a report, or a quote.
        auxblob: the host's table of certificates; b"" when there is none.
    """

    provider: str
    outblob: bytes
    auxblob: bytes


class _Raced(Exception):
    """Somebody else wrote into our folder, or removed it."""


class TsmAttester:
    """Makes evidence of kind "sev-snp" or "tdx", whichever this machine is; see `Attester`.

    One question is asked at a time. A question that hangs in the kernel keeps its thread, and its turn, until the
    kernel gives up: nobody can take it back, and a second one would only wait behind it.
    """

    def __init__(
        self,
        complete: Completer,
        *,
        folder: Path = FOLDER,
        ccel: Path = CCEL,
        timeout: float = TIMEOUT,
        privlevel: int | None = None,
    ) -> None:
        """Ask through this folder.

        Args:
            complete: adds certificates and collateral that the host did not hand out.
            folder: of configfs-tsm.
            ccel: the event log of firmware.
            timeout: seconds to wait for one answer.
            privlevel: privilege level (VMPL) to ask for, 0 to 3; None = the highest that the kernel offers.
        """
        self._complete, self._folder, self._ccel = complete, folder, ccel
        self._timeout, self._privlevel = timeout, privlevel
        self._turn = threading.Lock()

    def provider(self) -> str:
        """What answers here, such as "sev_guest".

        Raises:
            NoTsm: no such interface ("tsm.missing"), nothing behind it ("tsm.no-provider"), not root ("tsm.root").
            TsmSilent: it cannot be read.
        """
        with _named(self._folder), configfs.entry(self._folder) as entry:
            return configfs.text(entry / "provider")

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence that carries these 64 bytes.

        Raises:
            NoTsm: as `provider`; something unknown answers ("tsm.provider"), it refuses the privilege level
                ("tsm.privlevel"), or its answer is larger than the kernel takes ("tsm.too-large").
            TsmSilent: no answer ("tsm.timeout", "tsm.busy", "tsm.io"); others write, too ("tsm.raced").
            Untrusted: the answer is not about these bytes, or cannot be read.
            CyberPrivacyError: certificates or collateral are out of reach.
        """
        if len(binding) != INBLOB_SIZE:
            raise Misuse("evidence is bound to 64 bytes", code="tsm.binding", size=len(binding))
        answer = self._ask(binding)
        match answer.provider:
            case "sev_guest":
                evidence = snp_evidence(answer.outblob, answer.auxblob, binding)
            case "tdx_guest":
                evidence = tdx_evidence(answer.outblob, self._event_log(), binding)
            case other:
                raise NoTsm("hardware of an unknown kind", code="tsm.provider", provider=other)
        return self._complete(evidence)

    def _ask(self, binding: bytes) -> Answer:
        """Ask in another thread, which cleans up even when nobody waits for it any more."""
        if not self._turn.acquire(timeout=self._timeout):
            raise TsmSilent("an earlier question is still not answered", code="tsm.busy")
        outcome: Future[Answer] = Future()
        threading.Thread(target=self._work, args=(binding, outcome), name="tsm", daemon=True).start()
        try:
            return outcome.result(self._timeout)
        except TimeoutError:
            raise TsmSilent("no answer in time", code="tsm.timeout", seconds=self._timeout) from None

    def _work(self, binding: bytes, outcome: "Future[Answer]") -> None:
        try:
            with _named(self._folder):
                outcome.set_result(self._attempts(binding))
        except BaseException as failure:  # noqa: BLE001 - whoever waits must hear of every end
            outcome.set_exception(failure)
        finally:
            self._turn.release()

    def _attempts(self, binding: bytes) -> Answer:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                with configfs.entry(self._folder) as entry:
                    return self._exchange(entry, binding)
            except _Raced:
                continue
            except OSError as error:
                if error.errno not in _PASSING or not self._folder.is_dir() or attempt == ATTEMPTS - 1:
                    raise
        raise TsmSilent("others write into our questions", code="tsm.raced", attempts=ATTEMPTS)

    def _exchange(self, entry: Path, binding: bytes) -> Answer:
        """One question and its answer; all of it between two looks at the kernel's count of writes."""
        before, writes = configfs.number(entry / "generation"), 1
        provider = configfs.text(entry / "provider")
        if (entry / "privlevel").exists():
            configfs.write(entry / "privlevel", b"%d" % self._level(entry))
            writes += 1
        configfs.write(entry / "inblob", binding)
        outblob = configfs.read(entry / "outblob", MAX_FIELD)
        auxblob = configfs.read(entry / "auxblob", MAX_FIELD) if (entry / "auxblob").exists() else b""
        if configfs.number(entry / "generation") != before + writes:
            raise _Raced
        return Answer(provider, outblob, auxblob)

    def _level(self, entry: Path) -> int:
        """The number that is asked for; smaller ones are more privileged, the floor most of all."""
        floor = configfs.number(entry / "privlevel_floor")
        asked = floor if self._privlevel is None else self._privlevel
        if not floor <= asked <= 3:
            raise NoTsm(
                "no report of this privilege level", code="tsm.privlevel", asked=asked, floor=floor, hint=""
            )
        return asked

    def _event_log(self) -> bytes | None:
        """What firmware left; None when there is nothing that can be read."""
        try:
            return configfs.read(self._ccel, MAX_FIELD)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("event log", code="tsm.event-log", path=str(self._ccel), reason=error.strerror)
            return None


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Turn what the kernel says into words and a stable code."""
    try:
        yield
    except OSError as error:
        reason, where = os.strerror(error.errno or 0), error.filename or str(folder)
        match error.errno:
            case errno.ENOENT if not folder.is_dir():
                raise NoTsm("no configfs-tsm here", path=str(folder)) from error
            case errno.ENXIO | errno.ENOTTY | errno.ENODEV:
                raise NoTsm("no confidential hardware answers", code="tsm.no-provider", path=where) from error
            case errno.EACCES | errno.EPERM | errno.EROFS:
                hint = "Run it as root, where configfs can be written."
                raise NoTsm("not allowed", code="tsm.root", path=where, hint=hint) from error
            case errno.EFBIG:
                what = "the answer is larger than the kernel takes"
                hint = "The host hands out too many certificates; its operator has to load fewer."
                raise NoTsm(what, code="tsm.too-large", path=where, hint=hint) from error
            case errno.EBUSY | errno.EAGAIN | errno.EINTR:
                raise TsmSilent("the hardware is busy", code="tsm.busy", path=where, reason=reason) from error
            case errno.ETIMEDOUT | errno.ETIME:
                raise TsmSilent("no answer in time", code="tsm.timeout", path=where, reason=reason) from error
            case _:
                raise TsmSilent("the hardware cannot be asked", path=where, reason=reason) from error
