"""What evidence says, for people, unproven: nothing here is checked, and nothing may be decided by it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from cryptography import x509

from cyberprivacy.attest.certificates import UNREADABLE, BadChain, split
from cyberprivacy.attest.evidence import Evidence, utc
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.snp import verifier as snp
from cyberprivacy.attest.snp.chain import Certificate
from cyberprivacy.attest.snp.product import Tcb, product_of
from cyberprivacy.attest.snp.report import SIGNED_SIZE, Report
from cyberprivacy.attest.tdx import measured as tdx
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.quote import Seal, TdReport
from cyberprivacy.errors import Untrusted

TPM2: Final = Tpm2Verifier.kind
Said = dict[str, object]


def describe(evidence: Evidence) -> Said:
    """What the evidence says of its machine, by name; text and numbers, lists and objects of them.

    What cannot be read is named as such; the rest is there all the same.
    """
    said: Said = {"kind": evidence.kind, "fields": {name: len(data) for name, data in evidence.fields.items()}}
    try:
        match evidence.kind:
            case snp.KIND:
                said |= _snp(evidence.fields)
            case tdx.KIND:
                said |= _tdx(evidence.fields)
            case kind if kind == TPM2:
                measured = Tpm2Verifier().measurement(evidence)
                said |= {"measurement": measured.hex() if measured else None}
            case _:
                return {**said, "unreadable": "evidence.unknown-kind"}
        said["certificates"] = _certificates(evidence)
    except (Untrusted, KeyError) as error:
        said["unreadable"] = error.code if isinstance(error, Untrusted) else "evidence.form"
    return said


def carries(evidence: Evidence, binding: bytes) -> bool | None:
    """Whether the evidence says that it carries these 64 bytes; None when they do not stand in it as they are."""
    said = describe(evidence).get("report_data")
    return None if said is None else said == binding.hex()


def _snp(fields: Mapping[str, bytes]) -> Said:
    report = Report.parse(fields["report"][:SIGNED_SIZE])
    product = None if report.cpuid is None else product_of(report.cpuid.family, report.cpuid.model)
    tcb = report.reported_tcb.hex() if product is None else str(Tcb.parse(report.reported_tcb, product))
    return {
        "version": report.version,
        "product": product.value if product else None,
        "tcb": tcb,
        "firmware": ".".join(str(part) for part in reversed(report.current)),
        "policy": f"{report.policy | report.abi:#x}",
        "vmpl": report.vmpl,
        "signer": report.signer.name,
        "chip_id": report.chip_id.hex(),
        "launch": report.measurement.hex(),
        "measurement": snp.measurement(report.measurement).hex(),
        "report_data": report.report_data.hex(),
    }


def _tdx(fields: Mapping[str, bytes]) -> Said:
    report, rest = TdReport.split(fields["quote"])
    said: Said = {
        "version": report.version,
        "tcb": report.tee_tcb_svn.hex(),
        "attributes": f"{report.attributes:#x}",
        "xfam": f"{report.xfam:#x}",
        "mrtd": report.mrtd.hex(),
        "rtmrs": [value.hex() for value in report.rtmrs],
        "config_id": report.config_id.hex(),
        "measurement": tdx.measurement(report).hex(),
        "report_data": report.report_data.hex(),
    }
    chain = _pck_chain(fields, rest)
    try:
        platform = pck.platform(x509.load_der_x509_certificate(chain[0]))
    except UNREADABLE:
        raise BadChain("a PCK certificate that cannot be read") from None
    return {**said, "chip_id": platform.ppid.hex(), "product": f"FMSPC {platform.fmspc.hex()}"}


def _pck_chain(fields: Mapping[str, bytes], rest: bytes) -> Sequence[bytes]:
    inside = Seal.parse(rest).chain
    return split(fields["certificates"]) if inside is None else pck.split_pem(inside)


def _certificates(evidence: Evidence) -> list[Said]:
    """Subject and validity of each, leaf first; AMD's by our own reader, as other ones refuse them."""
    fields = evidence.fields
    if evidence.kind == snp.KIND:
        found = (
            [Certificate.parse(der) for der in split(fields["certificates"])] if "certificates" in fields else []
        )
        return [_line(each.name, each.since, each.until) for each in found]
    if evidence.kind == tdx.KIND:
        ders = _pck_chain(fields, TdReport.split(fields["quote"])[1])
    else:
        ders = split(fields["certificates"])
    try:
        read = [x509.load_der_x509_certificate(der) for der in ders]
        return [
            _line(
                each.subject.rfc4514_string(),
                int(each.not_valid_before_utc.timestamp()),
                int(each.not_valid_after_utc.timestamp()),
            )
            for each in read
        ]
    except UNREADABLE:
        raise BadChain("a certificate that cannot be read") from None


def _line(subject: str, since: int, until: int) -> Said:
    return {"subject": subject, "since": utc(since), "until": utc(until)}
