"""The specification names every check, every code and every tag that the code knows."""

import re
from pathlib import Path

import pytest

from cyberprivacy.attest import bootlog, enrolment, eventlog, evidence, policy, report, statement
from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, HARDWARE_ID
from cyberprivacy.attest.quote import AK_PURPOSE
from cyberprivacy.attest.snp import policyfile
from cyberprivacy.attest.snp.chain import PINS
from cyberprivacy.attest.snp.report import Platform
from cyberprivacy.attest.verify import CHECKS

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "spec" / "attestation.md").read_text()
ATTEST = PROJECT / "src" / "cyberprivacy" / "attest"
SOURCES = [*(ATTEST / f"{name}.py" for name in ("verify", "chaincheck", "quote")), *(ATTEST / "snp").glob("*.py")]


def codes() -> set[str]:
    """Every reason code that the verifier's sources spell out."""
    families = "attestation|tls|snp|evidence|node|statement|chain|os|release|level|offline"
    text = "".join(source.read_text() for source in SOURCES)
    return set(re.findall(rf'"((?:{families})\.[a-z-]+)"', text))


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_its_row(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_code_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE


def test_the_rows_are_in_the_order_of_the_report() -> None:
    places = [PAGE.index(f"| `{name}` |") for name in CHECKS]
    assert places == sorted(places)


def test_every_tag_and_identifier_is_registered() -> None:
    tags = (
        evidence.EVIDENCE_TAG,
        statement.STATEMENT_TAG,
        eventlog.EVENT_TAG,
        eventlog.MEASUREMENT_TAG,
        enrolment.ENROLMENT_TAG,
    )
    for tag in tags:
        assert f"| `{tag.decode()}` |" in PAGE
    assert DEVELOPMENT_MARK.dotted_string in PAGE
    assert HARDWARE_ID.dotted_string == f"{DEVELOPMENT_MARK.dotted_string}.1"
    assert AK_PURPOSE in PAGE
    assert enrolment.EK_PURPOSE in PAGE
    assert report.SCHEMA in PAGE
    assert all(f"`{code}`" in PAGE for code in report.HARMLESS)


def test_the_example_of_a_policy_is_one() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert policy.parse(example.encode()).laps == {"review": 604800, "vote": 259200, "deployment": 172800}


def test_the_pins_of_amds_roots_are_named() -> None:
    for product, pin in PINS.items():
        assert f"| {product.value} | `{pin.hex()}` |" in PAGE


def test_every_bit_and_field_of_an_snp_policy_is_named() -> None:
    bits = {(flag.name or "").lower().replace("_", "-") for flag in Platform}
    assert all(f"`{name}`" in PAGE for name in bits)
    assert all(f"| `{name}` |" in PAGE for name in policyfile.FIELDS)


def test_every_level_is_explained() -> None:
    assert all(f"| `{level.label}` |" in PAGE for level in report.Level)


def test_every_code_and_field_of_an_enrolment_is_named() -> None:
    said = "".join((ATTEST / f"{name}.py").read_text() for name in ("enrolment", "tpmenrolment", "authority"))
    codes = set(re.findall(r'code(?:: str)? ?= ?"((?:enrolment|tpm2)\.[a-z-]+)"', said)) - {"enrolment.refused"}
    assert len(codes) > 10
    assert all(
        f"`{code}`" in PAGE for code in codes - {"enrolment.no-certificate"}
    )  # said to the machine's operator
    assert all(f"| `{name}` |" in PAGE for name in enrolment._REQUEST | enrolment._ANSWER)


def test_the_measurement_of_a_start_is_written_out() -> None:
    assert f'LP("{bootlog.BOOT_TAG.decode()}") || for pcr in {bootlog.STARTED}:' in PAGE
    for limit in (bootlog.LIMITS.log >> 10, bootlog.LIMITS.events, bootlog.LIMITS.event >> 10):
        assert str(limit) in PAGE
