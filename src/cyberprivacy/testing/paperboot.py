"""The log of a start on paper: what firmware would write, byte by byte, and what registers would take.

It shares no code with what reads such logs.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import new, sha256
from typing import Final

BANKS: Final = (0x0004, 0x000B, 0x000C)
_NAMES: Final = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
_GLOBAL: Final = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")


@dataclass(frozen=True, slots=True)
class Measured:
    """One event.

    Attributes:
        register: 0 to 23.
        kind: the event's type.
        data: what it says.
        digested: what its digests are over.
    """

    register: int
    kind: int
    data: bytes
    digested: bytes

    def encode(self, banks: Sequence[int]) -> bytes:
        """TCG_PCR_EVENT2."""
        digests = b"".join(
            struct.pack("<H", bank) + new(_NAMES[bank], self.digested, usedforsecurity=False).digest()
            for bank in banks
        )
        head = struct.pack("<III", self.register, self.kind, len(banks))
        return head + digests + struct.pack("<I", len(self.data)) + self.data


def honest(register: int, kind: int, data: bytes) -> Measured:
    """An event whose digests are over its data."""
    return Measured(register, kind, data, data)


def locality(number: int) -> Measured:
    """Who started the TPM."""
    return honest(0, 3, b"StartupLocality\0" + bytes([number]))


def secure_boot(value: bytes) -> Measured:
    """The variable SecureBoot, as firmware measures it."""
    name = "SecureBoot".encode("utf-16-le")
    return honest(7, 0x80000001, _GLOBAL + struct.pack("<QQ", 10, len(value)) + name + value)


SEPARATOR: Final = honest(7, 4, bytes(4))


def command_line(text: bytes) -> Measured:
    """The kernel's command line, as GRUB measures it."""
    return Measured(8, 0x0D, b"kernel_cmdline: " + text + b"\0", text)


@dataclass(frozen=True, slots=True)
class PaperBoot:
    """A start.

    Attributes:
        events: what happened.
        banks: algorithms of the digests.
    """

    events: Sequence[Measured]
    banks: Sequence[int] = BANKS

    def encode(self) -> bytes:
        """The log."""
        sizes = b"".join(struct.pack("<HH", bank, new(_NAMES[bank]).digest_size) for bank in self.banks)
        said = b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 105, 2)
        said += struct.pack("<I", len(self.banks)) + sizes + b"\0"
        first = struct.pack("<II20sI", 0, 3, bytes(20), len(said)) + said
        return first + b"".join(event.encode(self.banks) for event in self.events)

    def registers(self) -> list[bytes]:
        """Registers 0 to 15 of the SHA-256 bank afterwards."""
        values = [bytes(32)] * 24
        for event in self.events:
            if event.kind != 3:
                values[event.register] = sha256(values[event.register] + sha256(event.digested).digest()).digest()
            elif event.data.startswith(b"StartupLocality\0"):
                values[0] = bytes(31) + event.data[-1:]
        return values[:16]


START: Final = PaperBoot(
    (
        locality(3),
        honest(0, 8, "Firmware on paper 1.0\0".encode("utf-16-le")),
        secure_boot(b"\1"),
        *(honest(register, 4, bytes(4)) for register in range(8)),
        Measured(4, 0x80000003, b"path of a boot loader", b"a boot loader"),
        command_line(b"/vmlinuz ro quiet"),
        Measured(9, 0x0D, b"/vmlinuz\0", b"a kernel"),
    )
)
"""A start in which everything is as it is on most machines."""
