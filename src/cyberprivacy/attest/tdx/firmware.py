"""MRTD, the build-time measurement of a TD, from the firmware that it is launched with: before it ever runs. Pure.

It assumes what QEMU with KVM does: for each page, in the order of the firmware's own list, the page is added and
then, where the list says so, extended in chunks of 256 bytes. A launcher with another order gives another MRTD.
Not compared with hardware.

Source: Intel TDX Virtual Firmware Design Guide 1.01, 11.1 to 11.3 (list of sections); Intel TDX Module Base
Specification 1.5, 11.1 (MRTD), TDH.MEM.PAGE.ADD and TDH.MR.EXTEND; OVMF, OvmfPkg/ResetVector (table of GUIDs at
the end of the file). Numbers are little-endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha384
from typing import Final
from uuid import UUID

from cyberprivacy.errors import Misuse

MAX_FIRMWARE: Final = 64 << 20
MAX_SECTIONS: Final = 64
MAX_PAGES: Final = 1 << 18

_TABLE: Final = UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
_SECTIONS: Final = UUID("e47a6535-984a-4798-865e-4685a7bf8ec2").bytes_le
_SECTION: Final = struct.Struct("<IIQQII")
_PAGE: Final = 4096
_CHUNK: Final = 256
_EXTENDED: Final = 1
_ADDED_LATER: Final = 2


class NoFirmware(Misuse):
    """Bytes are not firmware for TDX."""

    code = "predict.tdx-firmware"
    hint = "Give an OVMF image that is built for TDX (OvmfPkg/IntelTdx), code and variables in one file."


@dataclass(frozen=True, slots=True)
class _Part:
    """One section: where it is in the file and in memory, in bytes, and how it is added."""

    offset: int
    stored: int
    address: int
    size: int
    kind: int
    attributes: int


def mrtd(firmware: bytes) -> bytes:
    """The measurement, 48 bytes.

    Raises:
        NoFirmware: too large, or without a list of sections that we can read.
    """
    if len(firmware) > MAX_FIRMWARE:
        raise NoFirmware("the firmware is too large", size=len(firmware), limit=MAX_FIRMWARE)
    try:
        parts = [*_parts(firmware, _list(firmware))]
    except struct.error:
        raise NoFirmware("the list of sections ends early") from None
    seen = sha384()
    if sum(part.size for part in parts) > MAX_PAGES * _PAGE:
        raise NoFirmware("the sections are too large", limit=MAX_PAGES * _PAGE)
    for part in parts:
        if not part.attributes & _ADDED_LATER:
            for block in _blocks(firmware, part):
                seen.update(block)
    return seen.digest()


def _list(firmware: bytes) -> int:
    """Where the list of sections begins; the table of GUIDs that says it ends 32 bytes before the file."""
    end = len(firmware) - 32
    size = struct.unpack_from("<H", firmware, end - 18)[0] if end >= 18 else 0
    if firmware[max(0, end - 16) : end] != _TABLE or not 18 <= size <= end:
        raise NoFirmware("no table at its end")
    at, begin = end - 18, end - size
    while at - 18 >= begin:
        length = struct.unpack_from("<H", firmware, at - 18)[0]
        if not 18 <= length <= at - begin:
            break
        if firmware[at - 16 : at] == _SECTIONS and length == 22:
            return len(firmware) - int(struct.unpack_from("<I", firmware, at - length)[0])
        at -= length
    raise NoFirmware("it says nothing of TDX")


def _parts(firmware: bytes, at: int) -> Iterator[_Part]:
    if not 0 <= at < len(firmware) or firmware[at : at + 4] != b"TDVF":
        raise NoFirmware("no list of sections", at=at)
    version, count = struct.unpack_from("<II", firmware, at + 8)
    if version != 1 or not 0 < count <= MAX_SECTIONS:
        raise NoFirmware("a list of another form", version=version, sections=count)
    for number in range(count):
        part = _Part(*_SECTION.unpack_from(firmware, at + 16 + _SECTION.size * number))
        inside = part.offset + part.stored <= len(firmware) and part.stored <= part.size
        if not inside or part.address % _PAGE or part.size % _PAGE:
            raise NoFirmware("a section that cannot be", section=number)
        yield part


def _blocks(firmware: bytes, part: _Part) -> Iterator[bytes]:
    """What each page of a section adds to the measurement."""
    stored = firmware[part.offset : part.offset + part.stored]
    for at in range(0, part.size, _PAGE):
        yield _head(b"MEM.PAGE.ADD", part.address + at)
        if part.attributes & _EXTENDED:
            page = stored[at : at + _PAGE].ljust(_PAGE, b"\0")
            for chunk in range(0, _PAGE, _CHUNK):
                yield _head(b"MR.EXTEND", part.address + at + chunk) + page[chunk : chunk + _CHUNK]


def _head(what: bytes, address: int) -> bytes:
    return (what.ljust(16, b"\0") + address.to_bytes(8, "little")).ljust(128, b"\0")
