"""The specification names every code, and every number that a second implementation needs."""

from pathlib import Path

import pytest
from tdxcases import CASES

from cyberprivacy.attest.eventlog import MEASUREMENT_TAG
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS
from cyberprivacy.attest.tdx import pck, platform, quote
from cyberprivacy.attest.tdx.collateral import FIELDS
from cyberprivacy.attest.tdx.policy import KNOWN_FEATURES, TdxPolicy

PAGE = (Path(__file__).parents[4] / "docs" / "spec" / "attestation.md").read_text()
SECTION = PAGE.partition("## Evidence of kind `tdx`")[2].partition("\n## ")[0]
ROWS = {
    name: line for line in SECTION.splitlines() for name in EVIDENCE_CHECKS if line.startswith(f"- `{name}`: ")
}


@pytest.mark.parametrize(("check", "code"), sorted({(case.check, case.code) for case in CASES.values()}))
def test_every_code_stands_in_the_row_of_its_check(check: str, code: str) -> None:
    assert f"`{code}`" in ROWS[check]


def test_every_check_has_its_row() -> None:
    assert tuple(ROWS) == EVIDENCE_CHECKS


def test_numbers_and_names_are_those_of_the_code() -> None:
    assert pck.INTEL_SGX_ROOT.hex() in SECTION
    assert quote.INTEL_QE.hex() in SECTION
    assert platform.SGX_EXTENSIONS in SECTION
    assert hex(KNOWN_FEATURES) in SECTION
    assert f"evaluation number at least {TdxPolicy().evaluation}" in SECTION
    assert MEASUREMENT_TAG.decode() in SECTION
    assert all(f"`{name}`" in SECTION for name in FIELDS)
    assert all(f"{kind} (" in SECTION and str(size) in SECTION for kind, size in quote.BODY_SIZES.items())
    roles = [role for roles in (pck.PCK_ROLES, pck.TCB_ROLES) for names in roles for role in names]
    assert all(f"`{role}`" in SECTION for role in roles)
