"""Evidence that came without collateral is completed; what is fetched is judged by the verifier, unmodified."""

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from structlog.testing import capture_logs

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.collateral.source import BadSource, NoCollateral
from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.report import Signer
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.attest.tdx.collateral import Collateral
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeAmd, FakeChip
from cyberprivacy.testing.tdx import FMSPC, PaperIntel
from cyberprivacy.testing.vendors import FakeVendors, gives, says

NOW = 1_800_000_000
BINDING = bytes(range(64))
Make = Callable[[], Keeper]


def bare(chip: FakeChip) -> Evidence:
    return Evidence("sev-snp", {"report": chip.quote(BINDING).fields["report"]})


def bare_quote(td: PaperTd) -> Evidence:
    fields = td.quote(BINDING).fields
    return Evidence("tdx", {name: fields[name] for name in fields if name != "collateral"})


def snp(evidence: Evidence, amd: FakeAmd, *, require_crl: bool = True) -> list[str]:
    verifier = SnpVerifier(SnpPolicy(require_crl=require_crl, products=frozenset(Product)))
    findings = verifier.judge(evidence, binding=BINDING, roots={amd.fingerprint: Level.DEVELOPMENT}, now=NOW)
    return codes(findings)


def tdx(evidence: Evidence, intel: PaperIntel) -> list[str]:
    return codes(
        TdxVerifier().judge(evidence, binding=BINDING, roots={intel.fingerprint: Level.DEVELOPMENT}, now=NOW)
    )


def codes(findings: Findings) -> list[str]:
    return [check.code for check in findings.checks if check.code != "ok" and not check.code.startswith("needs.")]


@pytest.mark.parametrize("product", Product)
@pytest.mark.parametrize("version", [2, 5])
def test_a_bare_report_gets_its_certificates_and_the_list(
    product: Product, version: int, amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make
) -> None:
    amd = amds[product]
    chip = replace(amd.chip(), version=version)
    vendors.publish_chip(amd, chip)
    complete = keeper().complete(bare(chip))
    assert complete.fields.keys() == {"report", "certificates", "crl"}
    assert snp(complete, amd) == []


@pytest.mark.parametrize("inside", [True, False])
def test_a_bare_quote_gets_its_collateral(td: PaperTd, intel: PaperIntel, keeper: Make, inside: bool) -> None:
    complete = keeper().complete(bare_quote(replace(td, inside=inside)))
    assert tdx(complete, intel) == []


def test_what_came_along_stays_and_nobody_is_asked(
    amds: dict[Product, FakeAmd], td: PaperTd, vendors: FakeVendors, keeper: Make
) -> None:
    amd = amds[Product.GENOA]
    whole = replace(amd.chip(), crl=amd.crl()).quote(BINDING)
    for evidence in (whole, td.quote(BINDING), Evidence("tpm2", {"public": b""})):
        assert keeper().complete(evidence) == evidence
    assert not vendors.asked


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"report": b"", "quote": b""},
        {"report": bytes(1184), "quote": bytes(5000)},
        {"report": b"", "certificates": b"\x30\x82\xff"},
    ],
)
def test_evidence_that_cannot_be_read_is_left_to_its_verifier(
    fields: dict[str, bytes], vendors: FakeVendors, keeper: Make
) -> None:
    for kind in ("sev-snp", "tdx"):
        assert keeper().complete(Evidence(kind, fields)) == Evidence(kind, fields)
    assert not vendors.asked


def test_copies_are_kept_as_long_as_they_last(
    td: PaperTd, vendors: FakeVendors, keeper: Make, clock: StandingClock
) -> None:
    first = keeper().complete(bare_quote(td))
    asked = vendors.asked.copy()
    assert keeper().complete(bare_quote(td)).fields["collateral"] == first.fields["collateral"]
    assert vendors.asked == asked
    clock.now += 86_401
    keeper().complete(bare_quote(td))
    assert all(number == 2 for number in vendors.asked.values())
    clock.now -= 100_000  # copies from the future are none
    keeper().complete(bare_quote(td))
    assert all(number == 3 for number in vendors.asked.values())


def test_an_old_copy_is_handed_on_when_the_vendor_is_away(
    td: PaperTd, vendors: FakeVendors, keeper: Make, clock: StandingClock
) -> None:
    first = keeper().complete(bare_quote(td))
    clock.now += 86_401
    vendors.faults.extend([says(404)] * 4)
    with capture_logs() as said:
        again = keeper().complete(bare_quote(td))
    assert again.fields["collateral"] == first.fields["collateral"]
    assert [event["code"] for event in said] == ["collateral.stale"] * 4


def test_renewing_asks_whatever_is_kept_or_came_along(
    td: PaperTd, intel: PaperIntel, vendors: FakeVendors, keeper: Make, clock: StandingClock
) -> None:
    first = keeper().complete(bare_quote(td))
    newer = replace(intel, info={**intel.info, "tcbEvaluationDataNumber": 19})
    vendors.publish_intel(newer, FMSPC)
    clock.now += 1
    assert keeper().complete(first) == first
    renewed = keeper().complete(first, renew=True)
    assert (
        json.loads(Collateral.parse(renewed.fields["collateral"]).parts["tcb_info"])["tcbEvaluationDataNumber"]
        == 19
    )
    assert tdx(renewed, intel) == []
    clock.now += 1
    vendors.faults.append(says(404))
    with pytest.raises(BadSource):
        keeper().complete(first, renew=True)


def test_garbage_is_kept_until_the_verifier_has_refused_it_and_then_renewed(
    td: PaperTd, intel: PaperIntel, vendors: FakeVendors, keeper: Make, clock: StandingClock
) -> None:
    vendors.faults.append(gives(b"\x30\x07garbage"))  # in the place of the root's list
    complete = keeper().complete(bare_quote(td))
    assert tdx(complete, intel) == ["tdx.crl"]
    clock.now += 1
    assert tdx(keeper().complete(complete, renew=True), intel) == []


def test_a_revoked_authority_is_found_through_the_fetched_list(
    amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make
) -> None:
    amd = amds[Product.GENOA]
    chip = amd.chip()
    vendors.publish_chip(amd, chip, amd.crl(amd.ask.serial_number))
    assert snp(keeper().complete(bare(chip)), amd) == ["evidence.revoked"]
    assert snp(keeper().complete(chip.quote(BINDING)), amd) == ["evidence.revoked"]


def test_a_list_about_another_root_is_left_out(
    amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make
) -> None:
    genoa = amds[Product.GENOA]
    chip = genoa.chip()
    vendors.publish_chip(genoa, chip, amds[Product.MILAN].crl())
    complete = keeper().complete(bare(chip))
    assert complete.fields.keys() == {"report", "certificates"}
    assert snp(complete, genoa, require_crl=False) == []
    assert snp(complete, genoa) == ["snp.no-crl"]


def test_a_missing_list_is_the_policys_business_and_is_logged(
    amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make
) -> None:
    amd = amds[Product.GENOA]
    vendors.faults.append(says(404))
    with capture_logs() as said:
        complete = keeper().complete(amd.chip().quote(BINDING))
    assert snp(complete, amd) == ["snp.no-crl"]
    assert [event["code"] for event in said] == ["collateral.unknown"]


def test_a_chip_that_amd_does_not_know_is_refused_by_name(amds: dict[Product, FakeAmd], keeper: Make) -> None:
    for version in (2, 5):
        with pytest.raises(BadSource) as refusal:
            keeper().complete(bare(replace(amds[Product.GENOA].chip(), version=version)))
        assert refusal.value.code == "collateral.unknown"


def test_a_key_that_is_lent_to_a_cloud_can_only_come_from_its_host(
    amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make
) -> None:
    amd = amds[Product.GENOA]
    for chip in (amd.chip(signer=Signer.VLEK), amd.chip().bend(chip_id=bytes(64))):
        with pytest.raises(Misuse) as refusal:
            keeper().complete(bare(chip))
        assert refusal.value.code == "collateral.vlek"
    assert not vendors.asked


def test_without_copies_and_without_a_vendor_nothing_is_made_up(
    td: PaperTd, vendors: FakeVendors, keeper: Make
) -> None:
    with vendors:
        pass
    with pytest.raises(NoCollateral) as refusal:
        keeper().complete(bare_quote(td))
    assert refusal.value.code in ("collateral.unreachable", "collateral.throttled")


def test_many_threads_fetch_once(td: PaperTd, vendors: FakeVendors, keeper: Make) -> None:
    evidence, found = bare_quote(td), list[bytes]()
    threads = [
        threading.Thread(target=lambda: found.append(keeper().complete(evidence).fields["collateral"]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert set(vendors.asked.values()) == {1}


ASKER = """
import base64, sys
from pathlib import Path
from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.collateral.resource import Sources
from cyberprivacy.attest.evidence import Evidence
folder, base = Path(sys.argv[1]), sys.argv[2]
quote = (folder / "quote").read_bytes()
sources = Sources(amd=base, intel=base, intel_root_crl=f"{base}/IntelSGXRootCA.der")
print("ready", flush=True)
sys.stdin.readline()
print(len(Keeper(folder / "cache", sources=sources).complete(Evidence("tdx", {"quote": quote})).fields["collateral"]))
"""


def test_many_processes_fetch_once(td: PaperTd, vendors: FakeVendors, tmp_path: Path) -> None:
    (tmp_path / "quote").write_bytes(bare_quote(td).fields["quote"])
    words = [sys.executable, "-c", ASKER, str(tmp_path), vendors.sources.amd]
    environment = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "vendors.pem")}
    with ExitStack() as stack:
        askers = [
            stack.enter_context(Popen(words, stdin=PIPE, stdout=PIPE, text=True, env=environment))
            for _ in range(3)
        ]
        for asker in askers:
            assert asker.stdout is not None
            assert asker.stdout.readline() == "ready\n"
        found = {asker.communicate("go\n", timeout=30)[0] for asker in askers}
    assert len(found) == 1
    assert int(found.pop()) > 1000
    assert set(vendors.asked.values()) == {1}


def test_a_full_disk_costs_the_copy_and_not_the_answer(
    td: PaperTd, intel: PaperIntel, keeper: Make, tmp_path: Path
) -> None:
    made = keeper()
    made.complete(bare_quote(td))
    for copy in (tmp_path / "cache").glob("*.copy"):
        copy.unlink()
        copy.mkdir()  # nothing can be put in its place
    with capture_logs() as said:
        assert tdx(made.complete(bare_quote(td)), intel) == []
    assert {event["code"] for event in said} == {"collateral.cache"}


def test_the_leaf_comes_first(amds: dict[Product, FakeAmd], vendors: FakeVendors, keeper: Make) -> None:
    amd = amds[Product.TURIN]
    chip = amd.chip()
    vendors.publish_chip(amd, chip)
    assert split(keeper().complete(bare(chip)).fields["certificates"]) == split(chip.certificates)
