"""Secure Boot with one's own keys: what firmware has to hold, and what it will measure of that. Pure.

Three certificates: with the platform's (PK) the exchange's (KEK) is changed, and with that the one of images (db).
Nobody else's are in there, so firmware starts what their owner has signed and nothing else.

Source: UEFI 2.10, 32.4.1 (EFI_SIGNATURE_LIST), 32.3 (variables); EDK II, VariableFormat.h in MdeModulePkg (how
OVMF keeps variables); TCG PC Client Platform Firmware Profile 1.06, 3.3.4.8 (register 7), 10.2.6
(UEFI_VARIABLE_DATA). Numbers are little-endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.measuring import Step

GLOBAL: Final = UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
DATABASE: Final = UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
"""Whose variables PK and KEK, and whose db and dbx, are."""
OWNER: Final = UUID("5c7b2f6a-0d51-4c0e-9a51-70726976616f")
"""Of our own entries; it says nothing, but is measured."""

_X509: Final = UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_STORE: Final = UUID("aaf32c78-947b-439a-a180-2e144ec37792")
ATTRIBUTES: Final = 0x27
"""NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, TIME_BASED_AUTHENTICATED_WRITE_ACCESS."""
_ADDED: Final = 0x3F
_SINCE: Final = struct.pack("<HBBBBBBIhBB", 2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
"""A time long ago (EFI_TIME): whoever changes a variable has to name a later one."""
_MAX_CERTIFICATE: Final = 16 << 10
_EMPTY: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Keys:
    """Certificates, in DER.

    Attributes:
        platform: PK.
        exchange: KEK.
        images: db.
    """

    platform: bytes
    exchange: bytes
    images: bytes

    def __post_init__(self) -> None:
        if max(map(len, (self.platform, self.exchange, self.images))) > _MAX_CERTIFICATE:
            raise Misuse("a certificate is too large", code="os.secure-boot", limit=_MAX_CERTIFICATE)


def enrolled(blank: bytes, keys: Keys) -> bytes:
    """OVMF's variables with these keys in them; with a PK, firmware switches Secure Boot on by itself.

    Args:
        blank: variables that hold none, as OVMF brings them (`OVMF_VARS_4M.fd`).
        keys: what is written.

    Raises:
        Misuse: not such variables, or they are not blank ("os.secure-boot").
    """
    (start,) = struct.unpack_from("<H", blank, 48) if len(blank) > 64 else (0,)
    if blank[40:44] != b"_FVH" or blank[start : start + 16] != _STORE.bytes_le:
        raise Misuse("not the variables of OVMF", code="os.secure-boot")
    (size,) = struct.unpack_from("<I", blank, start + 16)
    first, made = start + 28, b""
    for name, vendor, data in variables(keys):
        if data:
            made += _variable(name, vendor, data)
    if len(made) > size - 28 or set(blank[first : start + size]) != {_EMPTY}:
        raise Misuse("variables that are not blank", code="os.secure-boot")
    return blank[:first] + made + blank[first + len(made) :]


def steps(keys: Keys) -> Iterator[Step]:
    """What register 7 takes, when firmware that holds these keys starts a program that the last of them signed."""
    for name, vendor, data in (("SecureBoot", GLOBAL, b"\x01"), *variables(keys)):
        yield Step(7, f"variable {name}", sha256(_measured(name, vendor, data)).digest())
    yield Step(7, "separator", sha256(bytes(4)).digest())
    yield Step(7, "who signed", sha256(_measured("db", DATABASE, _entry(keys.images))).digest())


def variables(keys: Keys) -> tuple[tuple[str, UUID, bytes], ...]:
    """Name, vendor and content of each variable that firmware shall hold."""
    return (
        ("PK", GLOBAL, _list(keys.platform)),
        ("KEK", GLOBAL, _list(keys.exchange)),
        ("db", DATABASE, _list(keys.images)),
        ("dbx", DATABASE, b""),
    )


def _entry(certificate: bytes) -> bytes:
    return OWNER.bytes_le + certificate


def _list(certificate: bytes) -> bytes:
    """A list of one certificate."""
    entry = _entry(certificate)
    return _X509.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry


def _variable(name: str, vendor: UUID, data: bytes) -> bytes:
    """As the store keeps it: a header, the name with its zero, the data; the next begins at a multiple of four."""
    letters = name.encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HBBIQ", 0x55AA, _ADDED, 0, ATTRIBUTES, 0) + _SINCE
    head += struct.pack("<III", 0, len(letters), len(data)) + vendor.bytes_le
    made = head + letters + data
    return made + bytes([_EMPTY]) * (-len(made) % 4)


def _measured(name: str, vendor: UUID, data: bytes) -> bytes:
    """UEFI_VARIABLE_DATA."""
    return vendor.bytes_le + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data
