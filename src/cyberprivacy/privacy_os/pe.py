"""Programs in the form that UEFI starts (PE32+): their sections, more of them, and their Authenticode hash. Pure.

Source: Microsoft, "PE Format" (headers: "COFF File Header", "Optional Header", "Section Table") and "Windows
Authenticode Portable Executable Signature Format", "Calculating the PE Image Hash". Numbers are little-endian.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.errors import Untrusted

MAX_IMAGE: Final = 512 << 20
MAX_SECTIONS: Final = 96

_PE32_PLUS: Final = 0x20B
_HEADER: Final = 40
_READ_ONLY_DATA: Final = 0x4000_0040
"""IMAGE_SCN_CNT_INITIALIZED_DATA, IMAGE_SCN_MEM_READ."""


class BadProgram(Untrusted):
    """Bytes are not a program for UEFI."""

    code = "os.program"
    hint = "Give an EFI program for x86-64, such as the image's privacy-os.efi."


@dataclass(frozen=True, slots=True)
class Section:
    """One section; sizes and places in bytes.

    Attributes:
        name: up to eight characters.
        size: in memory.
        address: in memory, relative to the program.
        stored: size in the file.
        offset: in the file.
    """

    name: str
    size: int
    address: int
    stored: int
    offset: int


class Program:
    """A parsed program."""

    def __init__(self, data: bytes) -> None:
        """Read the headers.

        Raises:
            BadProgram: too large, or of another form.
        """
        if len(data) > MAX_IMAGE:
            raise BadProgram("the program is too large", size=len(data), limit=MAX_IMAGE)
        self.data = data
        try:
            self._read()
        except (struct.error, UnicodeDecodeError) as error:
            raise BadProgram("not a program for UEFI", reason=str(error)) from None

    def _read(self) -> None:
        self.head = struct.unpack_from("<I", self.data, 0x3C)[0]
        self.optional = self.head + 24
        count, size = struct.unpack_from("<2xH12xH", self.data, self.head + 4)
        magic = struct.unpack_from("<H", self.data, self.optional)[0]
        if (self.data[:2], self.data[self.head : self.head + 4], magic) != (b"MZ", b"PE\0\0", _PE32_PLUS):
            raise BadProgram("not a program for UEFI on 64 bits")
        directories = struct.unpack_from("<I", self.data, self.optional + 108)[0]
        if directories < 5 or not 0 < count <= MAX_SECTIONS or size < 112 + 8 * directories:
            raise BadProgram("headers that we do not know", directories=directories, sections=count)
        self.table = self.optional + size
        self.headers = struct.unpack_from("<I", self.data, self.optional + 60)[0]
        self.sections = tuple(self._section(number) for number in range(count))
        if self.table + _HEADER * count > self.headers or self.headers > len(self.data):
            raise BadProgram("headers that overlap")

    def _section(self, number: int) -> Section:
        name, *numbers = struct.unpack_from("<8s4I", self.data, self.table + _HEADER * number)
        found = Section(name.rstrip(b"\0").decode("ascii"), *numbers)
        if found.offset + found.stored > len(self.data) or found.size > MAX_IMAGE:
            raise BadProgram("a section outside of the file", section=found.name)
        return found

    def contents(self) -> Mapping[str, bytes]:
        """What each section is in memory; of sections with one name the first, as a boot stub takes it."""
        found: dict[str, bytes] = {}
        for section in self.sections:
            stored = self.data[section.offset : section.offset + min(section.size, section.stored)]
            found.setdefault(section.name, stored.ljust(section.size, b"\0"))
        return found

    def authenticode(self) -> bytes:
        """What firmware measures into PCR 4, 32 bytes: all but checksum and signatures."""
        checksum, signatures = self.optional + 64, self.optional + 112 + 32
        _, signed = struct.unpack_from("<II", self.data, signatures)
        seen = sha256(self.data[:checksum])
        seen.update(self.data[checksum + 4 : signatures])
        seen.update(self.data[signatures + 8 : self.headers])
        end = self.headers
        for section in sorted(self.sections, key=lambda each: each.offset):
            if section.stored:
                seen.update(self.data[section.offset : section.offset + section.stored])
                end += section.stored
        seen.update(self.data[end : max(end, len(self.data) - signed)])
        return seen.digest()


def with_sections(stub: bytes, more: Mapping[str, bytes]) -> bytes:
    """A program with sections of data added behind its own, in this order.

    Raises:
        BadProgram: not a program, signed already, or no room for the headers.
    """
    program = Program(stub)
    alignment, in_file = struct.unpack_from("<II", stub, program.optional + 32)
    signed = struct.unpack_from("<II", stub, program.optional + 112 + 32) != (0, 0)
    count = len(program.sections) + len(more)
    if signed or program.table + _HEADER * count > program.headers or count > MAX_SECTIONS:
        raise BadProgram("no sections can be added to this program", signed=signed, sections=count)
    made = bytearray(stub + bytes(-len(stub) % in_file))
    address = max(each.address + each.size for each in program.sections)
    added = 0
    for number, (name, data) in enumerate(more.items(), len(program.sections)):
        address += -address % alignment
        stored = len(data) + -len(data) % in_file
        numbers = (len(data), address, stored, len(made), 0, 0, 0, 0, _READ_ONLY_DATA)
        struct.pack_into("<8s6IHHI", made, program.table + _HEADER * number, name.encode("ascii"), *numbers)
        made += data.ljust(stored, b"\0")
        address, added = address + len(data), added + stored
    _describe(made, program, count, added, address + -address % alignment)
    return bytes(made)


def _describe(made: bytearray, program: Program, count: int, added: int, size: int) -> None:
    """Bring the headers up to date: number of sections, sizes, no checksum (UEFI does not ask for one)."""
    initialised = struct.unpack_from("<I", made, program.optional + 8)[0]
    struct.pack_into("<H", made, program.head + 6, count)
    struct.pack_into("<I", made, program.optional + 8, initialised + added)
    struct.pack_into("<I", made, program.optional + 56, size)
    struct.pack_into("<I", made, program.optional + 64, 0)
