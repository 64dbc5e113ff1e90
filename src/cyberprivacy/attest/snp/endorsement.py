"""What AMD's certificate says about the chip, and whether a report is of that chip. Pure.

Source: AMD 57230 1.00, table "VCEK certificate extensions", arc 1.3.6.1.4.1.3704.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.der import IA5_STRING, OCTET_STRING, Der
from cyberprivacy.attest.snp.chain import Certificate, Chain
from cyberprivacy.attest.snp.product import Product, Tcb, product_of
from cyberprivacy.attest.snp.report import Report, Signer
from cyberprivacy.errors import Untrusted

ARC: Final = "1.3.6.1.4.1.3704.1."
VERSION: Final = ARC + "1"
NAME: Final = ARC + "2"
COMPONENTS: Final = {
    "bootloader": ARC + "3.1",
    "tee": ARC + "3.2",
    "snp": ARC + "3.3",
    "microcode": ARC + "3.8",
}
RESERVED: Final = tuple(f"{ARC}3.{number}" for number in (4, 5, 6, 7))
FMC: Final = ARC + "3.9"
HWID: Final = ARC + "4"
CSP: Final = ARC + "5"

_KNOWN: Final = frozenset({VERSION, NAME, *COMPONENTS.values(), *RESERVED, FMC, HWID, CSP})
_NAME_FORM: Final = re.compile(r"(Milan|Genoa|Turin)(-[A-Z][0-9])?")
_CSP_FORM: Final = re.compile(r"[\x20-\x7e]{1,100}")
_MASKED: Final = bytes(64)


class BadEndorsement(Untrusted):
    """The certificate does not vouch for the report that came with it."""

    code = "snp.extensions"
    hint = (
        "The node sent another chip's certificate, or one for other firmware; its operator has to fetch it anew."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """What the leaf certificate says.

    Attributes:
        product: of the chip.
        tcb: for which the key was derived; it exists only on a chip whose firmware is at least that new.
        signer: VCEK when a chip's own key, VLEK when a cloud provider's.
        chip: chip id, 64 bytes, zeros behind the 8 of a Turin; b"" for a VLEK.
        provider: name of the cloud provider; "" for a VCEK.
    """

    product: Product
    tcb: Tcb
    signer: Signer
    chip: bytes
    provider: str

    @classmethod
    def parse(cls, leaf: Certificate) -> "Endorsement":
        """Read AMD's extensions: all that must be there, none that is unknown.

        Raises:
            BadEndorsement, BadChain: anything else.
        """
        found = {name: value for name, (_, value) in leaf.extensions.items() if name.startswith(ARC)}
        if unknown := found.keys() - _KNOWN:
            raise BadEndorsement("the certificate has unknown extensions of AMD", oids=sorted(unknown)[:4])
        if _number(found, VERSION) > 1 or any(_number(found, name) for name in RESERVED if name in found):
            raise BadEndorsement("the certificate is of an unknown version, or has a reserved component")
        product = _product(found)
        components = {part: _number(found, name) for part, name in COMPONENTS.items()}
        if (FMC in found) != (product is Product.TURIN) or (HWID in found) == (CSP in found):
            raise BadEndorsement("the certificate says too much or too little", oids=sorted(found))
        if FMC in found:
            components["fmc"] = _number(found, FMC)
        return cls(
            product=product,
            tcb=Tcb(**components),
            signer=Signer.VCEK if HWID in found else Signer.VLEK,
            chip=_chip(found[HWID], product) if HWID in found else b"",
            provider=_text(found, CSP, _CSP_FORM)[0] if CSP in found else "",
        )


def endorse(report: Report, chain: Chain) -> Endorsement:
    """Check that the chain vouches for exactly this report's chip and firmware.

    Raises:
        BadEndorsement: extensions ("snp.extensions"), product ("snp.product"), kind of key ("snp.signer",
            "snp.unsigned"), chip ("snp.masked-chip", "snp.other-chip") or firmware ("snp.other-tcb",
            "snp.tcb-order") differ.
        BadReport: a TCB version that the product cannot have.
        BadChain: extensions that are not DER.
    """
    said = Endorsement.parse(chain.leaf)
    for code, wrong, detail in _faults(report, chain, said):
        if wrong:
            raise BadEndorsement(detail, code=code)
    reported, committed, current = (
        Tcb.parse(data, said.product) for data in (report.reported_tcb, report.committed_tcb, report.current_tcb)
    )
    if reported != said.tcb:
        raise BadEndorsement(
            "the certificate is for other firmware", code="snp.other-tcb", report=str(reported), key=str(said.tcb)
        )
    if not committed.reaches(reported) or not current.reaches(committed):
        raise BadEndorsement("reported <= committed <= current TCB does not hold", code="snp.tcb-order")
    return said


def _faults(report: Report, chain: Chain, said: Endorsement) -> Iterator[tuple[str, bool, str]]:
    """Reason, whether it holds, and words; in the order in which they make sense."""
    cpuid, pinned = report.cpuid, chain.pinned
    chips = said.product if cpuid is None else product_of(cpuid.family, cpuid.model)
    infix = "VLEK-" if said.signer is Signer.VLEK else ""
    names = (f"SEV-{said.signer.name}", f"SEV-{infix}{said.product.value}", f"ARK-{said.product.value}")
    found = (chain.leaf.name, chain.middle.name, chain.root.name)
    yield "snp.product", pinned not in (None, said.product), "the root is of another product than the certificate"
    yield "snp.product", found != names, f"certificates named {found}, not {names}"
    yield "snp.product", chips is not said.product, f"a report of {cpuid}, a certificate of {said.product.value}"
    yield "snp.unsigned", report.signer is Signer.NONE, "the hypervisor forbade every key to sign"
    yield "snp.signer", report.signer is not said.signer, f"signed as {report.signer.name}, not {said.signer.name}"
    own = said.signer is Signer.VCEK
    yield "snp.masked-chip", own and report.chip_id == _MASKED, "the hypervisor hides which chip it is"
    yield "snp.other-chip", own and report.chip_id != said.chip, "the certificate is of another chip"


def _number(found: dict[str, bytes], name: str) -> int:
    """A DER INTEGER, 0 to 255."""
    if name not in found:
        raise BadEndorsement("the certificate says too little", oid=name)
    value = Der(found[name], "a component")
    number = value.natural()
    value.end()
    if number > 255:
        raise BadEndorsement("a component that does not fit into a byte", oid=name, number=number)
    return number


def _text(found: dict[str, bytes], name: str, form: re.Pattern[str]) -> re.Match[str]:
    """A DER IA5String that the pattern describes whole."""
    value = Der(found.get(name, b""), "a name")
    text = value.take(IA5_STRING)
    value.end()
    matched = form.fullmatch(text.decode("ascii", "replace"))
    if matched is None:
        raise BadEndorsement("a name of another form", oid=name, got=text[:40])
    return matched


def _product(found: dict[str, bytes]) -> Product:
    """The generation, which AMD writes with or without a stepping: "Milan-B0", "Genoa"."""
    return Product(_text(found, NAME, _NAME_FORM)[1])


def _chip(value: bytes, product: Product) -> bytes:
    """The chip id, which AMD writes bare, and in newer certificates inside an OCTET STRING."""
    size = product.chip_size
    if len(value) == size + 2 and value[:2] == bytes((OCTET_STRING, size)):
        value = value[2:]
    if len(value) != size:
        raise BadEndorsement("a chip id of another length", size=len(value))
    return value.ljust(64, b"\x00")
