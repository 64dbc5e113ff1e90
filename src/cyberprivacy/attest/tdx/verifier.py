"""The judge of TDX evidence. Pure.

Evidence of kind "tdx" has these fields: `quote`; `collateral` (canonical JSON, see `collateral`), which whoever judges may
add, as Intel signed it; `certificates` (DER, PCK first, root last) exactly when the quote does not carry them; `log`
(CCEL, see `ccel`), optional. What is asked beyond cryptography stands in a `TdxPolicy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from cyberprivacy.attest import ccel
from cyberprivacy.attest.certificates import BadChain, split
from cyberprivacy.attest.eventlog import MEASUREMENT_TAG
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings, length_prefixed
from cyberprivacy.attest.quote import unreadable
from cyberprivacy.attest.report import Check, Level, one_of_each
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.collateral import Advice, BadCollateral, Collateral, check_advice, check_revocation
from cyberprivacy.attest.tdx.platform import Platform
from cyberprivacy.attest.tdx.policy import UNTRUSTED, X87_SSE, Status, TdxPolicy
from cyberprivacy.attest.tdx.quote import BadQuote, Seal, TdReport
from cyberprivacy.errors import Untrusted

KIND: Final = "tdx"
FIELDS: Final = frozenset({"quote", "collateral", "certificates", "log"})
FOUNDATION: Final = "tdx.collateral-missing"


def measurement(report: TdReport) -> bytes:
    """The name of the measured software: 32 bytes, from all that a TD report says of the TD's contents.

    What the host set at launch (MRCONFIGID, MROWNER, MROWNERCONFIG) is part of it: software may obey it, so that
    nobody should set it who was not asked.
    """
    said = (report.mrtd, report.config_id, report.owner, report.owner_config, *report.rtmrs)
    parts = (MEASUREMENT_TAG, KIND.encode("ascii"), *said)
    return sha256(b"".join(length_prefixed(part) for part in parts)).digest()


@dataclass(frozen=True, slots=True)
class _Root:
    check: Check
    level: Level | None = None
    line: pck.Line | None = None


@dataclass(frozen=True, slots=True)
class _Worth:
    """What the platform turned out to be worth."""

    platform: Platform
    advice: Advice
    status: Status
    advisories: tuple[str, ...]


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
        fields = evidence.fields
        if evidence.kind != KIND or "quote" not in fields or not fields.keys() <= FIELDS:
            return _unreadable("evidence.form", f"not the parts of evidence of kind {KIND!r}")
        try:
            report, rest = TdReport.split(fields["quote"])
        except BadQuote as error:
            return _unreadable(error.code, str(error))
        try:
            seal = Seal.parse(rest)
        except BadQuote as error:
            return replace(_unreadable(error.code, str(error)), identity=report.identity)
        if (seal.chain is None) != ("certificates" in fields):
            found = _unreadable("evidence.form", "the PCK certificates stand twice, or nowhere")
            return replace(found, identity=report.identity)
        collateral = _collateral(fields)
        root = _judge_root(_chain(seal, fields), collateral, roots, now)
        key, worth = self._judge_key(report, seal, root, collateral, now=now)
        signature = _judge_signature(report, seal)
        genuine = report if signature.acceptable else None
        log, measured = self._judge_log(genuine, fields.get("log"))
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
    ) -> tuple[Check, _Worth | None]:
        """Whether a good quoting enclave on a good platform made the attestation key."""
        name = "evidence.key"
        if root.line is None or isinstance(collateral, BadCollateral):
            return Check.needs(name, "evidence.root"), None
        if not pck.signs(root.line.leaf, seal.qe_signature, seal.qe.raw):
            return Check.failed(name, "tdx.qe-signature", "the platform did not sign the QE's report"), None
        if seal.qe.report_data != seal.vouched:
            return Check.failed(name, "tdx.qe-report", "the quoting enclave vouches for another key"), None
        try:
            platform = pck.platform(root.line.leaf)
            advice = check_advice(collateral, root.line.checked.root, now=now)
            status, advisories = _weigh(report, seal, platform, advice)
        except (BadChain, BadCollateral, _Unfit) as error:
            return Check.failed(name, error.code, str(error)), None
        worth = _Worth(platform, advice, status, advisories)
        return self._weighed(worth), worth

    def _weighed(self, worth: _Worth) -> Check:
        name, asked = "evidence.key", self._policy
        if worth.advice.evaluation < asked.evaluation:
            detail = f"Intel's advice of round {worth.advice.evaluation}; at least {asked.evaluation} is asked for"
            return Check.failed(name, "tdx.evaluation", detail)
        if worth.status not in asked.statuses:
            detail = f"the platform is {worth.status.label}: {', '.join(worth.advisories) or 'no advisories'}"
            return Check.failed(name, "tdx.tcb-status", detail)
        if asked.platforms is not None and worth.platform.ppid not in asked.platforms:
            return Check.failed(name, "tdx.other-hardware", f"processor {worth.platform.ppid.hex()}")
        return Check.passed(name, f"made by Intel's quoting enclave on a platform that is {worth.status.label}")

    def _judge_log(self, report: TdReport | None, data: bytes | None) -> tuple[Check, bytes | None]:
        """Whether what was measured means something, and the log, if there is one, explains it."""
        name, asked = "evidence.log", self._policy
        if report is None:
            return Check.needs(name, "evidence.signature"), None
        if report.attributes & UNTRUSTED:
            return Check.failed(name, "tdx.debug", "its host may debug this TD: what it measured says nothing"), None
        odd = report.attributes & ~(asked.attributes | asked.optional_attributes)
        if odd or report.attributes & asked.attributes != asked.attributes:
            return Check.failed(name, "tdx.attributes", f"TD attributes {report.attributes:#x}"), None
        if report.xfam & ~asked.features or report.xfam & X87_SSE != X87_SSE:
            return Check.failed(name, "tdx.features", f"extended features {report.xfam:#x}"), None
        if any(report.companions) or (any(report.service_td) and report.service_td not in asked.service_tds):
            return Check.failed(name, "tdx.service-td", "another TD or a device has a part in this one"), None
        if data is None:
            return Check.passed(name, "four registers; no log of them came along"), measurement(report)
        try:
            events = ccel.parse(data)
        except ccel.BadLog as error:
            return Check.failed(name, "evidence.log-form", str(error)), None
        if ccel.replay(events) != report.rtmrs:
            return Check.failed(name, "evidence.log-differs", "the log is not what the registers took"), None
        return Check.passed(name, f"{len(events)} events replay to the signed registers"), measurement(report)


class _Unfit(Untrusted):
    """The platform or its quoting enclave is not what Intel's table describes."""

    code = "tdx.no-tcb-level"


def _unreadable(code: str, detail: str) -> Findings:
    return unreadable(Check.failed("evidence.kind", code, detail))


def _collateral(fields: Mapping[str, bytes]) -> Collateral | BadCollateral:
    if "collateral" not in fields:
        return BadCollateral("no collateral came along", code=FOUNDATION)
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
    chain: tuple[bytes, ...] | BadChain, collateral: Collateral | BadCollateral, roots: Mapping[bytes, Level], now: int
) -> _Root:
    name = "evidence.root"
    try:
        if isinstance(chain, BadChain):
            raise chain
        line = pck.line(chain, pck.PCK_ROLES, now=now)
    except BadChain as error:
        return _Root(Check.failed(name, error.code, str(error)))
    root, development = line.checked.root, line.checked.development
    pinned = roots.get(root)
    if pinned is None or not (development or root == pck.INTEL_SGX_ROOT):
        code = "evidence.development-root" if development else "evidence.unknown-root"
        what = "a root made for development" if development else "a root that is not Intel's, or not trusted by you"
        return _Root(Check.failed(name, code, f"{what}: sha256:{root.hex()}"), None, line)
    level = Level.DEVELOPMENT if development else min(pinned, Level.CONFIDENTIAL_VM)
    try:
        if isinstance(collateral, BadCollateral):
            raise collateral
        check_revocation(collateral, line, now=now)
    except (BadChain, BadCollateral) as error:
        return _Root(Check.failed(name, error.code, str(error)), level, line)
    return _Root(Check.passed(name, f"leads to root sha256:{root.hex()} ({level.label})"), level, line)


def _weigh(
    report: TdReport, seal: Seal, platform: Platform, advice: Advice
) -> tuple[Status, tuple[str, ...]]:
    """The status of the platform, its TDX module and its quoting enclave together, and what advises against them.

    Source: Intel SGX/TDX DCAP Quote Verification Library, steps of quote verification.
    """
    info, enclave = advice.tcb_info, seal.qe
    if (platform.fmspc, platform.pceid) != (info.fmspc, info.pceid):
        raise _Unfit("the TCB info is about other processors", code="tdx.fmspc", fmspc=platform.fmspc.hex())
    fits = advice.qe.enclave.fits(enclave.mr_signer, enclave.attributes) and enclave.product == advice.qe.product
    if not fits or not advice.qe.misc_fits(enclave.misc_select):
        raise _Unfit("not Intel's quoting enclave for TDs", code="tdx.qe-identity")
    svn = report.tee_tcb_svn
    module = info.modules.get(svn[1]) if svn[1] else info.module
    if module is None or not module.fits(report.seam_signer, report.seam_attributes.to_bytes(8, "little")):
        raise _Unfit("not a TDX module of Intel's", code="tdx.module", version=svn[1])
    levels = [info.level(platform.components, platform.pce_svn, svn), advice.qe.enclave.level(enclave.svn)]
    if svn[1]:
        levels.append(module.level(svn[0]))
    status, advisories = Status.UP_TO_DATE, dict[str, None]()
    for level in levels:
        if level is None:
            raise _Unfit("no TCB level is low enough for this platform", fmspc=platform.fmspc.hex())
        status = status.with_part(level.status)
        advisories |= dict.fromkeys(level.advisories)
    return status, tuple(advisories)


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


def _known(worth: _Worth | None) -> dict[str, str | int]:
    if worth is None:
        return {}
    return {
        "tdx_status": worth.status.label,
        "tdx_advisories": " ".join(worth.advisories),
        "tdx_evaluation": worth.advice.evaluation,
        "tdx_fmspc": worth.platform.fmspc.hex(),
        "tdx_ppid": worth.platform.ppid.hex(),
    }
