"""From what the hardware answered to evidence that can be sent: which parts go along. Pure.

Who sends evidence is not the one who judges it. But what is plainly of no use to a verifier is not sent: an answer
to another question, a log that does not explain the registers, a certificate for firmware that has been replaced.
"""

import structlog

from cyberprivacy.attest import ccel
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.snp import verifier as snp
from cyberprivacy.attest.snp.chain import Certificate
from cyberprivacy.attest.snp.endorsement import Endorsement
from cyberprivacy.attest.snp.hosttable import BadTable, HostTable
from cyberprivacy.attest.snp.product import Tcb
from cyberprivacy.attest.snp.report import REPORT_SIZE, SIGNED_SIZE, Report, Signer
from cyberprivacy.attest.tcg2 import BadLog
from cyberprivacy.attest.tdx import measured as tdx
from cyberprivacy.attest.tdx.quote import TdReport
from cyberprivacy.errors import Untrusted

_REPORT_DATA = slice(0x50, 0x90)

_log = structlog.get_logger("attest")


class OtherAnswer(Untrusted):
    """The hardware answered something else than it was asked."""

    code = "tsm.other-answer"
    hint = "Ask again; if it happens again, the host interferes."


def snp_evidence(report: bytes, table: bytes, binding: bytes) -> Evidence:
    """Evidence of kind "sev-snp": a report, and of the host's table what is there.

    Args:
        report: what the secure processor signed.
        table: of certificates, from the host; one that cannot be read is left out, as hosts need not have any.
        binding: 64 bytes that the report must carry.

    Raises:
        OtherAnswer: not a report about these bytes.
    """
    if len(report) != REPORT_SIZE or report[_REPORT_DATA] != binding:
        raise OtherAnswer("not a report about what was asked", size=len(report))
    try:
        found = HostTable.parse(table)
    except BadTable as error:
        _log.warning("host table", code=error.code, what=str(error))
        found = HostTable()
    fields = {"report": report}
    if found.chain is not None and _vouches(found.leaf, report):
        fields["certificates"] = found.chain
        if found.crl:
            fields["crl"] = found.crl
    return Evidence(snp.KIND, fields)


def _vouches(leaf: bytes, report: bytes) -> bool:
    """Whether the host's certificate is for this chip and firmware; after an update, hosts hand out old ones."""
    try:
        said, read = Endorsement.parse(Certificate.parse(leaf)), Report.parse(report[:SIGNED_SIZE])
        same_firmware = Tcb.parse(read.reported_tcb, said.product) == said.tcb
    except Untrusted as error:
        _log.warning("host table", code=error.code, what=str(error))
        return False
    same_chip = said.signer is Signer.VLEK or said.chip == read.chip_id
    if not (same_firmware and same_chip):
        _log.warning("host table", code="tsm.host-table", what="for other firmware, or another chip")
    return same_firmware and same_chip


def tdx_evidence(quote: bytes, log: bytes | None, binding: bytes) -> Evidence:
    """Evidence of kind "tdx": a quote, and the event log if it says all that the registers took.

    Args:
        quote: what Intel's quoting enclave signed.
        log: what firmware left. Software may have measured more since; then it explains nothing and is left out.
        binding: 64 bytes that the quote must carry.

    Raises:
        OtherAnswer: a quote about something else.
        BadQuote: not a quote that we know.
    """
    report, _ = TdReport.split(quote)
    if report.report_data != binding:
        raise OtherAnswer("not a quote about what was asked")
    fields = {"quote": quote}
    if log is not None and _explains(log, report):
        fields["log"] = log
    return Evidence(tdx.KIND, fields)


def _explains(log: bytes, report: TdReport) -> bool:
    try:
        same = ccel.replay(ccel.parse(log)) == report.rtmrs
    except BadLog as error:
        _log.warning("event log", code=error.code, what=str(error))
        return False
    if not same:
        _log.warning("event log", code="tsm.event-log", what="the registers took more, or something else")
    return same
