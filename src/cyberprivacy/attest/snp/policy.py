"""What a user asks of SEV-SNP beyond genuine signatures. The defaults are the safe ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cyberprivacy.attest.snp.endorsement import Endorsement
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import NO_AGENT, GuestPolicy, Platform, Report

LEAST: Final[Mapping[Product, Tcb]] = MappingProxyType(
    {Product.MILAN: Tcb(snp=0x18), Product.GENOA: Tcb(snp=0x17), Product.TURIN: Tcb()}
)
"""Firmware that has repaired EntrySign and BadRAM; AMD has named no such level for Turin.

Source: AMD-SB-3019, as quoted in microsoft/CCF issue 6812. The microcode level differs within a generation, so a
user who knows their chips should ask for it too.
"""


NOTHING: Final = GuestPolicy(0)
"""Not a single bit of the guest policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpPolicy:
    """What must hold for evidence of kind "sev-snp".

    Attributes:
        products: generations that are accepted. Not Milan: its keys can be taken out with software alone
            (arXiv 2605.12990), so that any report of it may be forged.
        least: the lowest accepted TCB by product; reported, committed and launch TCB must all reach it. A product
            without an entry needs nothing.
        allow_smt: whether two threads may share a core. On by default: microcode repairs the known leaks, and
            clouds do not turn it off.
        allow_provisional: whether firmware may run that can still be rolled back.
        platform: what PLATFORM_INFO must say, in every version of the report.
        guest: what the guest policy must say besides; such as `PAGE_SWAP_DISABLED`.
        vmpl: the privilege level that must have asked.
        chips: chip ids that are accepted, 64 bytes each; None = all.
        require_crl: whether evidence must come with a list of revoked certificates.
    """

    products: frozenset[Product] = frozenset({Product.GENOA, Product.TURIN})
    least: Mapping[Product, Tcb] = field(default_factory=lambda: LEAST)
    allow_smt: bool = True
    allow_provisional: bool = False
    platform: Platform = Platform.ALIAS_CHECK
    guest: GuestPolicy = NOTHING
    vmpl: int = 0
    chips: frozenset[bytes] | None = None
    require_crl: bool = False

    def machine_faults(self, report: Report, said: Endorsement) -> Iterator[tuple[str, bool, str]]:
        """What is wrong with the machine: reason code, whether it holds, and words."""
        product, least = said.product, self.least.get(said.product, Tcb())
        chips, zero = self.chips, not any(report.chip_id)
        yield "snp.product-not-allowed", product not in self.products, f"{product.value} is not accepted"
        yield "snp.masked-chip", chips is not None and zero, "the hypervisor hides which chip it is"
        yield (
            "snp.chip-not-allowed",
            chips is not None and report.chip_id not in chips,
            "a chip that you do not name",
        )
        for what, data in (
            ("reported", report.reported_tcb),
            ("committed", report.committed_tcb),
            ("launch", report.launch_tcb),
        ):
            tcb = Tcb.parse(data, product)
            yield "snp.tcb-too-low", not tcb.reaches(least), f"{what} TCB: {tcb}; least: {least}"
        provisional = report.current != report.committed and not self.allow_provisional
        yield "snp.provisional", provisional, f"firmware {report.current} can go back to {report.committed}"
        missing = self.platform & ~report.platform
        yield "snp.platform", bool(missing), f"the platform lacks {missing!r}"
        smt = not self.allow_smt and Platform.SMT in report.platform
        yield "snp.smt", smt, "two threads share a core"

    def guest_faults(self, report: Report) -> Iterator[tuple[str, bool, str]]:
        """What is wrong with the guest, so that its measurement would mean nothing; as `machine_faults`."""
        allowed = report.policy
        yield "snp.debug", GuestPolicy.DEBUG in allowed, "the hypervisor may read and change the guest"
        agent = GuestPolicy.MIGRATION_AGENT in allowed or report.agent_id != NO_AGENT
        yield "snp.migration", agent, "another guest may take its memory elsewhere"
        yield "snp.vmpl", report.vmpl != self.vmpl, f"asked for at privilege level {report.vmpl}, not {self.vmpl}"
        missing = self.guest & ~allowed
        yield "snp.guest-policy", bool(missing), f"the guest policy lacks {missing!r}"
