"""Whoever changes one bit of SEV-SNP evidence is refused, and never gives it another name by its signature."""

import os
from collections.abc import Iterator
from hashlib import sha256

import pytest

from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.snp.chain import check_chain
from cyberprivacy.attest.snp.product import BadReport, Product
from cyberprivacy.attest.snp.report import SIGNED_SIZE, signature
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.testing.snp import FakeAmd

NOW = 1_800_000_000
BINDING = bytes(range(64))
STEP = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 11
"""Every bit in the deep profile; otherwise each eleventh, which over time meets each bit of a byte."""


class Machine:
    def __init__(self) -> None:
        self.amd = FakeAmd.new(Product.GENOA, now=NOW)
        chip = self.amd.chip()
        self.evidence = chip.quote(BINDING)
        self.crl = self.amd.crl(5)

    def judge(self, **fields: bytes) -> Findings:
        evidence = Evidence("sev-snp", {**self.evidence.fields, **fields})
        roots = {self.amd.fingerprint: Level.DEVELOPMENT}
        return SnpVerifier().judge(evidence, binding=BINDING, roots=roots, now=NOW)


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine()


def flips(data: bytes, start: int, end: int, step: int = STEP) -> Iterator[bytes]:
    for bit in range(8 * start, 8 * end, step):
        at = bit // 8
        yield data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :]


def refused(found: Findings) -> bool:
    return any(check.verdict is Verdict.FAIL for check in found.checks)


def test_no_bit_of_the_signed_region_can_be_flipped_under_its_signature(machine: Machine) -> None:
    report = machine.evidence.fields["report"]
    chain = check_chain(machine.evidence.fields["certificates"], now=NOW)
    made = signature(report)
    assert chain.signs(report[:SIGNED_SIZE], made)
    flipped = list(flips(report[:SIGNED_SIZE], 0, SIGNED_SIZE, step=1))
    assert len(flipped) == 5376
    assert not any(chain.signs(each, made) for each in flipped)


def test_every_flipped_bit_of_the_signed_region_is_rejected_under_its_own_name(machine: Machine) -> None:
    report = machine.evidence.fields["report"]
    assert not refused(machine.judge())
    for flipped in flips(report, 0, SIGNED_SIZE):
        found = machine.judge(report=flipped)
        assert refused(found)
        assert found.identity == sha256(flipped[:SIGNED_SIZE]).digest() != machine.judge().identity
        assert found.measurement is None


def test_no_flipped_bit_of_a_signature_crashes_or_changes_the_name(machine: Machine) -> None:
    report = machine.evidence.fields["report"]
    name = machine.judge().identity
    for flipped in flips(report, SIGNED_SIZE, len(report)):
        found = machine.judge(report=flipped)
        assert refused(found)
        assert found.identity == name


def test_a_flip_in_the_zeros_around_a_signature_is_refused(machine: Machine) -> None:
    report = machine.evidence.fields["report"]
    for at in (720, 743, 792, 815, 816, 1183):
        with pytest.raises(BadReport):
            signature(report[:at] + b"\x01" + report[at + 1 :])


def test_no_flipped_bit_of_a_certificate_is_accepted_or_changes_the_name(machine: Machine) -> None:
    chain = machine.evidence.fields["certificates"]
    name = machine.judge().identity
    for flipped in flips(chain, 0, len(chain)):
        found = machine.judge(certificates=flipped)
        assert refused(found)
        assert found.identity == name


def test_no_flipped_bit_of_a_revocation_list_is_accepted(machine: Machine) -> None:
    assert not refused(machine.judge(crl=machine.crl))
    for flipped in flips(machine.crl, 0, len(machine.crl)):
        assert refused(machine.judge(crl=flipped))


def test_evidence_cut_anywhere_is_refused(machine: Machine) -> None:
    for field in ("report", "certificates"):
        whole = machine.evidence.fields[field]
        for end in range(0, len(whole), 97):
            assert refused(machine.judge(**{field: whole[:end]}))
