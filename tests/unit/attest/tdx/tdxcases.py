"""Evidence made on paper and bent in one place, and the one reason code that must answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.policy import STATUSES, TdxPolicy
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import (
    COMPONENTS,
    DAY,
    PaperIntel,
    certify,
    qe_identity,
    stamp,
    svn_level,
    tcb_info,
    tcb_level,
)

NOW = 1_800_000_000
BINDING = bytes(range(64))
EVENTS = (
    (0, 0x80000001, b"\x01" * 48, b"firmware"),
    (2, 13, b"\x02" * 48, b"kernel"),
    (1, 3, b"\x03" * 48, b"note"),
)


def judged(
    evidence: Evidence, intel: PaperIntel, policy: TdxPolicy | None = None, *, now: int = NOW, trust: bool = True
) -> Findings:
    roots = {intel.fingerprint: Level.CONFIDENTIAL_VM} if trust else {}
    found = TdxVerifier(policy).judge(evidence, binding=BINDING, roots=roots, now=now)
    assert tuple(check.name for check in found.checks) == EVIDENCE_CHECKS
    return found


def wrong(found: Findings) -> dict[str, str]:
    """The checks that failed or were skipped, and why."""
    return {check.name: check.code for check in found.checks if check.code != "ok"}


@dataclass(frozen=True)
class Case:
    """How to bend the machine, its vendor, the evidence, or the policy; and the one code that must answer."""

    check: str
    code: str
    td: Callable[[PaperTd], PaperTd] = lambda td: td
    evidence: Callable[[Evidence], Evidence] = lambda evidence: evidence
    policy: TdxPolicy | None = None
    now: int = NOW
    trust: bool = True


def with_field(name: str, value: bytes) -> Callable[[Evidence], Evidence]:
    return lambda evidence: Evidence("tdx", {**evidence.fields, name: value})


def without(name: str) -> Callable[[Evidence], Evidence]:
    return lambda evidence: Evidence("tdx", {key: value for key, value in evidence.fields.items() if key != name})


def flipped(at: int) -> Callable[[Evidence], Evidence]:
    """One bit of the quote, from its start or its end."""

    def bend(evidence: Evidence) -> Evidence:
        quote = bytearray(evidence.fields["quote"])
        quote[at] ^= 1
        return Evidence("tdx", {**evidence.fields, "quote": bytes(quote)})

    return bend


def bent(**changes: Any) -> Callable[[PaperTd], PaperTd]:
    return lambda td: replace(td, **changes)


def vendor(**changes: Any) -> Callable[[PaperTd], PaperTd]:
    """Intel publishes something else."""
    return lambda td: replace(td, intel=replace(td.intel, **changes))


def part(**parts: str) -> Callable[[PaperTd], PaperTd]:
    return vendor(parts=parts)


def processor(**changes: Any) -> Callable[[PaperTd], PaperTd]:
    return lambda td: replace(td, pck=td.intel.platform(**changes))


def no_extensions(td: PaperTd) -> PaperTd:
    return replace(td, pck=certify("Intel SGX PCK Certificate", td.intel.authority, now=NOW))


def revoking(which: str) -> Callable[[PaperTd], PaperTd]:
    def bend(td: PaperTd) -> PaperTd:
        holder = td.pck if which == "pck" else getattr(td.intel, which)
        revoked = frozenset({holder.certificate.serial_number})
        return replace(td, intel=replace(td.intel, revoked=revoked))

    return bend


def crl(name: str, **window: int) -> Callable[[PaperTd], PaperTd]:
    def bend(td: PaperTd) -> PaperTd:
        issuer = td.intel.root if name == "root_ca_crl" else td.intel.authority
        return part(**{name: td.intel.crl(issuer, **window).hex()})(td)

    return bend


def foreign_crl(td: PaperTd) -> PaperTd:
    return part(pck_crl=td.intel.crl(td.intel.root).hex())(td)


def foreign_tables(td: PaperTd) -> PaperTd:
    """Another vendor signs the tables, under its own root."""
    return part(**{key: value for key, value in PaperIntel.new(now=NOW).published().items() if "crl" not in key})(
        td
    )


def signed_by_platform(td: PaperTd) -> PaperTd:
    """The platform signs its own tables: a chain to the right root, in the wrong role."""
    made = replace(td.intel, signer=td.pck)
    chain = (td.pck.pem + td.intel.authority.pem + td.intel.root.pem).decode()
    parts = {key: value for key, value in made.published().items() if "crl" not in key}
    return part(**{**parts, "tcb_info_issuer_chain": chain, "qe_identity_issuer_chain": chain})(td)


def other_role(td: PaperTd) -> PaperTd:
    holder = certify("Intel SGX TCB Signing", td.intel.authority, now=NOW)
    return replace(td, pck=holder)


def old_signer(td: PaperTd) -> PaperTd:
    return vendor(signer=certify("Intel SGX TCB Signing", td.intel.root, now=NOW - 500 * DAY))(td)


def old_processor(td: PaperTd) -> PaperTd:
    old = replace(td.intel, now=NOW - 500 * DAY)
    return replace(td, pck=old.platform())


def qe_of_another_key(evidence: Evidence) -> Evidence:
    """The seal's attestation key and signature are replaced; the QE's report is not."""
    other = PaperTd.under(PaperIntel.new(now=NOW))
    quote = bytearray(evidence.fields["quote"])
    signed = bytes(quote[: 48 + 584])
    start = len(signed) + 4
    seal = other.seal(signed)
    quote[start : start + 128] = seal[4 : 4 + 128]
    return Evidence("tdx", {**evidence.fields, "quote": bytes(quote)})


def status(name: str, **changes: Any) -> Callable[[PaperTd], PaperTd]:
    return vendor(info=tcb_info(NOW, tcbLevels=[tcb_level(name)], **changes))


def module(**changes: Any) -> dict[str, Any]:
    (known,) = tcb_info(NOW)["tdxModuleIdentities"]
    return tcb_info(NOW, tdxModuleIdentities=[{**known, **changes}])


LATE = {"issueDate": stamp(NOW - 60 * DAY), "nextUpdate": stamp(NOW - 30 * DAY)}
EARLY = {"issueDate": stamp(NOW + DAY), "nextUpdate": stamp(NOW + 30 * DAY)}

CASES = {
    # evidence.kind
    "an unknown field": Case("evidence.kind", "evidence.form", evidence=with_field("more", b"")),
    "no quote": Case("evidence.kind", "evidence.form", evidence=without("quote")),
    "certificates twice": Case("evidence.kind", "evidence.form", evidence=with_field("certificates", b"x")),
    "certificates nowhere": Case("evidence.kind", "evidence.form", bent(inside=False), without("certificates")),
    "an empty quote": Case("evidence.kind", "tdx.form", evidence=with_field("quote", b"")),
    "a huge quote": Case("evidence.kind", "tdx.form", bent(trailing=bytes(16 << 10))),
    "text after the quote": Case("evidence.kind", "tdx.form", bent(trailing=b"\0\0text")),
    "a quote of version 3": Case("evidence.kind", "tdx.version", bent(version=3)),
    "a quote of version 6": Case("evidence.kind", "tdx.version", bent(version=6)),
    "an SGX quote": Case("evidence.kind", "tdx.tee", bent(tee=0)),
    "a key on P-384": Case("evidence.kind", "tdx.key-type", bent(key_type=3)),
    "another vendor": Case("evidence.kind", "tdx.vendor", bent(vendor=bytes(16))),
    "an SGX body": Case("evidence.kind", "tdx.body-type", bent(version=5, body_type=1)),
    "an unknown body": Case("evidence.kind", "tdx.body-type", bent(version=5, body_type=5)),
    # evidence.root
    "a root not named": Case("evidence.root", "evidence.development-root", trust=False),
    "an expired processor": Case("evidence.root", "evidence.certificate-expired", old_processor),
    "a certificate in another role": Case("evidence.root", "evidence.chain", other_role),
    "no collateral": Case("evidence.root", "tdx.collateral-missing", evidence=without("collateral")),
    "bent collateral": Case("evidence.root", "tdx.collateral-form", evidence=with_field("collateral", b"{}")),
    "an empty part": Case("evidence.root", "tdx.collateral-form", part(tcb_info="")),
    "half a byte": Case("evidence.root", "tdx.collateral-form", part(tcb_info_signature="0")),
    "a list that is none": Case("evidence.root", "tdx.crl", part(pck_crl="00")),
    "a list of another issuer": Case("evidence.root", "tdx.crl", foreign_crl),
    "a list that ended": Case("evidence.root", "tdx.collateral-expired", crl("pck_crl", until=-60)),
    "a root list that ended": Case("evidence.root", "tdx.collateral-expired", crl("root_ca_crl", until=-60)),
    "a list of tomorrow": Case("evidence.root", "tdx.collateral-expired", crl("pck_crl", since=DAY)),
    "a revoked processor": Case("evidence.root", "tdx.revoked", revoking("pck")),
    "a revoked authority": Case("evidence.root", "tdx.revoked", revoking("authority")),
    # evidence.key
    "no SGX extensions": Case("evidence.key", "evidence.chain", no_extensions),
    "a report that the platform did not sign": Case(
        "evidence.key", "tdx.qe-signature", evidence=flipped(48 + 584 + 4 + 134)
    ),
    "a report about another key": Case("evidence.key", "tdx.qe-report", evidence=qe_of_another_key),
    "tables under another root": Case("evidence.key", "tdx.collateral-chain", foreign_tables),
    "tables signed by a platform": Case("evidence.key", "tdx.collateral-chain", signed_by_platform),
    "a signer that expired": Case("evidence.key", "tdx.collateral-expired", old_signer),
    "a revoked signer": Case("evidence.key", "tdx.revoked", revoking("signer")),
    "tables that were changed": Case("evidence.key", "tdx.collateral-signature", part(tcb_info="{}")),
    "an identity that was changed": Case("evidence.key", "tdx.collateral-signature", part(qe_identity="{}")),
    "a short signature": Case("evidence.key", "tdx.collateral-signature", part(tcb_info_signature="00")),
    "tables of version 2": Case("evidence.key", "tdx.collateral-form", vendor(info=tcb_info(NOW, version=2))),
    "tables for SGX": Case("evidence.key", "tdx.collateral-form", vendor(info=tcb_info(NOW, id="SGX"))),
    "an identity of the SGX enclave": Case(
        "evidence.key", "tdx.collateral-form", vendor(qe=qe_identity(NOW, id="QE"))
    ),
    "an unknown status": Case("evidence.key", "tdx.collateral-form", status("Fine")),
    "15 components": Case(
        "evidence.key",
        "tdx.collateral-form",
        vendor(info=tcb_info(NOW, tcbLevels=[tcb_level(sgx=COMPONENTS[1:])])),
    ),
    "old tables": Case("evidence.key", "tdx.collateral-expired", vendor(info=tcb_info(NOW, **LATE))),
    "an old identity": Case("evidence.key", "tdx.collateral-expired", vendor(qe=qe_identity(NOW, **LATE))),
    "tables of tomorrow": Case("evidence.key", "tdx.collateral-expired", vendor(info=tcb_info(NOW, **EARLY))),
    "tables of an older round": Case(
        "evidence.key", "tdx.evaluation", vendor(info=tcb_info(NOW, tcbEvaluationDataNumber=17))
    ),
    "an identity of an older round": Case(
        "evidence.key", "tdx.evaluation", vendor(qe=qe_identity(NOW, tcbEvaluationDataNumber=17))
    ),
    "another family": Case("evidence.key", "tdx.fmspc", processor(fmspc=bytes(6))),
    "tables of another enclave": Case("evidence.key", "tdx.fmspc", vendor(info=tcb_info(NOW, pceId="0001"))),
    "an enclave of another signer": Case("evidence.key", "tdx.qe-identity", bent(qe_signer=bytes(32))),
    "another enclave of Intel's": Case("evidence.key", "tdx.qe-identity", bent(qe_product=1)),
    "a debug enclave": Case(
        "evidence.key", "tdx.qe-identity", bent(qe_attributes=bytes.fromhex("1700000000000000e700000000000000"))
    ),
    "a module of another signer": Case("evidence.key", "tdx.module", bent(seam_signer=b"\1" * 48)),
    "a module with attributes": Case("evidence.key", "tdx.module", bent(seam_attributes=1)),
    "a module of an unknown version": Case(
        "evidence.key", "tdx.module", bent(tee_tcb_svn=bytes((7, 9, 3, *[0] * 13)))
    ),
    "an old processor": Case("evidence.key", "tdx.no-tcb-level", processor(components=(2, *COMPONENTS[1:]))),
    "an old provisioning enclave": Case("evidence.key", "tdx.no-tcb-level", processor(pce_svn=12)),
    "an old loader": Case("evidence.key", "tdx.no-tcb-level", bent(tee_tcb_svn=bytes((7, 1, 2, *[0] * 13)))),
    "an old module": Case("evidence.key", "tdx.no-tcb-level", bent(tee_tcb_svn=bytes((5, 1, 3, *[0] * 13)))),
    "an old enclave": Case("evidence.key", "tdx.no-tcb-level", bent(qe_svn=3)),
    "another machine": Case(
        "evidence.key", "tdx.other-hardware", policy=TdxPolicy(platforms=frozenset({bytes(16)}))
    ),
    **{
        f"a platform that is {name}": Case("evidence.key", "tdx.tcb-status", status(name))
        for name in STATUSES
        if name != "UpToDate"
    },
    "an enclave out of date": Case(
        "evidence.key", "tdx.tcb-status", vendor(qe=qe_identity(NOW, tcbLevels=[svn_level(4, "OutOfDate")]))
    ),
    "a module out of date": Case(
        "evidence.key", "tdx.tcb-status", vendor(info=module(tcbLevels=[svn_level(6, "OutOfDate")]))
    ),
    # evidence.signature, evidence.binding
    "a bent signature": Case("evidence.signature", "evidence.signature", evidence=flipped(48 + 584 + 4)),
    # evidence.log
    "a debug TD": Case("evidence.log", "tdx.debug", bent(attributes=1 << 28 | 1)),
    "a TD with a reserved bit of that kind": Case("evidence.log", "tdx.debug", bent(attributes=1 << 28 | 1 << 7)),
    "a TD without SEPT_VE_DISABLE": Case("evidence.log", "tdx.attributes", bent(attributes=0)),
    "a TD that may migrate": Case("evidence.log", "tdx.attributes", bent(attributes=1 << 28 | 1 << 29)),
    "a TD with an unknown feature": Case("evidence.log", "tdx.features", bent(xfam=3 | 1 << 40)),
    "a TD without SSE": Case("evidence.log", "tdx.features", bent(xfam=1)),
    "a service TD": Case("evidence.log", "tdx.service-td", bent(version=5, body_type=3, service_td=b"\1" * 48)),
    "a partition": Case(
        "evidence.log", "tdx.service-td", bent(version=5, body_type=4, companions=b"\1" + bytes(236))
    ),
    "a service TD of today": Case(
        "evidence.log", "tdx.service-td", bent(version=5, body_type=4, companions=bytes(236) + b"\1")
    ),
    "a log that is none": Case("evidence.log", "evidence.log-form", evidence=with_field("log", b"")),
    "a log of other events": Case("evidence.log", "evidence.log-differs", bent(events=EVENTS)),
}
