"""What Intel certifies of one processor: the SGX extensions of a PCK certificate. Pure.

Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, 1.5, section 1.3.5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.certificates import BadChain

SGX_EXTENSIONS: Final = "1.2.840.113741.1.13.1"
_ARC: Final = bytes.fromhex("2a864886f84d010d01")
"""DER of 1.2.840.113741.1.13.1, without tag and length."""

SEQUENCE: Final = 0x30
OID: Final = 0x06
INTEGER: Final = 0x02
OCTETS: Final = 0x04
ENUMERATED: Final = 0x0A
COMPONENTS: Final = 16

PPID, TCB, PCEID, FMSPC, TYPE, INSTANCE, CONFIGURATION = 1, 2, 3, 4, 5, 6, 7
PCESVN, CPUSVN = 17, 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One processor package, or several that were registered as one.

    Attributes:
        ppid: its name, 16 bytes; one per machine, for lists of allowed hardware.
        fmspc: family, model, stepping, platform type: which TCB info it is judged by, 6 bytes.
        pceid: which provisioning enclave, 2 bytes.
        components: 16 security version numbers that the certificate was made for.
        pce_svn: security version number of the provisioning enclave.
    """

    ppid: bytes
    fmspc: bytes
    pceid: bytes
    components: tuple[int, ...]
    pce_svn: int

    @classmethod
    def parse(cls, data: bytes) -> "Platform":
        """Read the value of the extension.

        Raises:
            BadChain: something is missing, stands twice, is unknown, or has another form.
        """
        found = _pairs(_only(data), _ARC)
        if not {PPID, TCB, PCEID, FMSPC, TYPE} <= found.keys() <= set(range(PPID, CONFIGURATION + 1)):
            raise BadChain("the SGX extensions are not the known ones", found=sorted(found))
        _value(found, TYPE, ENUMERATED, 1)
        tcb = _pairs(_value(found, TCB, SEQUENCE), _ARC + bytes((TCB,)))
        if tcb.keys() != set(range(1, CPUSVN + 1)):
            raise BadChain("the TCB of the SGX extensions is not the known one", found=sorted(tcb))
        _value(tcb, CPUSVN, OCTETS, 16)
        return cls(
            ppid=_value(found, PPID, OCTETS, 16),
            fmspc=_value(found, FMSPC, OCTETS, 6),
            pceid=_value(found, PCEID, OCTETS, 2),
            components=tuple(_svn(tcb, number, 0xFF) for number in range(1, COMPONENTS + 1)),
            pce_svn=_svn(tcb, PCESVN, 0xFFFF),
        )


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """DER values that follow one another: tag and content; lengths in their shortest form. Source: X.690, 10.1."""
    at = 0
    while at < len(data):
        tag, size, body = data[at], int.from_bytes(data[at + 1 : at + 2], "big"), at + 2
        if size & 0x80:
            wide = size & 0x7F
            size, body = int.from_bytes(data[body : body + wide], "big"), body + wide
            if wide not in (1, 2) or size < (0x80, 0x100)[wide - 1]:
                raise BadChain("the SGX extensions have a length in another form", at=at)
        if body + size > len(data):
            raise BadChain("the SGX extensions end early", at=at)
        yield tag, data[body : body + size]
        at = body + size


def _only(data: bytes) -> bytes:
    values = list(_values(data))
    if len(values) != 1 or values[0][0] != SEQUENCE:
        raise BadChain("the SGX extensions are not one sequence")
    return values[0][1]


def _pairs(data: bytes, arc: bytes) -> dict[int, tuple[int, bytes]]:
    """The values of a sequence of (OID, value), by the last number of their OID under `arc`."""
    made: dict[int, tuple[int, bytes]] = {}
    for tag, content in _values(data):
        pair = list(_values(content))
        if tag != SEQUENCE or len(pair) != 2 or pair[0][0] != OID:
            raise BadChain("the SGX extensions are not pairs of name and value")
        name = pair[0][1]
        if len(name) != len(arc) + 1 or not name.startswith(arc) or name[-1] & 0x80 or name[-1] in made:
            raise BadChain("the SGX extensions have an unknown name, or one twice", oid=name[:20].hex())
        made[name[-1]] = pair[1]
    return made


def _value(pairs: dict[int, tuple[int, bytes]], name: int, tag: int, size: int | None = None) -> bytes:
    found, content = pairs[name]
    if found != tag or (size is not None and len(content) != size):
        raise BadChain("an SGX extension has another form", name=name, tag=found, size=len(content))
    return content


def _svn(pairs: dict[int, tuple[int, bytes]], name: int, most: int) -> int:
    content = _value(pairs, name, INTEGER)
    value = int.from_bytes(content, "big", signed=True)
    if len(content) != value.bit_length() // 8 + 1 or not 0 <= value <= most:
        raise BadChain("a security version number has another form", name=name, value=content[:8].hex())
    return value
