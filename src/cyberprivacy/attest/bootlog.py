"""What a TPM's registers took while a machine started: the firmware's own log, replayed. Pure.

The measurement is taken from the registers that say *what was started*, so that the same software has the same
name on machines of every maker. Which firmware started it is in other registers, which the quote covers as well.

Source: TCG PC Client Platform Firmware Profile 1.06, 3.3.4 (which register is for what), 10.4.5 (events that say
something), 10 (logs); UAPI Group, "Linux TPM PCR Registry" (registers 8 to 15).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.attest.eventlog import MEASUREMENT_TAG, QUOTED
from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.attest.tcg2 import ALG_SHA256, NO_ACTION, BadLog, Event, Limits, parse

LIMITS: Final = Limits(log=256 << 10, events=2048, event=64 << 10)
BOOT_TAG: Final = b"tpm2-boot"
STARTED: Final = (4, 8, 9, 11, 12, 13)
"""Registers that say what was started. Source: docs/spec/attestation.md, "The measurement of a start"."""

LAST_REGISTER: Final = 23
MAX_TEXT: Final = 1024

_LOCALITY: Final = b"StartupLocality\0"
_SEPARATOR: Final = 0x00000004
_CRTM_VERSION: Final = 0x00000008
_IPL: Final = 0x0000000D
_VARIABLE: Final = 0x80000001
_COMMAND_LINE: Final = b"kernel_cmdline: "
"""How GRUB introduces the kernel's command line; what it measures is what follows, without the last zero."""

_SECURE_BOOT: Final = (
    bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")  # EFI_GLOBAL_VARIABLE
    + (10).to_bytes(8, "little")  # letters of the name
)
_SECURE_BOOT_NAME: Final = "SecureBoot".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class BootLog:
    """A log of a start that can be replayed.

    Attributes:
        events: those that a register of the SHA-256 bank took, in order.
        locality: what register 0 started from: who started the TPM.
    """

    events: tuple[Event, ...]
    locality: int

    def replay(self) -> Mapping[int, bytes]:
        """The values of registers 0 to 15 of the SHA-256 bank; those that no event touches are zero."""
        values = dict.fromkeys(QUOTED.pcrs, bytes(32))
        values[0] = self.locality.to_bytes(32, "big")
        for event in self.events:
            if event.index in values:
                values[event.index] = sha256(values[event.index] + event.digests[ALG_SHA256]).digest()
        return values

    def facts(self) -> dict[str, str | int]:
        """What the log says and its digests prove; worth showing only when its replay is what a TPM signed."""
        explained = sum(_explains(event.data, event) for event in self.events)
        said = {
            "boot_secure": self._secure(),
            "boot_firmware": self._only(_crtm(event) for event in self.events),
            "boot_command_line": self._only(_command_line(event) for event in self.events),
        }
        counts: dict[str, str | int] = {"boot_events": len(self.events), "boot_explained": explained}
        return counts | {name: text for name, text in said.items() if text is not None}

    def _secure(self) -> str | None:
        """Whether firmware says that it started only what its keys allow.

        Nothing counts that comes after the separator: from there on others than the firmware write to register 7.
        """
        said: set[bytes] = set()
        for event in self.events:
            if event.index != 7:
                continue
            if event.kind == _SEPARATOR:
                break
            head = event.data[:24] == _SECURE_BOOT and event.data[32:52] == _SECURE_BOOT_NAME
            if event.kind == _VARIABLE and head and _explains(event.data, event):
                said.add(event.data[52:])
        if len(said) != 1:
            return None
        return {b"\x01": "on", b"\x00": "off", b"": "off"}.get(said.pop())

    @staticmethod
    def _only(found: Iterator[str | None]) -> str | None:
        """What one event says, unless others say it as well: who came later could have added one."""
        said = [text for text in found if text is not None]
        return said[0] if len(said) == 1 else None


def read(data: bytes) -> BootLog:
    """Read a log whose events go to registers 0 to 23 and have SHA-256 digests.

    Raises:
        BadLog: anything else, too much, or a start from a locality that there is not.
    """
    log = parse(data, LIMITS)
    if ALG_SHA256 not in log.banks:
        raise BadLog("an event log without SHA-256", banks=sorted(map(hex, log.banks)))
    made: list[Event] = []
    locality: int | None = None
    for event in log.events:
        if event.kind != NO_ACTION:
            if event.index > LAST_REGISTER:
                raise BadLog("an event for a register that no TPM has", index=event.index)
            made.append(event)
        elif event.data.startswith(_LOCALITY):
            if locality is not None or any(each.index == 0 for each in made):
                raise BadLog("the TPM was started twice, or after it was used")
            locality = _locality(event)
    return BootLog(tuple(made), locality or 0)


def measurement(values: Mapping[int, bytes]) -> bytes:
    """The name of what was started: 32 bytes, from the values of the registers that say it."""
    parts = [MEASUREMENT_TAG, BOOT_TAG]
    for pcr in STARTED:
        parts += (bytes((pcr,)), values[pcr])
    return sha256(b"".join(length_prefixed(part) for part in parts)).digest()


def _locality(event: Event) -> int:
    """Source: PC Client Platform Firmware Profile 1.06, 10.4.5.3 (TCG_EfiStartupLocalityEvent)."""
    value = event.data[len(_LOCALITY) :]
    if event.index != 0 or value not in (b"\0", b"\3", b"\4"):
        raise BadLog("a start from a locality that there is not", index=event.index, value=value[:8].hex())
    return value[0]


def _explains(data: bytes, event: Event) -> bool:
    return sha256(data).digest() == event.digests[ALG_SHA256]


def _crtm(event: Event) -> str | None:
    """Version of the firmware's first part, which register 0 took."""
    if event.index != 0 or event.kind != _CRTM_VERSION or not _explains(event.data, event):
        return None
    return _text(event.data, "utf-16-le")


def _command_line(event: Event) -> str | None:
    """Command line of the kernel, as GRUB says it."""
    words = event.data.removeprefix(_COMMAND_LINE).removesuffix(b"\0")
    if (event.index, event.kind) != (8, _IPL) or not event.data.startswith(_COMMAND_LINE):
        return None
    return _text(words, "ascii") if _explains(words, event) else None


def _text(data: bytes, encoding: str) -> str | None:
    """Printable ASCII out of bytes; None when they are something else, or too much."""
    try:
        text = data[:MAX_TEXT].decode(encoding).rstrip("\0")
    except UnicodeDecodeError:
        return None
    printable = text.isascii() and text.isprintable()
    return text if printable and text and len(data) <= MAX_TEXT else None
