"""What was measured into a TD, and whether it means something. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.attest import ccel
from cyberprivacy.attest.eventlog import MEASUREMENT_TAG
from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.attest.report import Check
from cyberprivacy.attest.tcg2 import BadLog
from cyberprivacy.attest.tdx.policy import UNTRUSTED, X87_SSE, TdxPolicy
from cyberprivacy.attest.tdx.quote import TdReport

KIND: Final = "tdx"


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a TD report says of what is in a TD; 48 bytes each.

    What the host set at launch (MRCONFIGID, MROWNER, MROWNERCONFIG) is part of it: software may obey it, so that
    nobody should set it who was not asked.

    Attributes:
        mrtd: build-time measurement.
        rtmrs: the four run-time registers.
        config_id, owner, owner_config: what the host set at launch.
    """

    mrtd: bytes
    rtmrs: tuple[bytes, ...]
    config_id: bytes = bytes(48)
    owner: bytes = bytes(48)
    owner_config: bytes = bytes(48)

    @classmethod
    def of(cls, report: TdReport) -> "Contents":
        """Those of a report."""
        return cls(report.mrtd, report.rtmrs, report.config_id, report.owner, report.owner_config)

    @property
    def measurement(self) -> bytes:
        """The name of the measured software, 32 bytes."""
        said = (self.mrtd, self.config_id, self.owner, self.owner_config, *self.rtmrs)
        parts = (MEASUREMENT_TAG, KIND.encode("ascii"), *said)
        return sha256(b"".join(length_prefixed(part) for part in parts)).digest()


def measurement(report: TdReport) -> bytes:
    """The name of the measured software: 32 bytes, from all that a TD report says of the TD's contents."""
    return Contents.of(report).measurement


def judge_measured(report: TdReport | None, log: bytes | None, policy: TdxPolicy) -> tuple[Check, bytes | None]:
    """Whether what was measured means something, and the log, if there is one, explains it.

    Args:
        report: a TD report whose signature holds; None when it does not.
        log: the event log that came along.
        policy: what is asked.

    Returns:
        The check, and the measurement when it passed.
    """
    name = "evidence.log"
    if report is None:
        return Check.needs(name, "evidence.signature"), None
    code, detail = _unfit(report, policy) or _explained(report, log)
    if code:
        return Check.failed(name, code, detail), None
    return Check.passed(name, detail), measurement(report)


def _unfit(report: TdReport, policy: TdxPolicy) -> tuple[str, str] | None:
    """Why what this TD measured says nothing, whatever it is: reason code and detail."""
    attributes, asked = report.attributes, policy.attributes
    if attributes & UNTRUSTED:
        return "tdx.debug", "its host may debug this TD: what it measured says nothing"
    if attributes & asked != asked or attributes & ~(asked | policy.optional_attributes):
        return "tdx.attributes", f"attributes of the TD: {attributes:#x}"
    if report.xfam & X87_SSE != X87_SSE or report.xfam & ~policy.features:
        return "tdx.features", f"extended features of the TD: {report.xfam:#x}"
    if any(report.companions) or (any(report.service_td) and report.service_td not in policy.service_tds):
        return "tdx.service-td", "another TD, a partition or a device has a part in this one"
    return None


def _explained(report: TdReport, log: bytes | None) -> tuple[str, str]:
    """Reason code, "" when the log, if any, is what the registers took; and detail."""
    if log is None:
        return "", "signed registers; no log of them came along"
    try:
        events = ccel.parse(log)
    except BadLog as error:
        return "evidence.log-form", str(error)
    if ccel.replay(events) != report.rtmrs:
        return "evidence.log-differs", "the log is not what the registers took"
    return "", f"{len(events)} events replay to the signed registers"
