"""Which address has which part of a vendor's collateral, how large it may be, and how long it keeps. Pure.

Source: AMD 57230 1.00, chapter 4 (key distribution service); Intel PCS API, version 4.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self
from urllib.parse import urlsplit

from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.der import SEQUENCE, Der
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.errors import Misuse

AMD: Final = "https://kdsintf.amd.com"
INTEL: Final = "https://api.trustedservices.intel.com"
INTEL_ROOT_CRL: Final = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

_DAY: Final = 86_400
_YEAR: Final = 365 * _DAY


class Form(Enum):
    """What an answer is; anything else is not kept."""

    DER = "one DER value"
    PEM = "certificates in PEM"
    JSON = "a JSON object"

    def fits(self, data: bytes) -> bool:
        """Whether the bytes are of this form, at first sight."""
        match self:
            case Form.DER:
                return _is_der(data)
            case Form.PEM:
                return data.startswith(b"-----BEGIN CERTIFICATE-----")
            case Form.JSON:
                return data[:1] == b"{" and data.rstrip()[-1:] == b"}"


def _is_der(data: bytes) -> bool:
    value = Der(data, "an answer")
    try:
        value.take(SEQUENCE)
        value.end()
    except BadChain:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing that a vendor publishes.

    Attributes:
        url: where; names it in the cache, too.
        form: of the answer.
        limit: bytes that it may have.
        lasts: seconds for which a copy is used without asking again.
        header: of the answer, with the certificates of who signed it, in PEM, percent-encoded; "" = there is none.
    """

    url: str
    form: Form
    limit: int
    lasts: int
    header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where vendors, or those who keep copies for them (such as Intel's PCCS), answer.

    Attributes:
        amd: AMD's key distribution service, without a path.
        intel: Intel's provisioning certification service, without a path.
        intel_root_crl: the list of certificates that Intel's root has revoked.
    """

    amd: str = AMD
    intel: str = INTEL
    intel_root_crl: str = INTEL_ROOT_CRL

    def __post_init__(self) -> None:
        for url in (self.amd, self.intel, self.intel_root_crl):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
                raise Misuse("a source of collateral is an https address", code="collateral.source", url=url[:200])

    @classmethod
    def at(cls, *, amd: str = "", intel: str = "") -> Self:
        """The vendors' own addresses, but for those that are named.

        Args:
            amd: as the attribute; "" = AMD's own.
            intel: as the attribute, but of a service that has the root's list, too (a PCCS); "" = Intel's own.

        Raises:
            Misuse: not https addresses ("collateral.source").
        """
        if not intel:
            return cls(amd=amd.rstrip("/") or AMD)
        base = intel.rstrip("/")
        return cls(
            amd=amd.rstrip("/") or AMD,
            intel=base,
            intel_root_crl=INTEL_ROOT_CRL if base == INTEL else f"{base}/sgx/certification/v4/rootcacrl",
        )

    def vcek(self, product: Product, chip_id: bytes, tcb: Tcb) -> Resource:
        """The certificate of a chip's own key, for the firmware that the report names (REPORTED_TCB).

        Args:
            product: of the chip.
            chip_id: 64 bytes, as in the report.
            tcb: for which the key was derived; another TCB has another key.
        """
        levels = f"blSPL={tcb.bootloader:02}&teeSPL={tcb.tee:02}&snpSPL={tcb.snp:02}&ucodeSPL={tcb.microcode:02}"
        if product is Product.TURIN:
            levels = f"fmcSPL={tcb.fmc:02}&{levels}"
        chip = chip_id[: product.chip_size].hex()
        url = f"{self.amd}/vcek/v1/{product.value}/{chip}?{levels}"
        return Resource(url=url, form=Form.DER, limit=16 << 10, lasts=_YEAR)

    def authorities(self, product: Product) -> Resource:
        """ASK and ARK, one after another."""
        url = f"{self.amd}/vcek/v1/{product.value}/cert_chain"
        return Resource(url=url, form=Form.PEM, limit=64 << 10, lasts=30 * _DAY)

    def amd_crl(self, product: Product) -> Resource:
        """What the ARK has revoked: ASK and ASVK are on the same list."""
        return Resource(url=f"{self.amd}/vcek/v1/{product.value}/crl", form=Form.DER, limit=64 << 10, lasts=_DAY)

    def root_crl(self) -> Resource:
        """What Intel's root has revoked."""
        return Resource(url=self.intel_root_crl, form=Form.DER, limit=128 << 10, lasts=_DAY)

    def pck_crl(self, authority: str) -> Resource:
        """What an authority for PCK certificates ("platform" or "processor") has revoked."""
        return self._intel(
            f"sgx/certification/v4/pckcrl?ca={authority}&encoding=der",
            header="SGX-PCK-CRL-Issuer-Chain",
            form=Form.DER,
        )

    def tcb_info(self, fmspc: bytes) -> Resource:
        """Intel's table for a family of processors, named by 6 bytes."""
        return self._intel(
            f"tdx/certification/v4/tcb?fmspc={fmspc.hex()}", header="TCB-Info-Issuer-Chain", form=Form.JSON
        )

    def qe_identity(self) -> Resource:
        """Intel's table for the quoting enclave of TDX."""
        return self._intel(
            "tdx/certification/v4/qe/identity", header="SGX-Enclave-Identity-Issuer-Chain", form=Form.JSON
        )

    def _intel(self, path: str, *, header: str, form: Form) -> Resource:
        return Resource(url=f"{self.intel}/{path}", form=form, limit=128 << 10, lasts=_DAY, header=header)
