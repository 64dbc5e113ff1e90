"""Certificates, lists and numbers of forms that Intel does not make, and that somebody may."""

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tdxcases import BINDING, EVENTS, NOW, judged

from cyberprivacy.attest import ccel
from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.platform import Platform
from cyberprivacy.attest.tdx.quote import BadQuote, Seal, TdReport
from cyberprivacy.attest.tdx.tcb import parse_tcb_info
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.testing import papertd
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel, certify, sgx_extensions, tcb_info, tcb_level, tlv

# the X.509 library warns of what it will refuse one day, and we refuse now
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")


def flips(data: bytes, step: int = 1) -> list[bytes]:
    return [
        data[: bit // 8] + bytes((data[bit // 8] ^ 1 << bit % 8,)) + data[bit // 8 + 1 :]
        for bit in range(0, 8 * len(data), step)
    ]


def test_a_list_with_any_signed_bit_flipped_is_refused(intel: PaperIntel) -> None:
    whole = intel.crl(intel.authority)
    signed = x509.load_der_x509_crl(whole).tbs_certlist_bytes
    head, _, tail = whole.partition(signed)
    pck.check_crl(whole, intel.authority.certificate, now=NOW)
    for flipped in flips(signed):
        with pytest.raises(BadChain):
            pck.check_crl(head + flipped + tail, intel.authority.certificate, now=NOW)
    for flipped in flips(tail):  # a signature can be respelled; nothing else comes of it
        with suppress(BadChain):
            pck.check_crl(head + signed + flipped, intel.authority.certificate, now=NOW)


def test_a_certificate_with_any_signed_bit_flipped_is_refused(intel: PaperIntel, td: PaperTd) -> None:
    above, whole = (intel.authority.der, intel.root.der), td.pck.der
    signed = td.pck.certificate.tbs_certificate_bytes
    head, _, tail = whole.partition(signed)
    pck.line((whole, *above), pck.PCK_ROLES, now=NOW)
    for flipped in flips(signed, 5):
        with pytest.raises(BadChain):
            pck.line((head + flipped + tail, *above), pck.PCK_ROLES, now=NOW)
    for flipped in flips(tail, 5):
        with suppress(BadChain):
            pck.line((head + signed + flipped, *above), pck.PCK_ROLES, now=NOW)


def test_a_list_of_a_part_is_refused(intel: PaperIntel) -> None:
    since = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1)
    builder = x509.CertificateRevocationListBuilder().issuer_name(intel.root.certificate.subject)
    builder = builder.last_update(since).next_update(since + timedelta(days=1))
    builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    der = builder.sign(intel.root.key, hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(pck.BadCrl, match="partial"):
        pck.check_crl(der, intel.root.certificate, now=NOW)


def test_a_huge_list_is_refused(intel: PaperIntel) -> None:
    with pytest.raises(pck.BadCrl, match="too large"):
        pck.check_crl(bytes(pck.MAX_CRL + 1), intel.root.certificate, now=NOW)


def test_a_processor_with_a_key_on_another_curve_is_refused(intel: PaperIntel) -> None:
    other = certify(
        "Intel SGX PCK Certificate", intel.authority, now=NOW, key=ec.generate_private_key(ec.SECP384R1())
    )
    with pytest.raises(BadChain, match="another curve"):
        pck.line((other.der, intel.authority.der, intel.root.der), pck.PCK_ROLES, now=NOW)


def test_a_chain_without_one_of_its_parts_is_refused(intel: PaperIntel, td: PaperTd) -> None:
    with pytest.raises(BadChain, match="as many"):
        pck.line((td.pck.der, intel.root.der), pck.PCK_ROLES, now=NOW)


def test_a_huge_certificate_is_refused() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(bytes(17_000)) + b"\n-----END CERTIFICATE-----\n"
    with pytest.raises(BadChain, match="too large"):
        pck.split_pem(pem)
    with pytest.raises(BadChain, match="base64"):
        pck.split_pem(b"-----BEGIN CERTIFICATE-----\n=A==\n-----END CERTIFICATE-----\n")


def test_a_point_that_is_not_on_the_curve_signs_nothing() -> None:
    assert not pck.signs(b"\1" * 64, b"\1" * 64, b"message")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2a864886f84d010d0102" + "12", "2a864886f84d010d0102" + "13"),  # a TCB without CPUSVN
        ("060a2a864886f84d010d0101", "040a2a864886f84d010d0101"),  # a name that is none
        ("0a0101", "0a0201"),  # a type that takes more than it has
        ("0a0101", "020101"),  # a type that is a number
    ],
)
def test_extensions_of_another_form_are_refused(old: str, new: str) -> None:
    der = sgx_extensions(ppid=bytes(16))
    assert bytes.fromhex(old) in der
    with pytest.raises(BadChain):
        Platform.parse(der.replace(bytes.fromhex(old), bytes.fromhex(new)))


def test_every_flip_of_the_extensions_is_read_or_refused() -> None:
    for flipped in flips(sgx_extensions(ppid=bytes(16))):
        with suppress(BadChain):
            Platform.parse(flipped)


def test_a_length_in_a_second_form_is_refused() -> None:
    with pytest.raises(BadChain, match="a second form"):
        Platform.parse(b"\x30\x81\x00")
    with pytest.raises(BadChain, match="another form"):
        Platform.parse(tlv(0x04, b""))


def test_a_report_that_is_larger_than_its_type_is_refused(td: PaperTd) -> None:
    quote = bytearray(replace(td, version=5).quote(BINDING).fields["quote"])
    quote[50] ^= 1
    with pytest.raises(BadQuote, match="not as large"):
        TdReport.split(bytes(quote))


def test_too_much_authentication_data_is_refused(td: PaperTd) -> None:
    bent = replace(td, qe_auth=bytes(1025))
    with pytest.raises(BadQuote, match="too much"):
        Seal.parse(bent.seal(bent.signed(BINDING)))


@pytest.mark.parametrize(
    "change",
    [
        {"advisoryIDs": ["SA-1"]},
        {"advisoryIDs": [7]},
        {"tcbDate": "2024-02-31T00:00:00Z"},
        {"tcb": {**tcb_level()["tcb"], "sgxtcbcomponents": [{"svn": 256}] * 16}},
        {"tcb": {**tcb_level()["tcb"], "sgxtcbcomponents": [{"svn": True}] * 16}},
        {"tcb": {**tcb_level()["tcb"], "sgxtcbcomponents": [{"svn": 1, "more": 1}] * 16}},
        {"tcb": {**tcb_level()["tcb"], "tdxtcbcomponents": [{"svn": 1}] * 17}},
    ],
)
def test_a_level_of_another_form_is_refused(change: dict[str, object]) -> None:
    info = tcb_info(NOW, tcbLevels=[{**tcb_level(), **change}])
    with pytest.raises(BadDocument):
        parse_tcb_info(json.dumps(info).encode())


def test_too_many_events_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ccel, "MAX_EVENTS", 1)
    with pytest.raises(ccel.BadLog, match="too many"):
        ccel.parse(papertd.log(EVENTS))


def test_a_quote_that_cannot_be_read_claims_no_measurement() -> None:
    assert TdxVerifier().measurement(Evidence("tdx", {"quote": b""})) is None
    assert TdxVerifier().measurement(Evidence("tdx", {})) is None


def test_a_quote_that_ends_in_its_seal_keeps_its_name(td: PaperTd, intel: PaperIntel) -> None:
    evidence = td.quote(BINDING)
    cut = Evidence("tdx", {**evidence.fields, "quote": evidence.fields["quote"][:-1]})
    assert judged(cut, intel).identity == judged(evidence, intel).identity
