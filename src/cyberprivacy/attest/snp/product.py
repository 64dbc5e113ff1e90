"""Generations of AMD EPYC, and the security versions of their firmware. Pure.

Source: AMD 56860 (SEV-SNP firmware ABI) 1.58, section 2.2, and AMD 57230 (VCEK certificates) 1.00.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cyberprivacy.errors import Untrusted


class BadReport(Untrusted):
    """Bytes are not an attestation report that this code can read."""

    code = "snp.form"
    hint = "The evidence was damaged or made up; ask the node again."


class Product(Enum):
    """A generation with its own root key at AMD. Bergamo and Siena are of the Genoa generation."""

    MILAN = "Milan"
    GENOA = "Genoa"
    TURIN = "Turin"

    @property
    def chip_size(self) -> int:
        """How many bytes of the chip id name a chip of this generation; the rest of the 64 is zero."""
        return 8 if self is Product.TURIN else 64


_MODELS: Final = (
    (0x19, range(0x10), Product.MILAN),
    (0x19, range(0x10, 0x20), Product.GENOA),
    (0x19, range(0xA0, 0xB0), Product.GENOA),
    (0x1A, range(0x12), Product.TURIN),
)


def product_of(family: int, model: int) -> Product | None:
    """The generation of a processor by its CPUID family and model; None for one that this code does not know."""
    for known, models, product in _MODELS:
        if family == known and model in models:
            return product
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcb:
    """Security versions of what is trusted on a chip; each 0 to 255, a higher one is newer.

    Attributes:
        fmc: of the firmware's first stage; Turin only, 0 elsewhere.
        bootloader: of the secure processor's boot loader.
        tee: of its operating system.
        snp: of the SNP firmware.
        microcode: lowest of all cores.
    """

    fmc: int = 0
    bootloader: int = 0
    tee: int = 0
    snp: int = 0
    microcode: int = 0

    def reaches(self, least: "Tcb") -> bool:
        """Whether each component is at least as new; never compare the eight bytes as one number."""
        return all(mine >= other for mine, other in zip(self.parts, least.parts, strict=True))

    @property
    def parts(self) -> tuple[int, int, int, int, int]:
        """The components in their order."""
        return (self.fmc, self.bootloader, self.tee, self.snp, self.microcode)

    def encode(self, product: Product) -> bytes:
        """The eight bytes of this product.

        Source: AMD 56860, table "TCB_VERSION", for families 19h and 1Ah.
        """
        if product is Product.TURIN:
            return bytes((self.fmc, self.bootloader, self.tee, self.snp, 0, 0, 0, self.microcode))
        return bytes((self.bootloader, self.tee, 0, 0, 0, 0, self.snp, self.microcode))

    @classmethod
    def parse(cls, data: bytes, product: Product) -> "Tcb":
        """Read the eight bytes of this product.

        Raises:
            BadReport: not eight bytes, or a reserved one is not zero.
        """
        if len(data) != 8:
            raise BadReport("a TCB version is eight bytes", size=len(data))
        if product is Product.TURIN:
            made = cls(fmc=data[0], bootloader=data[1], tee=data[2], snp=data[3], microcode=data[7])
        else:
            made = cls(bootloader=data[0], tee=data[1], snp=data[6], microcode=data[7])
        if made.encode(product) != data:
            raise BadReport("reserved bytes of a TCB version are not zero", tcb=data.hex(), product=product.value)
        return made

    def __str__(self) -> str:
        return f"fmc {self.fmc}, boot {self.bootloader}, tee {self.tee}, snp {self.snp}, ucode {self.microcode}"
