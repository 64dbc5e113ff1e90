"""What this machine can prove itself with: the strongest hardware that is here, and nothing in its place.

Where confidential hardware may not be asked, there is no evidence at all: a weaker kind would prove less than the
machine's owner believes. A software TPM is no hardware, and is never found; whoever wants one names it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.attest import tsm
from cyberprivacy.attest.evidence import Attester
from cyberprivacy.attest.tpmdevice import DEVICE, EVENT_LOG, TpmAttester
from cyberprivacy.attest.tsm import Completer, NoTsm, TsmAttester
from cyberprivacy.errors import Misuse

_ABSENT: Final = frozenset({"tsm.missing", "tsm.no-provider"})


class NoHardware(Misuse):
    """Nothing here can prove anything."""

    code = "machine.no-hardware"
    hint = "Run it inside a confidential VM, or on a machine with a TPM. For trying things out: --swtpm FOLDER."


@dataclass(frozen=True, slots=True)
class Found:
    """What this machine is.

    Attributes:
        what: in words, such as "sev_guest".
        attester: makes evidence with it.
    """

    what: str
    attester: Attester


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of hardware, and how to look for it.

    Attributes:
        name: what is looked for, for the message when nothing is found.
        look: gives the hardware, or None when it is not here. It raises when it is here and cannot be used.
    """

    name: str
    look: Callable[[], Found | None]


def confidential(complete: Completer, *, folder: Path = tsm.FOLDER) -> Candidate:
    """SEV-SNP and TDX, through configfs-tsm.

    Args:
        complete: adds certificates and collateral; see `TsmAttester`.
        folder: of configfs-tsm.
    """

    def look() -> Found | None:
        attester = TsmAttester(complete, folder=folder)
        try:
            return Found(attester.provider(), attester)
        except NoTsm as absent:
            if absent.code in _ABSENT:
                return None
            raise

    return Candidate(f"SEV-SNP or TDX ({folder})", look)


def trusted_platform(folder: Path, *, device: Path = DEVICE, log: Path = EVENT_LOG) -> Candidate:
    """The machine's own TPM, and what firmware wrote down of the start.

    Args:
        folder: where the attestation key is kept.
        device: the TPM.
        log: firmware's event log.
    """

    def look() -> Found | None:
        if not device.exists():
            return None
        return Found("TPM 2.0", TpmAttester(folder, device=device, log=log))

    return Candidate(f"a TPM ({device})", look)


def find(candidates: Sequence[Candidate]) -> Found:
    """The first of these that is here; the caller puts the strongest first.

    Raises:
        NoHardware: none is; the message names all that was looked for.
        CyberPrivacyError: one is here, and cannot be used.
    """
    for candidate in candidates:
        found = candidate.look()
        if found is not None:
            return found
    raise NoHardware("no hardware that can prove anything", looked_for=[each.name for each in candidates])
