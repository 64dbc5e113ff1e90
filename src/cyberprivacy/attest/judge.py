"""What evidence is worth to somebody with a policy; and the verdict on evidence about a bare key. Pure.

`verify` judges a node with the same functions, and asks the chain besides.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.bare import KEY_ROLE, MAX_DOCUMENT, EvidenceDocument
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Bound, Evidence, EvidenceVerifier, Findings, utc
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.quote import Tpm2Verifier, unreadable
from cyberprivacy.attest.report import Check, Report, Verdict, one_of_each
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.errors import Untrusted

VERIFIERS: Final[Mapping[str, EvidenceVerifier]] = {
    verifier.kind: verifier for verifier in (Tpm2Verifier(), SnpVerifier(), TdxVerifier())
}
"""Who judges which kind of evidence, by the safe defaults of each."""

WORTH_CHECKS: Final = ("evidence.hardware", "os.measurement", "level")
"""What a policy asks of evidence that holds."""

BARE_CHECKS: Final = (
    "bare.form",
    "bound.key",
    "bound.role",
    "bound.valid",
    *EVIDENCE_CHECKS,
    "evidence.fresh",
    "evidence.age",
    *WORTH_CHECKS,
)
"""Every report on bare evidence has exactly these, in this order."""

ONCE: Final = "evidence.once"
"""The check that `once` adds, where somebody keeps which evidence was seen."""

_HARDWARE: Final[Mapping[str, str]] = {"sev-snp": "snp_chip", "tdx": "tdx_ppid", "tpm2": "tpm_ek"}
"""Which fact of a kind names the machine."""
_BOOT: Final[Mapping[str, str]] = {"sev-snp": "snp_boot", "tpm2": "tpm_resets"}
"""Which fact of a kind differs between two starts of the same machine."""


def judge_evidence(evidence: Evidence, binding: bytes, policy: Policy, at: int) -> Findings:
    """Check evidence of any kind by a policy.

    Args:
        evidence: as it came.
        binding: the 64 bytes that it must carry.
        policy: whose roots vouch, and what is asked of each kind.
        at: seconds since 1970, for the validity of certificates.
    """
    judges: Mapping[str, EvidenceVerifier] = {
        **VERIFIERS,
        SnpVerifier.kind: SnpVerifier(policy.snp),
        TdxVerifier.kind: TdxVerifier(policy.tdx),
    }
    verifier = judges.get(evidence.kind)
    if verifier is None:
        detail = f"{evidence.kind!r}; this program knows {', '.join(VERIFIERS)}"
        return unreadable(Check.failed("evidence.kind", "evidence.unknown-kind", detail))
    return verifier.judge(evidence, binding=binding, roots=policy.roots_for(evidence.kind), now=at)


def proven(findings: Findings) -> bool:
    """Whether everything that the evidence says is proven."""
    return all(check.verdict is Verdict.PASS for check in findings.checks)


def judge_age(since: int, policy: Policy, at: int, *, earliest: bool = False) -> Check:
    """Whether evidence is fresh enough.

    Args:
        since: when it was made, seconds since 1970.
        policy: how old it may be.
        at: now, seconds since 1970.
        earliest: it may also have been made later than `since`.
    """
    name, age = "evidence.age", at - since
    if age < -policy.skew:
        return Check.failed(name, "evidence.future", f"made {-age} s in the future")
    if age > policy.evidence_age + policy.skew:
        detail = f"{age} s old; at most {policy.evidence_age} s are accepted"
        return Check.failed(name, "evidence.old", detail)
    return Check.passed(name, f"{'at most ' if earliest else ''}{max(age, 0)} s old")


def judge_hardware(kind: str, findings: Findings, policy: Policy) -> Check:
    """Whether it is a machine that the policy lets in."""
    name = "evidence.hardware"
    if broken := _broken(findings):
        return Check.needs(name, broken)
    machine, allowed = hardware_of(kind, findings.facts), policy.hardware
    if allowed is None:
        return Check.passed(name, f"any machine is accepted; this is {machine or 'one that gives no name'}")
    if not machine:
        return Check.failed(name, "hardware.unnamed", "the evidence does not say which machine made it")
    if machine not in allowed:
        return Check.failed(name, "hardware.not-in-policy", f"your policy does not name {machine}")
    return Check.passed(name, f"a machine that you name: {machine}")


def judge_level(findings: Findings, policy: Policy) -> Check:
    """Whether what the root is worth is enough."""
    name = "level"
    if findings.level is None:
        return Check.needs(name, "evidence.root")
    if broken := _broken(findings):
        return Check.needs(name, broken)
    if findings.level < policy.least:
        return Check.failed(name, "level.too-low", f"{findings.level.label}; you ask for {policy.least.label}")
    return Check.passed(name, findings.level.label)


def judge_software(findings: Findings, policy: Policy) -> Check:
    """Whether the software is one that the policy names; no chain is asked.

    A policy that names none does not accept all: that has to be said by hand, and the report repeats it.
    """
    name, measured, allowed = "os.measurement", findings.measurement, policy.measurements
    if measured is None:
        return Check.needs(name, "evidence.log")
    if allowed is not None and measured not in allowed:
        return Check.failed(name, "os.not-in-policy", f"your policy does not name {measured.hex()}")
    if allowed is not None:
        return Check.passed(
            name, f"your policy names it: {measured.hex()} {policy.names.get(measured, '')}".strip()
        )
    if policy.any_software:
        return Check.skipped(name, "os.any-software", f"any software is accepted, as you said: {measured.hex()}")
    detail = f"your policy names no software, so nobody has accepted {measured.hex()}"
    return Check.skipped(name, "os.no-measurements", detail)


def judge_worth(kind: str, findings: Findings, policy: Policy) -> tuple[Check, ...]:
    """One check for each of `WORTH_CHECKS`."""
    return (
        judge_hardware(kind, findings, policy),
        judge_software(findings, policy),
        judge_level(findings, policy),
    )


def verify_evidence(
    evidence: Evidence,
    *,
    bound: Bound,
    policy: Policy,
    at: int,
    nonce: bytes | None,
    spki: bytes | None,
    role: str = KEY_ROLE,
) -> Report:
    """Decide what evidence about a bare key is worth.

    Args:
        evidence: as it came.
        bound: what it says that it is bound to.
        policy: what the user asks for.
        at: seconds since 1970.
        nonce: the challenge that it must be made for, 32 bytes; None = the user has sent none.
        spki: SHA-256 of the SubjectPublicKeyInfo that it must be for, 32 bytes; None = any, the report says which.
        role: what the key must be for.

    Returns:
        A report with exactly the checks in `BARE_CHECKS`. It never raises for bad input.
    """
    findings = judge_evidence(evidence, bound.digest(), policy, at)
    checks = (
        Check.passed("bare.form", f"evidence of kind {evidence.kind!r}"),
        _key(bound, spki),
        _role(bound, role),
        _valid(bound, policy, at),
        *findings.checks,
        _fresh(bound, nonce),
        judge_age(bound.since, policy, at, earliest=True),
        *judge_worth(evidence.kind, findings, policy),
    )
    facts: dict[str, str | int] = {
        "role": bound.role,
        "key": bound.spki.hex(),
        "since": bound.since,
        "age": at - bound.since,
        **evidence_facts(evidence.kind, bound, findings, policy),
    }
    level = findings.level if proven(findings) else None
    return Report(one_of_each(checks, BARE_CHECKS), level, facts)


def verify_document(
    data: bytes, *, policy: Policy, at: int, nonce: bytes | None, spki: bytes | None, role: str = KEY_ROLE
) -> Report:
    """The same for a document as `cyberprivacy evidence make` writes it; whatever the bytes are, a report."""
    try:
        document = EvidenceDocument.parse(data)
    except Untrusted as error:
        form = Check.failed("bare.form", error.code, str(error))
        return Report((form, *(Check.needs(name, form.name) for name in BARE_CHECKS[1:])), None)
    return verify_evidence(
        document.evidence, bound=document.bound, policy=policy, at=at, nonce=nonce, spki=spki, role=role
    )


def claims(data: bytes) -> str:
    """What a document says that it is: "attestation" of a node, "bare" evidence, or "" for neither; unproven."""
    try:
        value = canonical.decode(data, limit=MAX_DOCUMENT)
    except Untrusted:
        return ""
    if not isinstance(value, dict) or "evidence" not in value:
        return ""
    return "attestation" if "statement" in value else "bare"


def evidence_facts(kind: str, bound: Bound, findings: Findings, policy: Policy) -> dict[str, str | int]:
    """What every report shows of evidence, whatever stands around it; "" for what the evidence does not say."""
    measured = findings.measurement
    return {
        "kind": kind,
        "evidence": findings.identity.hex(),
        "until": bound.until,
        "measurement": "" if measured is None else measured.hex(),
        "os_release": "" if measured is None else policy.names.get(measured, ""),
        "hardware": hardware_of(kind, findings.facts),
        "boot": str(findings.facts.get(_BOOT.get(kind, ""), "")),
        **findings.facts,
    }


def hardware_of(kind: str, facts: Mapping[str, str | int]) -> str:
    """The name of the machine as policies write it, such as "tdx:…"; "" when the evidence does not give one."""
    name = str(facts.get(_HARDWARE.get(kind, ""), ""))
    return f"{kind}:{name}" if name.strip("0") else ""


def once(report: Report, *, new: bool | None) -> Report:
    """The report, and whether this evidence was accepted before.

    Args:
        report: on evidence or on an attestation.
        new: whether it was not; None = nobody has looked, because it is not accepted anyhow.
    """
    if new is None:
        broken = next(check.name for check in report.checks if not check.acceptable)
        check = Check.needs(ONCE, broken)
    elif new:
        check = Check.passed(ONCE, "not seen before; from now on it is")
    else:
        check = Check.failed(ONCE, "evidence.seen", "this very evidence was accepted before")
    return replace(report, checks=(*report.checks, check))


def _broken(findings: Findings) -> str:
    """The name of the first check that did not pass; "" when all did."""
    return next((check.name for check in findings.checks if check.verdict is not Verdict.PASS), "")


def _key(bound: Bound, spki: bytes | None) -> Check:
    name = "bound.key"
    if spki is None:
        return Check.skipped(name, "offline.no-key", f"you name no key; this is about {bound.spki.hex()}")
    if bound.spki != spki:
        detail = f"it is about key {bound.spki.hex()}, not {spki.hex()}"
        return Check.failed(name, "bound.other-key", detail)
    return Check.passed(name, f"about the key that you name, {spki.hex()}")


def _role(bound: Bound, role: str) -> Check:
    name = "bound.role"
    if bound.role != role:
        return Check.failed(name, "bound.other-role", f"the key is for {bound.role!r}, not for {role!r}")
    return Check.passed(name, f"the key is for {role!r}")


def _valid(bound: Bound, policy: Policy, at: int) -> Check:
    name = "bound.valid"
    if not bound.since - policy.skew <= at <= bound.until + policy.skew:
        return Check.failed(name, "bound.expired", f"the key is for {utc(bound.since)} to {utc(bound.until)}")
    return Check.passed(name, f"the key may be used until {utc(bound.until)}")


def _fresh(bound: Bound, nonce: bytes | None) -> Check:
    name = "evidence.fresh"
    if nonce is None:
        return Check.skipped(name, "offline.no-nonce", "you give no nonce: made for somebody else's challenge")
    if bound.challenge != nonce:
        return Check.failed(name, "evidence.replayed", "made for another challenge than yours")
    return Check.passed(name, "made for the challenge that you give")
