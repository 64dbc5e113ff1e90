"""Genuine quotes get the verdicts that vectors/attestation/MANIFEST.md names."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.evidence import Evidence, Findings, length_prefixed
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx import pck
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.tdx.quote import Seal, TdReport
from cyberprivacy.attest.tdx.verifier import TdxVerifier

Load = Callable[[str], Any]


def wrong(found: Findings) -> dict[str, str]:
    return {check.name: check.code for check in found.checks if check.code != "ok"}


def test_the_pinned_root_is_the_one_that_intel_publishes(vectors: Path) -> None:
    der = (vectors / "attestation" / "roots" / "intel_sgx_root_ca.der").read_bytes()
    assert sha256(der).hexdigest() == "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
    assert fingerprint(x509.load_der_x509_certificate(der)) == pck.INTEL_SGX_ROOT


def test_an_up_to_date_platform_is_accepted_on_its_day(genuine: Load) -> None:
    found = genuine("tdx-v4-uptodate").judged(TdxPolicy(evaluation=17))
    assert wrong(found) == {}
    assert found.level is Level.CONFIDENTIAL_VM
    assert found.facts["tdx_status"] == "UpToDate"
    assert found.facts["tdx_fmspc"] == "b0c06f000000"


def test_todays_default_asks_for_newer_advice_than_that_of_2025(genuine: Load) -> None:
    assert wrong(genuine("tdx-v4-uptodate").judged()) == {"evidence.key": "tdx.evaluation"}


def test_a_platform_below_every_level_is_refused_for_that_alone(genuine: Load) -> None:
    assert wrong(genuine("tdx-v5-no-tcb-level").judged()) == {"evidence.key": "tdx.no-tcb-level"}


def test_a_debug_td_is_refused_although_its_platform_is_up_to_date(genuine: Load) -> None:
    found = genuine("tdx-v4-DEBUG-2023").judged(TdxPolicy(evaluation=15))
    assert wrong(found) == {"evidence.log": "tdx.debug"}
    assert found.facts["tdx_status"] == "UpToDate"
    assert found.measurement is None


def test_a_cloud_log_of_43_events_replays_to_the_signed_registers(genuine: Load) -> None:
    vector = genuine("tdx-v4-ccel-rtmr")
    assert vector.report_data == (vector.folder / "report_data_nonce.bin").read_bytes()
    found = vector.judged()
    assert wrong(found) == {"evidence.root": "tdx.collateral-missing", "evidence.key": "needs.evidence.root"}
    (log,) = (check for check in found.checks if check.name == "evidence.log")
    assert log.detail == "43 events replay to the signed registers"


def test_the_same_quote_has_a_whole_chain_of_signatures(genuine: Load) -> None:
    vector = genuine("tdx-v4-ccel-rtmr")
    report, rest = TdReport.split(vector.quote)
    seal = Seal.parse(rest)
    assert seal.chain is not None
    line = pck.line(pck.split_pem(seal.chain), pck.PCK_ROLES, now=vector.now)
    assert line.checked.root == pck.INTEL_SGX_ROOT
    assert pck.platform(line.leaf).fmspc.hex() == "00806f050000"
    assert pck.signs(line.leaf, seal.qe_signature, seal.qe.raw)
    assert seal.qe.report_data == seal.vouched
    assert pck.signs(seal.key, seal.signature, report.signed)


@pytest.mark.parametrize("at", [0, 17_950])
def test_a_log_that_was_changed_is_refused(genuine: Load, at: int) -> None:
    vector = genuine("tdx-v4-ccel-rtmr")
    log = bytearray(vector.evidence.fields["log"])
    log[at + 100] ^= 1  # a digest, or a length
    found = vector.judged(fields={"log": bytes(log)})
    assert wrong(found)["evidence.log"] in {"evidence.log-differs", "evidence.log-form"}
    assert found.measurement is None


def test_a_log_without_its_last_event_is_refused(genuine: Load) -> None:
    vector = genuine("tdx-v4-ccel-rtmr")
    log = vector.evidence.fields["log"][: 18_101 - 40 - 4 - 62] + b"\xff" * 100
    assert wrong(vector.judged(fields={"log": log}))["evidence.log"] == "evidence.log-differs"


def test_the_measurement_is_what_the_specification_says(genuine: Load) -> None:
    vector = genuine("tdx-v4-uptodate")
    body = vector.quote[48 : 48 + 584]
    parts = [b"CyberPrivacy-Measurement/1", b"tdx"]
    parts += [body[at : at + 48] for at in (0x88, 0xB8, 0xE8, 0x118, 0x148, 0x178, 0x1A8, 0x1D8)]
    expected = sha256(b"".join(length_prefixed(part) for part in parts)).digest()
    assert vector.judged().measurement == expected
    assert TdxVerifier().measurement(vector.evidence) == expected


def test_the_identity_is_the_hash_of_the_signed_region(genuine: Load) -> None:
    for name, size in (("tdx-v4-uptodate", 48 + 584), ("tdx-v5-no-tcb-level", 54 + 648)):
        vector = genuine(name)
        assert vector.judged().identity == sha256(vector.quote[:size]).digest()


@pytest.mark.parametrize(
    ("days", "code"),
    [(30, "tdx.collateral-expired"), (400, "tdx.collateral-expired"), (-30, "tdx.collateral-expired")],
)
def test_collateral_holds_for_a_month_and_not_before(genuine: Load, days: int, code: str) -> None:
    vector = genuine("tdx-v4-uptodate")
    found = TdxVerifier(TdxPolicy(evaluation=17)).judge(
        vector.evidence,
        binding=vector.report_data,
        roots={pck.INTEL_SGX_ROOT: Level.CONFIDENTIAL_VM},
        now=vector.now + days * 86_400,
    )
    assert wrong(found)["evidence.root"] == code


def test_a_root_that_nobody_trusts_gives_no_level(genuine: Load) -> None:
    vector = genuine("tdx-v4-uptodate")
    found = TdxVerifier().judge(vector.evidence, binding=vector.report_data, roots={}, now=vector.now)
    assert wrong(found)["evidence.root"] == "evidence.unknown-root"
    assert found.level is None


def test_a_root_is_worth_no_more_than_the_caller_says(genuine: Load) -> None:
    vector = genuine("tdx-v4-uptodate")
    roots = {pck.INTEL_SGX_ROOT: Level.OPERATOR_TRUSTED}
    found = TdxVerifier().judge(vector.evidence, binding=vector.report_data, roots=roots, now=vector.now)
    assert found.level is Level.OPERATOR_TRUSTED


def test_collateral_of_another_family_of_processors_is_refused(genuine: Load) -> None:
    old, new = json.loads(genuine("tdx-v4-uptodate").collateral), genuine("tdx-v5-no-tcb-level")
    there = json.loads(new.collateral)
    mixed = {**there, "tcb_info": old["tcb_info"], "tcb_info_signature": old["tcb_info_signature"]}
    found = new.judged(fields={"collateral": canonical.encode(mixed)})
    assert wrong(found) == {
        "evidence.key": "tdx.collateral-expired"
    }  # it is of 2025; `test_reasons` has one of today


def test_no_other_kind_is_judged(genuine: Load) -> None:
    found = TdxVerifier().judge(Evidence("tpm2", {}), binding=bytes(64), roots={}, now=0)
    assert found.checks[0].code == "evidence.form"
