"""The judge of TDX evidence. Pure.

Evidence of kind "tdx" has these fields: `quote`; `collateral` (canonical JSON, see `collateral`), which whoever
judges may add, as Intel signed it; `certificates` (DER, PCK first, root last) exactly when the quote does not
carry them; `log` (see `ccel`), optional. What is asked beyond cryptography stands in a `TdxPolicy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.x509 import CertificateRevocationList

from cyberprivacy.attest.certificates import BadChain, split
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings
from cyberprivacy.attest.quote import unreadable
from cyberprivacy.attest.report import Check, Level, one_of_each
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.collateral import BadCollateral, Collateral, check_advice, check_revocation
from cyberprivacy.attest.tdx.measured import KIND, judge_measured, measurement
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.tdx.quote import BadQuote, Seal, TdReport
from cyberprivacy.attest.tdx.worth import Unfit, Worth, judge_worth, weigh
from cyberprivacy.errors import Untrusted

FIELDS: Final = frozenset({"quote", "collateral", "certificates", "log"})


@dataclass(frozen=True, slots=True)
class _Root:
    """How the way to the root was judged; `line` and `revoked` stand when the chain holds and its lists do."""

    check: Check
    level: Level | None = None
    line: pck.Line | None = None
    revoked: CertificateRevocationList | None = None


class TdxVerifier:
    """Judges quotes of Intel TDX, versions 4 and 5."""

    kind = KIND

    def __init__(self, policy: TdxPolicy | None = None) -> None:
        self._policy = TdxPolicy() if policy is None else policy

    def measurement(self, evidence: Evidence) -> bytes | None:
        """The measurement that the quote claims; unproven."""
        try:
            return measurement(TdReport.split(evidence.fields["quote"])[0])
        except (BadQuote, KeyError):
            return None

    def judge(self, evidence: Evidence, *, binding: bytes, roots: Mapping[bytes, Level], now: int) -> Findings:
        """Check a quote; see `EvidenceVerifier`."""
        fields, opened = evidence.fields, _open(evidence)
        if isinstance(opened, Findings):
            return opened
        report, seal = opened
        collateral = _collateral(fields)
        root = _judge_root(_chain(seal, fields), collateral, roots, now)
        key, worth = self._judge_key(report, seal, root, collateral, now=now)
        signature = _judge_signature(report, seal)
        genuine = report if signature.acceptable else None
        log, measured = judge_measured(genuine, fields.get("log"), self._policy)
        checks = (
            Check.passed("evidence.kind", f"a TDX quote of version {report.version}"),
            root.check,
            key,
            signature,
            _judge_binding(genuine, binding),
            log,
        )
        return Findings(
            checks=one_of_each(checks, EVIDENCE_CHECKS),
            level=root.level,
            measurement=measured,
            identity=report.identity,
            facts={**_said(genuine), **_known(worth)},
        )

    def _judge_key(
        self, report: TdReport, seal: Seal, root: _Root, collateral: Collateral | BadCollateral, *, now: int
    ) -> tuple[Check, Worth | None]:
        """Whether a good quoting enclave on a good platform made the attestation key."""
        name = "evidence.key"
        if root.line is None or root.revoked is None or isinstance(collateral, BadCollateral):
            return Check.needs(name, "evidence.root"), None
        if not pck.signs(root.line.leaf, seal.qe_signature, seal.qe.raw):
            return Check.failed(name, "tdx.qe-signature", "the platform did not sign the QE's report"), None
        if seal.qe.report_data != seal.vouched:
            return Check.failed(name, "tdx.qe-report", "the quoting enclave vouches for another key"), None
        try:
            platform = pck.platform(root.line.leaf)
            advice = check_advice(collateral, root.line.checked.root, root.revoked, now=now)
            worth = weigh(report, seal.qe, platform, advice)
        except (BadChain, BadCollateral, Unfit) as error:
            return Check.failed(name, error.code, str(error)), None
        return judge_worth(worth, self._policy), worth


def _open(evidence: Evidence) -> tuple[TdReport, Seal] | Findings:
    """The parts of a quote; or what is found when it cannot be read, under its name as far as there is one."""
    fields = evidence.fields
    if evidence.kind != KIND or "quote" not in fields or not fields.keys() <= FIELDS:
        return _unreadable("evidence.form", f"not the parts of evidence of kind {KIND!r}")
    name = b""
    try:
        report, rest = TdReport.split(fields["quote"])
        name = report.identity
        seal = Seal.parse(rest)
    except BadQuote as error:
        return replace(_unreadable(error.code, str(error)), identity=name)
    if (seal.chain is None) != ("certificates" in fields):
        found = _unreadable("evidence.form", "the PCK certificates stand twice, or nowhere")
        return replace(found, identity=name)
    return report, seal


def _unreadable(code: str, detail: str) -> Findings:
    return unreadable(Check.failed("evidence.kind", code, detail))


def _collateral(fields: Mapping[str, bytes]) -> Collateral | BadCollateral:
    if "collateral" not in fields:
        return BadCollateral("no collateral came along", code="tdx.collateral-missing")
    try:
        return Collateral.parse(fields["collateral"])
    except BadCollateral as error:
        return error


def _chain(seal: Seal, fields: Mapping[str, bytes]) -> tuple[bytes, ...] | BadChain:
    try:
        return split(fields["certificates"]) if seal.chain is None else pck.split_pem(seal.chain)
    except BadChain as error:
        return error


def _judge_root(
    chain: tuple[bytes, ...] | BadChain,
    collateral: Collateral | BadCollateral,
    roots: Mapping[bytes, Level],
    now: int,
) -> _Root:
    name = "evidence.root"
    try:
        if isinstance(chain, BadChain):
            raise chain
        line = pck.line(chain, pck.PCK_ROLES, now=now)
    except BadChain as error:
        return _Root(Check.failed(name, error.code, str(error)))
    listed = _revoked(collateral, line, now)
    crl = None if isinstance(listed, Untrusted) else listed
    root, development = line.checked.root, line.checked.development
    pinned = roots.get(root)
    if pinned is None or not (development or root == pck.INTEL_SGX_ROOT):
        code = "evidence.development-root" if development else "evidence.unknown-root"
        what = (
            "a root made for development" if development else "a root that is not Intel's, or not trusted by you"
        )
        return _Root(Check.failed(name, code, f"{what}: sha256:{root.hex()}"), None, line, crl)
    level = Level.DEVELOPMENT if development else min(pinned, Level.CONFIDENTIAL_VM)
    if isinstance(listed, Untrusted):
        return _Root(Check.failed(name, listed.code, str(listed)), level, line)
    return _Root(Check.passed(name, f"leads to root sha256:{root.hex()} ({level.label})"), level, line, crl)


def _revoked(
    collateral: Collateral | BadCollateral, line: pck.Line, now: int
) -> CertificateRevocationList | BadChain | BadCollateral:
    if isinstance(collateral, BadCollateral):
        return collateral
    try:
        return check_revocation(collateral, line, now=now)
    except BadChain as error:
        return error


def _judge_signature(report: TdReport, seal: Seal) -> Check:
    name = "evidence.signature"
    if not pck.signs(seal.key, seal.signature, report.signed):
        return Check.failed(name, "evidence.signature", "not signed by the attestation key of this quote")
    return Check.passed(name, "the attestation key's signature over the TD's registers")


def _judge_binding(report: TdReport | None, binding: bytes) -> Check:
    name = "evidence.binding"
    if report is None:
        return Check.needs(name, "evidence.signature")
    if report.report_data != binding:
        return Check.failed(name, "evidence.other-binding", "made for another key, node, time or challenge")
    return Check.passed(name, "made for this TLS key, this node and this challenge")


def _said(report: TdReport | None) -> dict[str, str | int]:
    if report is None:
        return {}
    return {
        "tdx_mrtd": report.mrtd.hex(),
        **{f"tdx_rtmr{number}": value.hex() for number, value in enumerate(report.rtmrs)},
        "tdx_module": report.seam.hex(),
    }


def _known(worth: Worth | None) -> dict[str, str | int]:
    if worth is None:
        return {}
    return {
        "tdx_status": worth.status.label,
        "tdx_advisories": " ".join(worth.advisories),
        "tdx_evaluation": worth.advice.evaluation,
        "tdx_fmspc": worth.platform.fmspc.hex(),
        "tdx_ppid": worth.platform.ppid.hex(),
    }
