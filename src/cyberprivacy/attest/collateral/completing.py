"""Evidence without certificates or collateral, or with old ones, gets what vendors publish; then it is judged."""

from collections.abc import Callable
from typing import Final, Protocol

from cyberprivacy import canonical
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Report
from cyberprivacy.attest.statement import MAX_ATTESTATION
from cyberprivacy.errors import TryLater, Untrusted

AGED: Final = frozenset({"tdx.collateral-expired", "tdx.evaluation", "snp.crl-expired"})
"""Codes that say: newer collateral may help."""


class Completer(Protocol):
    """Knows what vendors publish."""

    @property
    def offline(self) -> bool:
        """Whether nobody may be asked."""
        ...

    def complete(self, evidence: Evidence, *, renew: bool = False) -> Evidence:
        """The evidence with what it lacks; with `renew`, with the newest of it. See `Keeper.complete`."""
        ...


def judged(
    data: bytes, vendors: Completer, judge: Callable[[bytes], Report], *, tell: Callable[[str], None]
) -> tuple[bytes, Report]:
    """A document with what its evidence lacks, and the verdict on it.

    Only the vendors' part of evidence is added or renewed, which the verifier judges like one that came along;
    what hardware and node have signed stays as it is.

    Args:
        data: an attestation, bare evidence, or anything at all.
        vendors: where certificates and collateral come from.
        judge: gives the verdict.
        tell: hears, in words for people, that something could not be renewed; what there is is judged then.

    Raises:
        TryLater: something that is needed is out of reach.
        Untrusted, Misuse: no vendor knows this hardware, or only the host has what is needed.
    """
    whole = _completed(data, vendors, renew=False)
    report = judge(whole)
    if vendors.offline or not {check.code for check in report.failures} & AGED:
        return whole, report
    try:
        renewed = _completed(whole, vendors, renew=True)
    except TryLater as error:
        tell(f"the vendor's tables could not be renewed: {error}")
        return whole, report
    return renewed, judge(renewed)


def _completed(data: bytes, vendors: Completer, *, renew: bool) -> bytes:
    """The document with complete evidence; as it is when it cannot be read, which the verifier will say."""
    try:
        document = canonical.decode(data, limit=MAX_ATTESTATION)
        evidence = Evidence.read(document["evidence"] if isinstance(document, dict) else None)
    except (Untrusted, KeyError):
        return data
    whole = vendors.complete(evidence, renew=renew)
    if whole == evidence or not isinstance(document, dict):
        return data
    return canonical.encode({**document, "evidence": whole.document()})
