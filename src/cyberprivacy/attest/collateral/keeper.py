"""Completes evidence that came without certificates or collateral, from copies on disk and from vendors.

keeper = Keeper(folder)
complete = keeper.complete(evidence)
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from cryptography import x509

from cyberprivacy.attest.certificates import UNREADABLE, BadChain, split
from cyberprivacy.attest.collateral import intel
from cyberprivacy.attest.collateral.cache import Cache, CacheUnusable, Copy
from cyberprivacy.attest.collateral.resource import Resource, Sources
from cyberprivacy.attest.collateral.source import BadSource, Source
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.snp import verifier as snp
from cyberprivacy.attest.snp.chain import Certificate
from cyberprivacy.attest.snp.product import BadReport, Product, Tcb, product_of
from cyberprivacy.attest.snp.report import SIGNED_SIZE, Report, Signer
from cyberprivacy.attest.tdx import measured as tdx
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.quote import BadQuote, Seal, TdReport
from cyberprivacy.errors import Misuse, TryLater, Untrusted

PATIENCE: Final = 60.0
"""Seconds that the completion of one piece of evidence may take."""

_CRYPTIC: Final = (BadReport, BadQuote, BadChain)
_log = structlog.get_logger("attest")


class Keeper:
    """Keeps what vendors publish. Many threads and processes may share a folder; each thing is fetched once."""

    def __init__(
        self,
        folder: Path,
        *,
        sources: Sources | None = None,
        source: Source | None = None,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        """Keep copies in this folder.

        Args:
            folder: for nothing else.
            sources: where vendors answer; None = at their own addresses.
            source: asks them; None = over https, trusting the authorities of this system.
            clock: seconds since 1970.
            patience: seconds for one piece of evidence.
        """
        self._cache = Cache(folder, clock=clock)
        self._sources = sources or Sources()
        self._source = source or Source(clock=clock)
        self._clock, self._patience = clock, patience

    def complete(self, evidence: Evidence, *, renew: bool = False) -> Evidence:
        """The same evidence, with what it lacks: certificates and list (SNP), or collateral (TDX).

        Nothing that came along is taken away, but for what `renew` replaces. What is added is not judged here.
        Evidence that cannot be read, or is of another kind, comes back as it is: its verifier will say why.

        Args:
            evidence: of any kind.
            renew: ask the vendor again for all that has a date, whatever came along or is kept: when the verifier
                says that it has expired, or that it is no good.

        Raises:
            NoCollateral: something needed is out of reach ("collateral.unreachable", "collateral.throttled").
            TryLater: others wait there already ("collateral.queue"), or the disk refuses ("collateral.cache").
            BadSource: the vendor knows nothing of this hardware ("collateral.unknown"), or somebody else answers.
            Misuse: only the host can hand this out ("collateral.vlek").
        """
        errand = _Errand(self, since=int(self._clock()) if renew else 0, until=self._clock() + self._patience)
        try:
            match evidence.kind:
                case snp.KIND:
                    added = errand.snp(evidence, self._sources)
                case tdx.KIND:
                    added = errand.tdx(evidence, self._sources)
                case _:
                    added = {}
        except _CRYPTIC:
            return evidence
        return Evidence(evidence.kind, {**evidence.fields, **added})

    def get(self, resource: Resource, *, since: int, until: float) -> Copy:
        """A copy that is young enough, from the disk or from the vendor.

        An older one is better than none when the vendor is out of reach: what is in it has dates of its own, and
        the verifier judges them. It is logged as "collateral.stale".

        Args:
            resource: what is wanted.
            since: seconds since 1970; older copies do not count at all.
            until: seconds since 1970, when patience ends.

        Raises:
            As `complete`.
        """
        found = self._young(resource, since)
        if found is not None:
            return found
        try:
            return self._fetched(resource, since, until)
        except (TryLater, Untrusted) as error:
            kept = self._cache.read(resource.url)
            if kept is None or kept.at < since:
                raise
            _log.warning("collateral", code="collateral.stale", url=resource.url, at=kept.at, why=error.code)
            return kept

    def _fetched(self, resource: Resource, since: int, until: float) -> Copy:
        host = urlsplit(resource.url).netloc
        with self._cache.queue(host, patience=max(0.0, until - self._clock())) as queue:
            found = self._young(resource, since)
            if found is not None:  # somebody else has fetched it while we waited
                return found
            copy = self._source.fetch(resource, queue, until=until)
            try:
                self._cache.write(resource.url, copy)
            except CacheUnusable as error:  # what was fetched is good all the same; it will be fetched again
                _log.warning("collateral", code=error.code, url=resource.url, **error.facts)
            return copy

    def _young(self, resource: Resource, since: int) -> Copy | None:
        found, now = self._cache.read(resource.url), self._clock()
        if found is None or not max(since, now - resource.lasts) <= found.at <= now:
            return None
        return found


class _Errand:
    """The completion of one piece of evidence."""

    def __init__(self, keeper: Keeper, *, since: int, until: float) -> None:
        self._keeper, self._since, self._until = keeper, since, until

    def _get(self, resource: Resource, *, dated: bool = True) -> Copy:
        return self._keeper.get(resource, since=self._since if dated else 0, until=self._until)

    def snp(self, evidence: Evidence, sources: Sources) -> dict[str, bytes]:
        """Certificates and the root's list; the list is left out, with a warning, when it cannot be had.

        What the verifier's policy says decides whether that is good enough ("snp.no-crl").
        """
        added: dict[str, bytes] = {}
        chain = evidence.fields.get("certificates")
        if chain is None:
            chain = added["certificates"] = self._chain(evidence, sources)
        if "crl" in evidence.fields and not self._since:
            return added
        root = Certificate.parse(split(chain)[-1])
        product = next((each for each in Product if root.name == f"ARK-{each.value}"), None)
        if product is None:
            return added
        try:
            crl = self._get(sources.amd_crl(product)).body
        except (TryLater, Untrusted) as error:
            _log.warning("collateral", code=error.code, what="no list of revoked certificates", why=str(error))
            return added
        if root.subject in crl:  # else it is about another root, such as AMD's own beside one made for development
            added["crl"] = crl
        return added

    def _chain(self, evidence: Evidence, sources: Sources) -> bytes:
        report = Report.parse(evidence.fields.get("report", b"")[:SIGNED_SIZE])
        if report.signer is not Signer.VCEK or not any(report.chip_id):
            raise Misuse(
                "only the host can hand out the certificate of this key",
                code="collateral.vlek",
                hint="A cloud provider's key is not published; its host has to load the certificate.",
                signer=report.signer.name,
            )
        products = _products(report)
        for product in products:
            tcb = Tcb.parse(report.reported_tcb, product)
            try:
                leaf = self._get(sources.vcek(product, report.chip_id, tcb), dated=False).body
            except BadSource as error:
                if error.code == "collateral.unknown" and product is not products[-1]:
                    continue  # an old report does not say which of two generations it is of
                raise
            above = self._get(sources.authorities(product), dated=False).body
            return leaf + b"".join(pck.split_pem(above))
        raise BadReport("a processor that this code does not know", code="snp.product")

    def tdx(self, evidence: Evidence, sources: Sources) -> dict[str, bytes]:
        """Collateral for the processor that signed."""
        if "collateral" in evidence.fields and not self._since:
            return {}
        _, rest = TdReport.split(evidence.fields.get("quote", b""))
        inside = Seal.parse(rest).chain
        ders = split(evidence.fields.get("certificates", b"")) if inside is None else pck.split_pem(inside)
        fmspc, authority = _family(ders[0])
        made = intel.collateral(
            root_crl=self._get(sources.root_crl()),
            pck_crl=self._get(sources.pck_crl(authority)),
            tcb_info=self._get(sources.tcb_info(fmspc)),
            qe_identity=self._get(sources.qe_identity()),
        )
        return {"collateral": made}


def _products(report: Report) -> tuple[Product, ...]:
    """The generations that a report can be of; one, unless it is too old to say."""
    if report.cpuid is None:
        return (Product.TURIN,) if not any(report.chip_id[8:]) else (Product.GENOA, Product.MILAN)
    product = product_of(report.cpuid.family, report.cpuid.model)
    return () if product is None else (product,)


def _family(der: bytes) -> tuple[bytes, str]:
    """FMSPC of a PCK certificate, and which of Intel's two authorities issued it."""
    try:
        leaf = x509.load_der_x509_certificate(der)
        issuer = leaf.issuer.rfc4514_string()
        return pck.platform(leaf).fmspc, "platform" if "Platform CA" in issuer else "processor"
    except UNREADABLE:
        raise BadChain("a PCK certificate that cannot be read") from None
