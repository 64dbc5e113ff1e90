"""What Intel certifies of one processor: the SGX extensions of a PCK certificate. Pure.

Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, 1.5, section 1.3.5.
"""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.der import OCTET_STRING, OID, Der

SGX_EXTENSIONS: Final = "1.2.840.113741.1.13.1"
_ARC: Final = bytes.fromhex("2a864886f84d010d01")
"""DER of 1.2.840.113741.1.13.1, without tag and length."""

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
        whole = Der(data, "the list of SGX extensions")
        found = _pairs(whole.inside(), _ARC)
        whole.end()
        if not {PPID, TCB, PCEID, FMSPC, TYPE} <= found.keys() <= set(range(PPID, CONFIGURATION + 1)):
            raise BadChain("the SGX extensions are not the known ones", found=sorted(found))
        _value(found[TYPE], ENUMERATED, 1)
        tcb = _pairs(found[TCB].inside(), _ARC + bytes((TCB,)))
        found[TCB].end()
        if tcb.keys() != set(range(1, CPUSVN + 1)):
            raise BadChain("the TCB of the SGX extensions is not the known one", found=sorted(tcb))
        _value(tcb[CPUSVN], OCTET_STRING, 16)
        return cls(
            ppid=_value(found[PPID], OCTET_STRING, 16),
            fmspc=_value(found[FMSPC], OCTET_STRING, 6),
            pceid=_value(found[PCEID], OCTET_STRING, 2),
            components=tuple(_svn(tcb[number], 0xFF) for number in range(1, COMPONENTS + 1)),
            pce_svn=_svn(tcb[PCESVN], 0xFFFF),
        )


def _pairs(listed: Der, arc: bytes) -> dict[int, Der]:
    """The values of a sequence of (OID, value), by the last number of their OID under `arc`."""
    made: dict[int, Der] = {}
    for pair in listed.each():
        name = pair.take(OID)
        if len(name) != len(arc) + 1 or not name.startswith(arc) or name[-1] & 0x80 or name[-1] in made:
            raise BadChain("the SGX extensions have an unknown name, or one twice", oid=name[:20].hex())
        made[name[-1]] = pair
    return made


def _value(found: Der, tag: int, size: int) -> bytes:
    content = found.take(tag)
    found.end()
    if len(content) != size:
        raise BadChain("an SGX extension has another size", size=len(content), wanted=size)
    return content


def _svn(found: Der, most: int) -> int:
    value = found.natural()
    found.end()
    if value > most:
        raise BadChain("a security version number is too large", value=value, most=most)
    return value
