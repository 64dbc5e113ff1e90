"""What a platform is worth by Intel's own tables, and whether that is enough. Pure."""

from dataclasses import dataclass

from cyberprivacy.attest.report import Check
from cyberprivacy.attest.tdx.collateral import Advice
from cyberprivacy.attest.tdx.platform import Platform
from cyberprivacy.attest.tdx.policy import Status, TdxPolicy
from cyberprivacy.attest.tdx.quote import QeReport, TdReport
from cyberprivacy.errors import Untrusted


class Unfit(Untrusted):
    """The platform, its TDX module or its quoting enclave is not what Intel's tables describe."""

    code = "tdx.no-tcb-level"
    hint = "The node's operator has to update the firmware of the machine."


@dataclass(frozen=True, slots=True)
class Worth:
    """What the platform turned out to be worth.

    Attributes:
        platform: which processor.
        advice: Intel's tables.
        status: of platform, TDX module and quoting enclave together.
        advisories: Intel's advisories that apply to any of them.
    """

    platform: Platform
    advice: Advice
    status: Status
    advisories: tuple[str, ...]


def weigh(report: TdReport, enclave: QeReport, platform: Platform, advice: Advice) -> Worth:
    """The status of the platform, its TDX module and its quoting enclave together, and what advises against them.

    Raises:
        Unfit: the tables are about others ("tdx.fmspc"), the enclave is not Intel's ("tdx.qe-identity"), the
            module is not ("tdx.module"), or one of them is below every level ("tdx.no-tcb-level").

    Source: Intel SGX/TDX DCAP Quote Verification Library, steps of quote verification.
    """
    info, qe = advice.tcb_info, advice.qe
    if (platform.fmspc, platform.pceid) != (info.fmspc, info.pceid):
        raise Unfit("the TCB info is about other processors", code="tdx.fmspc", fmspc=platform.fmspc.hex())
    fits = qe.enclave.fits(enclave.mr_signer, enclave.attributes) and enclave.product == qe.product
    if not fits or not qe.misc_fits(enclave.misc_select):
        raise Unfit("not Intel's quoting enclave for TDs", code="tdx.qe-identity")
    svn = report.tee_tcb_svn
    module = info.modules.get(svn[1]) if svn[1] else info.module
    if module is None or not module.fits(report.seam_signer, report.seam_attributes.to_bytes(8, "little")):
        raise Unfit("not a TDX module of Intel's", code="tdx.module", version=svn[1])
    levels = [info.level(platform.components, platform.pce_svn, svn), qe.enclave.level(enclave.svn)]
    if svn[1]:
        levels.append(module.level(svn[0]))
    status, advisories = Status.UP_TO_DATE, dict[str, None]()
    for level in levels:
        if level is None:
            raise Unfit("no TCB level is low enough for this platform", fmspc=platform.fmspc.hex())
        status = status.with_part(level.status)
        advisories |= dict.fromkeys(level.advisories)
    return Worth(platform, advice, status, tuple(advisories))


def judge_worth(worth: Worth, policy: TdxPolicy) -> Check:
    """Whether the platform is worth what the policy asks for."""
    name = "evidence.key"
    if worth.advice.evaluation < policy.evaluation:
        detail = f"Intel's advice of round {worth.advice.evaluation}; at least {policy.evaluation} is asked for"
        return Check.failed(name, "tdx.evaluation", detail)
    if worth.status not in policy.statuses:
        detail = f"the platform is {worth.status.label}: {', '.join(worth.advisories) or 'no advisories'}"
        return Check.failed(name, "tdx.tcb-status", detail)
    if policy.platforms is not None and worth.platform.ppid not in policy.platforms:
        return Check.failed(name, "tdx.other-hardware", f"processor {worth.platform.ppid.hex()}")
    return Check.passed(name, f"made by Intel's quoting enclave on a platform that is {worth.status.label}")
