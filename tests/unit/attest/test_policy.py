import json
import re
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.attest.policy import BadPolicy, Policy, parse
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.chain import PINS
from cyberprivacy.attest.tdx.pck import INTEL_SGX_ROOT
from cyberprivacy.attest.tdx.policy import Status, TdxPolicy
from cyberprivacy.attest.vendors import PROCESSORS
from cyberprivacy.testing.attested import FACTORY

FULL = {
    "v": 1,
    "least": "measured-boot",
    "age": 60,
    "chain_age": 600,
    "skew": 5,
    "laps": {"review": 604800, "vote": 259200},
    "roots": {"sha256:" + "ab" * 32: "measured-boot"},
    "measurements": ["sha256:" + "cd" * 32],
    "factories": [FACTORY],
}


def test_a_policy_says_what_its_file_says() -> None:
    assert parse(json.dumps(FULL).encode()) == Policy(
        roots={**PROCESSORS, b"\xab" * 32: Level.MEASURED_BOOT},
        least=Level.MEASURED_BOOT,
        age=60,
        chain_age=600,
        skew=5,
        laps={"review": 604800, "vote": 259200, "deployment": 0},
        measurements=frozenset({b"\xcd" * 32}),
        factories=frozenset({FACTORY}),
    )


def test_an_empty_policy_file_is_the_default() -> None:
    default = parse(b'{"v":1}')
    assert (default.least, default.roots, default.age) == (Level.OPERATOR_TRUSTED, PROCESSORS, Policy().age)
    assert set(default.laps.values()) == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"extra": 1},
        {"least": "best"},
        {"age": 0},
        {"age": "60"},
        {"age": True},
        {"laps": {"emergency": 1}},
        {"laps": {"vote": -1}},
        {"laps": None},
        {"roots": {"ab": "measured-boot"}},
        {"roots": {"sha256:" + "AB" * 32: "measured-boot"}},
        {"roots": {"sha256:" + "ab" * 32: "development"}},
        {"measurements": "all"},
        {"measurements": [1]},
        {"measurements": {"sha256:" + "cd" * 32: "two\nlines"}},
        {"measurements": {"cd": "Privacy OS"}},
        {"factories": None},
        {"factories": [FACTORY.lower()]},
        {"factories": [FACTORY[:-1]]},
        {"factories": [FACTORY] * 17},
        {"vendors": "no"},
        {"evidence_age": 0},
        {"hardware": ["tdx:" + "0" * 31]},
        {"hardware": ["sgx:" + "0" * 32]},
        {"hardware": [1]},
        {"tdx": []},
        {"tdx": {"statuses": ["Revoked"]}},
        {"tdx": {"statuses": ["Fine"]}},
        {"tdx": {"evaluation": -1}},
        {"tdx": {"attributes": "0x1"}},
        {"tdx": {"optional_attributes": "0x80"}},
        {"tdx": {"attributes": 268435456}},
        {"tdx": {"attributes": "0x00000000000000001"}},
        {"tdx": {"features": "0x8000000000000000"}},
        {"tdx": {"service_tds": ["00"]}},
        {"tdx": {"platforms": "all"}},
        {"tdx": {"chips": None}},
    ],
    ids=repr,
)
def test_a_policy_of_another_form_is_misuse(change: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy):
        parse(json.dumps({**FULL, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"v":1,"v":1}', b" " * 100_000, b"\xff"], ids=repr)
def test_bytes_that_are_no_policy_are_misuse(data: bytes) -> None:
    with pytest.raises(BadPolicy):
        parse(data)


def test_a_development_root_is_let_in_by_hand_only() -> None:
    allowed = Policy().allowing_development(b"r" * 32)
    assert (allowed.least, allowed.roots[b"r" * 32]) == (Level.DEVELOPMENT, Level.DEVELOPMENT)
    assert b"r" * 32 not in Policy().roots


def test_processor_vendors_are_trusted_without_being_named() -> None:
    assert Policy().roots == dict.fromkeys((*PINS.values(), INTEL_SGX_ROOT), Level.CONFIDENTIAL_VM)


def test_a_policy_adds_to_the_vendors_or_replaces_them() -> None:
    own = {"roots": {"sha256:" + "ab" * 32: "measured-boot"}}
    assert parse(json.dumps({"v": 1, **own}).encode()).roots == {**PROCESSORS, b"\xab" * 32: Level.MEASURED_BOOT}
    alone = parse(json.dumps({"v": 1, "vendors": False, **own}).encode())
    assert alone.roots == {b"\xab" * 32: Level.MEASURED_BOOT}


def test_no_processor_vendor_vouches_for_a_tpm() -> None:
    policy = Policy(roots={**PROCESSORS, b"t" * 32: Level.MEASURED_BOOT})
    assert policy.roots_for("tpm2") == {b"t" * 32: Level.MEASURED_BOOT}
    assert policy.roots_for("sev-snp") == policy.roots_for("tdx") == policy.roots


def test_measurements_may_have_names() -> None:
    policy = parse(json.dumps({"v": 1, "measurements": {"sha256:" + "cd" * 32: "Privacy OS 1.2"}}).encode())
    assert (policy.measurements, policy.names) == ({b"\xcd" * 32}, {b"\xcd" * 32: "Privacy OS 1.2"})


def test_hardware_is_named_by_kind() -> None:
    named = ["sev-snp:" + "a" * 128, "tdx:" + "b" * 32, "tpm2:" + "c" * 64]
    assert parse(json.dumps({"v": 1, "hardware": named}).encode()).hardware == frozenset(named)
    assert parse(b'{"v":1}').hardware is None


def test_a_tdx_policy_says_what_its_object_says() -> None:
    said = {
        "statuses": ["UpToDate", "SWHardeningNeeded"],
        "evaluation": 20,
        "attributes": "0x50000000",
        "optional_attributes": "0x8000000000000000",
        "features": "0x602e7",
        "service_tds": ["ab" * 48],
        "platforms": ["cd" * 16],
    }
    assert parse(json.dumps({"v": 1, "tdx": said}).encode()).tdx == TdxPolicy(
        statuses=frozenset({Status.UP_TO_DATE, Status.HARDENING_NEEDED}),
        evaluation=20,
        attributes=0x50000000,
        optional_attributes=1 << 63,
        features=0x602E7,
        service_tds=frozenset({b"\xab" * 48}),
        platforms=frozenset({b"\xcd" * 16}),
    )
    assert parse(b'{"v":1}').tdx == TdxPolicy()


def test_the_example_of_the_how_to_is_a_policy() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "verify-evidence.md"
    (example,) = re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    assert list(parse(example.encode()).names.values()) == ["backup service 3.1"]
