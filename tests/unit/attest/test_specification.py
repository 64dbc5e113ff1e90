"""The specification names every check, every code and every tag that the code knows."""

import json
import re
from pathlib import Path

import pytest

from cyberprivacy.attest import bootlog, enrolment, evidence, policy, report
from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, HARDWARE_ID
from cyberprivacy.attest.judge import BARE_CHECKS, VERIFIERS
from cyberprivacy.attest.quote import AK_PURPOSE
from cyberprivacy.attest.snp import policyfile
from cyberprivacy.attest.snp.chain import PINS
from cyberprivacy.attest.snp.report import Platform
from cyberprivacy.attest.tdx import policyfile as tdxfile
from cyberprivacy.attest.verify import CHECKS

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "spec" / "attestation.md").read_text()
ATTEST = PROJECT / "src" / "cyberprivacy" / "attest"
SOURCES = [
    *(ATTEST / f"{name}.py" for name in ("verify", "judge", "chaincheck", "quote")),
    *(ATTEST / "snp").glob("*.py"),
]


def codes() -> set[str]:
    """Every reason code that the verifier's sources spell out."""
    families = "attestation|bare|bound|hardware|tls|snp|evidence|node|statement|chain|os|release|level|offline"
    text = "".join(source.read_text() for source in SOURCES)
    return set(re.findall(rf'"((?:{families})\.[a-z-]+)"', text)) - set(BARE_CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_its_row(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_code_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE


def test_the_rows_are_in_the_order_of_the_report() -> None:
    places = [PAGE.index(f"| `{name}` |") for name in CHECKS]
    assert places == sorted(places)


def sources() -> str:
    """All of the program but its fakes."""
    package = PROJECT / "src" / "cyberprivacy"
    files = (path for path in package.rglob("*.py") if path.parent.name != "testing")
    return "\n".join(path.read_text() for path in files)


def rows_of(heading: str) -> set[str]:
    """What stands in backquotes in the first column of the table under a heading."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
    cells = (line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_registry_has_the_domain_tags_that_the_program_uses_and_no_others() -> None:
    used = set(re.findall(r'b"(CyberPrivacy-[A-Za-z0-9-]+/[0-9]+)"', sources()))
    assert evidence.EVIDENCE_TAG.decode() in used
    assert rows_of("Domain tags") == used
    assert not re.search(r"b[\"']CyberPrivacy-(?![A-Za-z0-9-]+/[0-9]+\")", sources())


def test_the_registry_has_the_object_identifiers_that_the_program_uses_and_no_others() -> None:
    used = set(re.findall(r'f?"([0-2](?:\.[0-9]+){3,})\.?[^"]*"', _attest_sources()))
    listed = rows_of("Object identifiers")
    assert DEVELOPMENT_MARK.dotted_string in listed
    assert HARDWARE_ID.dotted_string == f"{DEVELOPMENT_MARK.dotted_string}.1"
    assert {AK_PURPOSE, enrolment.EK_PURPOSE, HARDWARE_ID.dotted_string} <= listed
    assert all(oid in listed for oid in used)
    assert all(oid in _attest_sources() for oid in listed - {HARDWARE_ID.dotted_string})


def _attest_sources() -> str:
    return "\n".join(path.read_text() for path in ATTEST.rglob("*.py"))


def test_words_of_reports_are_explained() -> None:
    assert report.SCHEMA in PAGE
    assert all(f"`{code}`" in PAGE for code in report.HARMLESS | report.UNSUPPORTED | report.MALFORMED)
    assert all(f"`{answer.value}`" in PAGE for answer in report.Answer)


@pytest.mark.parametrize("name", BARE_CHECKS)
def test_every_check_of_bare_evidence_has_its_row(name: str) -> None:
    assert f"| `{name}` |" in PAGE


def test_every_field_of_a_policy_file_is_in_the_example() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(example).keys() == policy.FIELDS
    assert all(f"| `{name}` |" in PAGE for name in tdxfile.FIELDS)


def test_the_page_of_limits_speaks_of_every_kind_and_is_linked() -> None:
    limits = (PROJECT / "docs" / "limits.md").read_text()
    assert all(f"## `{kind}`" in limits for kind in VERIFIERS)
    for page in ("README.md", "docs/threat-model.md", "docs/spec/attestation.md"):
        assert "limits.md)" in (PROJECT / page).read_text()
    assert all(f"`{code}`" in PAGE for code in re.findall(r"`((?:snp|tdx)\.[a-z-]+)`", limits))


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
