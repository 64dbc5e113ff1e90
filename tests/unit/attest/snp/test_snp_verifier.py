"""Each reason for refusing SEV-SNP evidence has its own code, and a case that gives it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.snp import chain, endorsement
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import (
    HOST_REQUESTED,
    Cpuid,
    Firmware,
    GuestPolicy,
    Platform,
    Signer,
    encode_signature,
    signature,
)
from cyberprivacy.attest.snp.verifier import KIND, SnpVerifier, assemble, measurement
from cyberprivacy.testing.snp import MEASUREMENT, TCBS, FakeAmd

SOURCES = Path(chain.__file__).parent
NEVER = 1
P384 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973

Case = Callable[[Any], list[str]]


def field(evidence: Evidence, **fields: bytes) -> Evidence:
    return Evidence(evidence.kind, {**evidence.fields, **fields})


def patched(evidence: Evidence, offset: int, new: bytes) -> Evidence:
    data = evidence.fields["report"]
    return field(evidence, report=data[:offset] + new + data[offset + len(new) :])


def swapped(court: Any) -> Evidence:
    leaf, middle, root = split(court.chip().certificates)
    return field(court.chip().quote(court.binding), certificates=leaf + root + middle)


def unmarked(court: Any) -> list[str]:
    amd = FakeAmd.new(Product.GENOA, now=court.now, marked=False)
    return [*court.codes(amd.chip()), *replace(court, roots={}).codes(amd.chip())]


def other_product(court: Any) -> list[str]:
    """A Genoa's report under a chain of Turin's authorities."""
    turin = court.chip(Product.TURIN)
    return court.codes(replace(court.chip(), certificates=turin.certificates, key=turin.key))


def tcb(**parts: int) -> bytes:
    return replace(TCBS[Product.GENOA], **parts).encode(Product.GENOA)


GENOA = TCBS[Product.GENOA]
CASES: dict[str, Case] = {
    "evidence.form": lambda court: court.codes(Evidence(KIND, {"report": b""})),
    "snp.form": lambda court: court.codes(patched(court.chip().quote(court.binding), 0x4C, b"\x01")),
    "snp.version": lambda court: court.codes(patched(court.chip().quote(court.binding), 0, b"\x06")),
    "snp.algorithm": lambda court: court.codes(patched(court.chip().quote(court.binding), 0x34, b"\x02")),
    "evidence.chain": lambda court: court.codes(swapped(court)),
    "evidence.certificate-expired": lambda court: court.codes(court.chip(valid=(court.now - 90, court.now - 1))),
    "evidence.unknown-root": unmarked,
    "evidence.development-root": lambda court: replace(court, roots={}).codes(court.chip()),
    "evidence.revoked": lambda court: court.codes(
        replace(court.chip(), crl=court.amd().crl(7, court.amd().ask.serial_number))
    ),
    "snp.crl": lambda court: court.codes(replace(court.chip(), crl=court.amd().crl(role="ASK"))),
    "snp.crl-expired": lambda court: court.codes(replace(court.chip(), crl=court.amd().crl(until=court.now - 1))),
    "snp.no-crl": lambda court: court.codes(court.chip(), require_crl=True),
    "snp.extensions": lambda court: court.codes(court.chip(extensions={endorsement.HWID: None})),
    "snp.product": other_product,
    "snp.unsigned": lambda court: court.codes(court.chip().bend(signer=Signer.NONE)),
    "snp.signer": lambda court: court.codes(court.chip().bend(signer=Signer.VLEK)),
    "snp.masked-chip": lambda court: court.codes(court.chip().bend(chip_id=bytes(64))),
    "snp.other-chip": lambda court: court.codes(court.chip().bend(chip_id=b"c" * 64)),
    "snp.other-tcb": lambda court: court.codes(court.chip().bend(reported_tcb=tcb(microcode=1))),
    "snp.tcb-order": lambda court: court.codes(court.chip().bend(committed_tcb=tcb(microcode=1))),
    "snp.product-not-allowed": lambda court: court.codes(court.chip(Product.MILAN)),
    "snp.chip-not-allowed": lambda court: court.codes(court.chip(), chips=frozenset({b"c" * 64})),
    "snp.tcb-too-low": lambda court: court.codes(court.chip(tcb=replace(GENOA, snp=0x16))),
    "snp.provisional": lambda court: court.codes(court.chip().bend(committed=Firmware(4, 58, 1))),
    "snp.platform": lambda court: court.codes(court.chip().bend(platform=Platform.ECC)),
    "snp.smt": lambda court: court.codes(court.chip(), allow_smt=False),
    "evidence.signature": lambda court: court.codes(
        replace(court.chip(), key=ec.generate_private_key(ec.SECP384R1()))
    ),
    "evidence.other-binding": lambda court: court.codes(court.chip().quote(bytes(64))),
    "snp.debug": lambda court: court.codes(court.chip().bend(policy=GuestPolicy.RESERVED_ONE | GuestPolicy.DEBUG)),
    "snp.migration": lambda court: court.codes(
        court.chip().bend(policy=GuestPolicy.RESERVED_ONE | GuestPolicy.MIGRATION_AGENT)
    ),
    "snp.vmpl": lambda court: court.codes(court.chip().bend(vmpl=1)),
    "snp.guest-policy": lambda court: court.codes(court.chip(), guest=GuestPolicy.PAGE_SWAP_DISABLED),
}


@pytest.mark.parametrize("code", CASES)
def test_each_reason_is_given_by_its_own_code_alone(court: Any, code: str) -> None:
    assert set(CASES[code](court)) == {code}


def test_no_reason_is_without_a_case() -> None:
    text = "".join(source.read_text() for source in SOURCES.glob("*.py"))
    spelt = set(re.findall(r'"((?:snp|evidence)\.[a-z-]+)"', text)) - set(EVIDENCE_CHECKS)
    assert spelt | {"evidence.chain", "evidence.certificate-expired", "evidence.signature"} == set(CASES)


@pytest.mark.parametrize("product", [Product.GENOA, Product.TURIN])
@pytest.mark.parametrize("signer", [Signer.VCEK, Signer.VLEK])
@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_good_guest_passes_every_check(court: Any, product: Product, signer: Signer, version: int) -> None:
    chip = replace(court.chip(product, signer=signer), version=version, crl=court.amd(product).crl(5))
    found = court.judge(chip, require_crl=True)
    assert [check.name for check in found.checks] == list(EVIDENCE_CHECKS)
    assert {check.verdict for check in found.checks} == {Verdict.PASS}
    assert found.level is Level.DEVELOPMENT
    assert found.measurement == measurement(MEASUREMENT)
    assert found.facts["snp_version"] == version


def test_a_milan_passes_only_for_who_allows_it(court: Any) -> None:
    assert court.codes(court.chip(Product.MILAN), products=frozenset(Product)) == []


def test_no_development_root_is_worth_more_than_development(court: Any) -> None:
    sure = replace(court, roots=dict.fromkeys(court.roots, Level.CONFIDENTIAL_VM))
    assert sure.judge(court.chip()).level is Level.DEVELOPMENT


def test_a_root_of_another_vendor_does_not_vouch_for_a_processor(court: Any) -> None:
    amd = FakeAmd.new(Product.GENOA, now=court.now, marked=False)
    named = replace(court, roots={amd.fingerprint: Level.MEASURED_BOOT})
    assert named.codes(amd.chip()) == ["evidence.unknown-root"]


def test_a_report_of_the_hypervisor_is_not_the_guests(court: Any) -> None:
    assert court.codes(court.chip().bend(vmpl=HOST_REQUESTED)) == ["snp.vmpl"]
    assert court.codes(court.chip().bend(vmpl=2), vmpl=2) == []


def test_a_migration_agent_shows_in_either_place(court: Any) -> None:
    assert court.codes(court.chip().bend(agent_id=bytes(32))) == ["snp.migration"]


def test_a_guest_that_may_be_moved_or_read_proves_no_measurement(court: Any) -> None:
    for changes in (
        {"agent_id": bytes(32)},
        {"policy": GuestPolicy.RESERVED_ONE | GuestPolicy.DEBUG},
        {"vmpl": 3},
    ):
        assert court.judge(court.chip().bend(**changes)).measurement is None


@pytest.mark.parametrize("where", ["reported_tcb", "committed_tcb", "launch_tcb"])
def test_every_tcb_that_outlives_an_update_must_be_new_enough(court: Any, where: str) -> None:
    low, least = replace(GENOA, microcode=0x50), {Product.GENOA: replace(GENOA, microcode=0x54)}
    changes = {"launch_tcb": low.encode(Product.GENOA)} if where == "launch_tcb" else {}
    chip = court.chip() if where == "launch_tcb" else court.chip(tcb=low)
    if where == "committed_tcb":
        changes = {"current_tcb": GENOA.encode(Product.GENOA), "launch_tcb": GENOA.encode(Product.GENOA)}
    assert court.codes(chip.bend(**changes), least=least) == ["snp.tcb-too-low"]
    assert court.codes(chip.bend(**changes)) == []


def test_a_tcb_that_its_product_cannot_have_is_refused(court: Any) -> None:
    assert court.codes(court.chip().bend(launch_tcb=b"\x01" * 8)) == ["snp.form"]
    assert court.codes(court.chip().bend(current_tcb=b"\xff" * 8)) == ["snp.form"]


def test_firmware_may_run_ahead_of_what_is_committed_for_who_allows_it(court: Any) -> None:
    ahead = court.chip().bend(current=Firmware(6, 58, 1), current_tcb=tcb(snp=0x20))
    assert court.codes(ahead) == ["snp.provisional"]
    assert court.codes(ahead, allow_provisional=True) == []


def test_the_processor_named_in_the_report_is_of_the_certificates_product(court: Any) -> None:
    for cpuid in (Cpuid(0x19, 0x01, 1), Cpuid(0x1A, 0x02, 0), Cpuid(0x1A, 0x50, 0)):
        assert court.codes(court.chip().bend(cpuid=cpuid)) == ["snp.product"]


def test_a_cloud_hides_its_chips_unless_a_user_asks_for_them(court: Any) -> None:
    lent = court.chip(signer=Signer.VLEK)
    assert court.codes(lent) == []
    assert court.codes(lent, chips=frozenset({b"c" * 64})) == ["snp.masked-chip"]
    own = court.chip()
    assert court.codes(own, chips=frozenset({own.chip_id})) == []


def test_a_vcek_and_a_vlek_do_not_stand_for_each_other(court: Any) -> None:
    own, lent = court.chip(), court.chip(signer=Signer.VLEK)
    assert court.codes(replace(lent, certificates=own.certificates, key=own.key)) == ["snp.signer"]
    # a certificate that says VLEK but was issued by the authority of the VCEKs
    extensions = {endorsement.HWID: None, endorsement.CSP: b"\x16\x01x"}
    assert court.codes(court.chip(extensions=extensions)) == ["snp.product"]


def test_a_second_form_of_the_signature_is_the_same_evidence(court: Any) -> None:
    good = court.chip().quote(court.binding)
    r, s = decode_dss_signature(signature(good.fields["report"]))
    other = field(good, report=good.fields["report"][:672] + encode_signature(r, P384 - s))
    first, second = court.judge(good), court.judge(other)
    assert good.fields != other.fields
    assert first == second
    assert first.identity == second.identity != b""


@pytest.mark.parametrize("size", [0, 671, 672, 1183, 1185, 4096])
def test_a_report_of_another_size_is_refused(court: Any, size: int) -> None:
    good = court.chip().quote(court.binding)
    bent = field(good, report=good.fields["report"].ljust(size, b"\x00")[:size])
    assert court.codes(bent) == ["snp.form"]
    assert court.judge(bent).identity == b""


def test_evidence_of_other_parts_is_refused(court: Any) -> None:
    good = court.chip().quote(court.binding)
    assert court.codes(field(good, more=b"")) == ["evidence.form"]
    assert court.codes(Evidence("tpm2", good.fields)) == ["evidence.form"]
    assert SnpVerifier().measurement(Evidence(KIND, {})) is None
    assert SnpVerifier().measurement(field(good, report=b"\x09" * 672)) is None
    assert SnpVerifier().measurement(good) == measurement(MEASUREMENT)


def test_the_measurement_is_the_one_of_the_specification() -> None:
    # computed by hand from docs/spec/attestation.md: three parts behind their lengths
    from hashlib import sha256

    launch = bytes(range(48))
    parts = (
        b"\x00\x00\x00\x1aCyberPrivacy-Measurement/1" + b"\x00\x00\x00\x07sev-snp" + b"\x00\x00\x00\x30" + launch
    )
    assert measurement(launch) == sha256(parts).digest()


def test_nothing_is_said_of_a_report_that_is_not_signed(court: Any) -> None:
    chip = replace(court.chip(), key=ec.generate_private_key(ec.SECP384R1()))
    found = court.judge(chip)
    assert (found.facts, found.measurement) == ({}, None)


def test_a_signature_of_zeros_is_none(court: Any) -> None:
    good = court.chip().quote(court.binding)
    assert court.codes(field(good, report=good.fields["report"][:672] + bytes(512))) == ["evidence.signature"]


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("report", "certificates", "crl"), st.binary(max_size=1400)))
)
def test_no_bytes_whatever_make_the_judge_raise(court: Any, fields: dict[str, bytes]) -> None:
    good = court.chip().quote(court.binding)
    for evidence in (Evidence(KIND, fields), field(good, **fields)):
        found = court.judge(evidence)
        assert tuple(check.name for check in found.checks) == EVIDENCE_CHECKS
        assert not fields or any(check.verdict is Verdict.FAIL for check in found.checks)


def test_assembling_leaves_out_what_there_is_not() -> None:
    assert assemble(b"r", b"c").fields.keys() == {"report", "certificates"}
    assert assemble(b"r", b"c", b"l").fields["crl"] == b"l"


def test_the_lowest_tcb_is_never_wanted_of_a_product_without_one(court: Any) -> None:
    assert court.codes(court.chip(tcb=Tcb(microcode=1)), least={}) == []
