"""Genuine reports get the verdicts that vectors/attestation/MANIFEST.md names."""

import base64
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.attest.evidence import Findings
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.snp.chain import PINS, Certificate, check_chain
from cyberprivacy.attest.snp.endorsement import Endorsement
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import Platform, Report, Signer
from cyberprivacy.attest.snp.verifier import SnpVerifier, assemble, measurement

IN_2025 = 1_750_000_000
IN_2026 = 1_796_000_000
ROOTS = dict.fromkeys(PINS.values(), Level.CONFIDENTIAL_VM)
OLD_MILAN: dict[str, Any] = {"products": frozenset(Product), "least": {}, "platform": Platform(0)}
"""What a user would have to allow by hand, before a Milan of 2023 is accepted."""


def pem(path: Path) -> list[bytes]:
    found = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", path.read_bytes(), re.DOTALL)
    return [base64.b64decode(part) for part in found]


class Vector:
    """One folder: a report and the chain of its key."""

    def __init__(self, report: Path, leaf: bytes, middle: bytes, root: bytes) -> None:
        self.report = report.read_bytes()
        self.chain = leaf + middle + root

    def judge(self, *, now: int = IN_2025, report: bytes = b"", **policy: Any) -> Findings:
        data = report or self.report
        evidence = assemble(data, self.chain)
        binding = self.report[0x50:0x90]
        return SnpVerifier(SnpPolicy(**policy)).judge(evidence, binding=binding, roots=ROOTS, now=now)

    def failures(self, **how: Any) -> list[str]:
        return [check.code for check in self.judge(**how).checks if check.verdict is Verdict.FAIL]


@pytest.fixture
def folder(vectors: Path) -> Path:
    return vectors / "attestation"


@pytest.fixture
def milan(folder: Path) -> Vector:
    at = folder / "snp-v2-milan-vcek"
    return Vector(at / "report.bin", (at / "vcek.der").read_bytes(), *pem(at / "ask.pem"), *pem(at / "ark.pem"))


@pytest.fixture
def debug(folder: Path) -> Vector:
    at = folder / "snp-v2-milan-vcek-DEBUG"
    return Vector(at / "report.bin", (at / "vcek.der").read_bytes(), *pem(at / "ask_ark.pem"))


@pytest.fixture
def vlek(folder: Path) -> Vector:
    at = folder / "snp-v3-milan-vlek"
    _, ark, asvk = pem(folder / "roots" / "amd_milan_ask_ark_asvk.pem")
    return Vector(at / "report.bin", (at / "vlek.der").read_bytes(), asvk, ark)


@pytest.fixture
def genoa(folder: Path) -> Vector:
    at = folder / "snp-v3-genoa-azure-vtpm"
    ask, ark, _ = pem(folder / "roots" / "amd_genoa_ask_ark_asvk.pem")
    return Vector(at / "snp-report.bin", pem(at / "vcek.pem")[0], ask, ark)


@pytest.mark.parametrize("product", Product)
def test_the_pins_are_the_keys_of_amds_roots(folder: Path, product: Product) -> None:
    ask, ark, asvk = pem(folder / "roots" / f"amd_{product.value.lower()}_ask_ark_asvk.pem")
    assert sha256(Certificate.parse(ark).spki).digest() == PINS[product]
    assert [Certificate.parse(one).name for one in (ask, ark, asvk)] == [
        f"SEV-{product.value}",
        f"ARK-{product.value}",
        f"SEV-VLEK-{product.value}",
    ]


def test_genoa_is_accepted_as_it_is(genoa: Vector) -> None:
    found = genoa.judge()
    assert {check.verdict for check in found.checks} == {Verdict.PASS}
    assert found.level is Level.CONFIDENTIAL_VM
    assert found.measurement == measurement(genoa.report[0x90:0xC0])
    assert found.identity == sha256(genoa.report[:0x2A0]).digest()
    assert found.facts["snp_product"] == "Genoa"
    assert genoa.failures(now=IN_2026) == []


def test_the_azure_report_names_the_machine_that_holds_the_vtpm(folder: Path, genoa: Vector) -> None:
    at = folder / "snp-v3-genoa-azure-vtpm"
    runtime = (at / "runtime-data.json").read_bytes().rstrip(b"\x00")
    assert Report.parse(genoa.report[:672]).report_data == sha256(runtime).digest() + bytes(32)
    assert json.loads(runtime)["keys"]
    assert genoa.report == (at / "hcl-report.bin").read_bytes()[0x20 : 0x20 + 1184]


def test_a_milan_is_genuine_and_refused(milan: Vector) -> None:
    assert milan.failures() == ["snp.product-not-allowed"]
    assert milan.failures(**OLD_MILAN) == []
    assert milan.judge().facts["snp_policy"] == "0x30000"
    for missing, code in (("least", "snp.tcb-too-low"), ("platform", "snp.platform")):
        allowed = {name: value for name, value in OLD_MILAN.items() if name != missing}
        assert milan.failures(**allowed) == [code]


def test_a_guest_that_allows_debugging_is_refused(debug: Vector) -> None:
    assert debug.failures(**OLD_MILAN) == ["snp.debug"]
    assert debug.judge(**OLD_MILAN).measurement is None
    assert debug.failures() == ["snp.product-not-allowed", "snp.debug"]


def test_a_vlek_is_accepted_in_its_year_for_who_expects_its_privilege_level(vlek: Vector) -> None:
    assert vlek.failures(**OLD_MILAN) == ["snp.vmpl"]
    assert vlek.failures(**OLD_MILAN, vmpl=1) == []
    assert vlek.failures(**OLD_MILAN, vmpl=1, now=IN_2026) == ["evidence.certificate-expired"]
    facts = vlek.judge(**OLD_MILAN, vmpl=1).facts
    assert (facts["snp_signer"], facts["snp_provider"]) == ("vlek", "CN=cc-us-east-2.amazonaws.com")


def test_each_report_with_one_bit_of_its_measurement_flipped_is_refused(
    milan: Vector, debug: Vector, vlek: Vector, genoa: Vector
) -> None:
    for vector in (milan, debug, vlek, genoa):
        bent = bytearray(vector.report)
        bent[0x90] ^= 1
        assert "evidence.signature" in vector.failures(report=bytes(bent), **OLD_MILAN)


def test_the_turin_chain_holds_and_names_its_chip(folder: Path) -> None:
    at = folder / "turin-vcek-chain"
    leaf, (ask,), (ark,) = (at / "vcek_turin.der").read_bytes(), pem(at / "ask.pem"), pem(at / "ark.pem")
    chain = check_chain(leaf + ask + ark, now=IN_2025)
    assert chain.pinned is Product.TURIN
    assert not chain.development
    said = Endorsement.parse(chain.leaf)
    assert (said.product, said.signer) == (Product.TURIN, Signer.VCEK)
    assert said.tcb == Tcb(microcode=9)
    assert said.chip == bytes.fromhex("1e550a8ee5cf9f4d") + bytes(56)


def test_the_genuine_leaves_have_serial_number_zero(milan: Vector, genoa: Vector, vlek: Vector) -> None:
    assert {check_chain(each.chain, now=IN_2025).leaf.serial for each in (milan, genoa, vlek)} == {0}
