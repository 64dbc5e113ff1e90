"""The judge of SEV-SNP evidence, and how such evidence is put together. Pure.

Evidence of kind "sev-snp" has these fields: `report` (1184 bytes), `certificates` (DER, one after another: VCEK or
VLEK, ASK or ASVK, ARK) and, if the attester has it, `crl` (DER, the root's list of revoked certificates).

There is no event log: firmware measures everything at launch, so the check "evidence.log" is whether the launch
measurement means what it says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.eventlog import MEASUREMENT_TAG
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings, length_prefixed
from cyberprivacy.attest.report import Check, Level, Verdict, one_of_each
from cyberprivacy.attest.snp import report as snp
from cyberprivacy.attest.snp.chain import Chain, check_chain
from cyberprivacy.attest.snp.endorsement import Endorsement, endorse
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.snp.product import BadReport, Tcb
from cyberprivacy.attest.snp.report import Report
from cyberprivacy.attest.snp.revocation import check_revocation
from cyberprivacy.errors import Untrusted

KIND: Final = "sev-snp"
FIELDS: Final = (frozenset({"report", "certificates"}), frozenset({"report", "certificates", "crl"}))


def assemble(report: bytes, certificates: bytes, crl: bytes | None = None) -> Evidence:
    """Put a report, the chain of its key and perhaps the root's revocation list into one envelope."""
    fields = {"report": report, "certificates": certificates}
    return Evidence(KIND, fields if crl is None else {**fields, "crl": crl})


def measurement(launch: bytes) -> bytes:
    """The name of the measured software: 32 bytes, from the 48 of the launch measurement.

    Source: docs/spec/attestation.md, "Evidence of kind sev-snp".
    """
    parts = (MEASUREMENT_TAG, KIND.encode("ascii"), launch)
    return sha256(b"".join(length_prefixed(part) for part in parts)).digest()


@dataclass(frozen=True, slots=True)
class _Root:
    check: Check
    level: Level | None
    chain: Chain | None


class SnpVerifier:
    """Judges reports of AMD's secure processor."""

    kind = KIND

    def __init__(self, policy: SnpPolicy | None = None) -> None:
        """Judge by this policy; None = the safe one."""
        self.policy = SnpPolicy() if policy is None else policy

    def measurement(self, evidence: Evidence) -> bytes | None:
        """The measurement that the report claims; unproven."""
        try:
            return measurement(Report.parse(evidence.fields["report"][: snp.SIGNED_SIZE]).measurement)
        except (BadReport, KeyError):
            return None

    def judge(self, evidence: Evidence, *, binding: bytes, roots: Mapping[bytes, Level], now: int) -> Findings:
        """Check a report; see `EvidenceVerifier`."""
        fields = evidence.fields
        if evidence.kind != KIND or fields.keys() not in FIELDS:
            return _unreadable("evidence.form", f"not the parts of evidence of kind {KIND!r}", b"")
        data = fields["report"]
        identity = snp.identity(data)
        try:
            if not identity:
                raise BadReport("a report has 1184 bytes", size=len(data))
            report = Report.parse(data[: snp.SIGNED_SIZE])
        except BadReport as error:
            return _unreadable(error.code, str(error), identity)
        root = _judge_root(evidence, roots, now, require_crl=self.policy.require_crl)
        key, said = _judge_key(report, root, self.policy)
        signature = _judge_signature(data, root)
        signed = signature.verdict is Verdict.PASS
        log, measured = _judge_log(report, self.policy, signed=signed)
        checks = (
            Check.passed("evidence.kind", f"a report of SEV-SNP, version {report.version}"),
            root.check,
            key,
            signature,
            _judge_binding(report, binding, signed=signed),
            log,
        )
        return Findings(
            checks=one_of_each(checks, EVIDENCE_CHECKS),
            level=root.level,
            measurement=measured,
            identity=identity,
            facts=_facts(report, said) if signed else {},
        )


def _unreadable(code: str, detail: str, identity: bytes) -> Findings:
    kind = Check.failed("evidence.kind", code, detail)
    rest = (Check.needs(name, "evidence.kind") for name in EVIDENCE_CHECKS[1:])
    return Findings(checks=(kind, *rest), level=None, measurement=None, identity=identity, facts={})


def _judge_root(evidence: Evidence, roots: Mapping[bytes, Level], now: int, *, require_crl: bool) -> _Root:
    name, chain = "evidence.root", None
    try:
        chain = check_chain(evidence.fields["certificates"], now=now)
        crl = evidence.fields.get("crl")
        if crl is not None:
            check_revocation(crl, chain, now=now)
    except BadChain as error:
        return _Root(Check.failed(name, error.code, str(error)), None, chain)
    if crl is None and require_crl:
        return _Root(Check.failed(name, "snp.no-crl", "no list of revoked certificates came along"), None, chain)
    worth = roots.get(chain.fingerprint)
    if worth is None or (chain.pinned is None and not chain.development):
        # A root in the policy that is not AMD's vouches for other kinds of evidence, not for this one.
        code = "evidence.development-root" if chain.development else "evidence.unknown-root"
        what = "a root made for development" if chain.development else "a root that you do not trust"
        return _Root(Check.failed(name, code, f"{what}: sha256:{chain.fingerprint.hex()}"), None, chain)
    level = Level.DEVELOPMENT if chain.development else min(worth, Level.CONFIDENTIAL_VM)
    revocation = "revocation not checked" if crl is None else "nothing revoked"
    detail = f"leads to root sha256:{chain.fingerprint.hex()} ({level.label}); {revocation}"
    return _Root(Check.passed(name, detail), level, chain)


def _judge_key(report: Report, root: _Root, policy: SnpPolicy) -> tuple[Check, Endorsement | None]:
    name = "evidence.key"
    if root.chain is None:
        return Check.needs(name, "evidence.root"), None
    try:
        said = endorse(report, root.chain)
        fault = _first(name, policy.machine_faults(report, said))
    except Untrusted as error:
        code = "snp.extensions" if isinstance(error, BadChain) else error.code
        return Check.failed(name, code, str(error)), None
    owner = f"of {said.provider}" if said.provider else "of this chip alone"
    return fault or Check.passed(name, f"{said.product.value}, a key {owner}, for TCB {said.tcb}"), said


def _judge_signature(data: bytes, root: _Root) -> Check:
    name = "evidence.signature"
    if root.chain is None:
        return Check.needs(name, "evidence.root")
    try:
        signature = snp.signature(data)
    except BadReport as error:
        return Check.failed(name, error.code, str(error))
    if not root.chain.signs(data[: snp.SIGNED_SIZE], signature):
        return Check.failed(name, "evidence.signature", "not signed by the key that AMD certified")
    return Check.passed(name, "the secure processor's own signature")


def _judge_binding(report: Report, binding: bytes, *, signed: bool) -> Check:
    name = "evidence.binding"
    if not signed:
        return Check.needs(name, "evidence.signature")
    if report.report_data != binding:
        return Check.failed(name, "evidence.other-binding", "made for another key, node, time or challenge")
    return Check.passed(name, "made for this TLS key, this node and this challenge")


def _judge_log(report: Report, policy: SnpPolicy, *, signed: bool) -> tuple[Check, bytes | None]:
    name = "evidence.log"
    if not signed:
        return Check.needs(name, "evidence.signature"), None
    fault = _first(name, policy.guest_faults(report))
    if fault is not None:
        return fault, None
    made = measurement(report.measurement)
    return Check.passed(name, f"launched as {report.measurement.hex()}, and closed since"), made


def _first(name: str, faults: Iterable[tuple[str, bool, str]]) -> Check | None:
    """The first fault that holds, as a failed check; None when none does."""
    for code, holds, detail in faults:
        if holds:
            return Check.failed(name, code, detail)
    return None


def _facts(report: Report, said: Endorsement | None) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "snp_version": report.version,
        "snp_firmware": ".".join(str(part) for part in reversed(report.current)),
        "snp_policy": f"{report.policy | report.abi:#x}",
        "snp_platform": f"{report.platform:#x}",
        "snp_vmpl": report.vmpl,
        "snp_chip": report.chip_id.hex(),
        "snp_boot": report.report_id.hex(),
        "snp_launch": report.measurement.hex(),
        "snp_host_data": report.host_data.hex(),
        "snp_id_key": report.id_key_digest.hex(),
    }
    if said is not None:
        facts |= {
            "snp_product": said.product.value,
            "snp_signer": said.signer.name.lower(),
            "snp_provider": said.provider,
            "snp_tcb": str(said.tcb),
            "snp_committed_tcb": str(Tcb.parse(report.committed_tcb, said.product)),
        }
    return facts
