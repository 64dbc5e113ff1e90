"""One thing wrong, one reason code."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tdxcases import BINDING, CASES, EVENTS, NOW, judged, status, vendor, wrong

from cyberprivacy.attest.evidence import EVIDENCE_CHECKS
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.policy import STATUSES, Status, TdxPolicy
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel, qe_identity, svn_level, tcb_info, tcb_level


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_has_its_own_reason(name: str, td: PaperTd) -> None:
    case = CASES[name]
    made = case.td(td)
    found = judged(case.evidence(made.quote(BINDING)), made.intel, case.policy, now=case.now, trust=case.trust)
    codes = wrong(found)
    assert codes.pop(case.check) == case.code
    assert all(code.startswith("needs.") for code in codes.values())


def test_evidence_for_another_binding_is_refused(td: PaperTd, intel: PaperIntel) -> None:
    found = judged(td.quote(BINDING[:-1] + b"\0"), intel)
    assert wrong(found) == {"evidence.binding": "evidence.other-binding"}


def test_an_unmarked_root_that_is_not_intels_is_refused_even_when_it_is_named() -> None:
    forger = PaperIntel.new(now=NOW, marked=False)
    found = judged(PaperTd.under(forger).quote(BINDING), forger)
    assert wrong(found) == {"evidence.root": "evidence.unknown-root"}
    assert found.level is None


@pytest.mark.parametrize(
    "form", [{}, {"version": 5}, {"version": 5, "body_type": 3}, {"version": 5, "body_type": 4}]
)
@pytest.mark.parametrize("inside", [True, False])
def test_every_form_of_quote_is_accepted_for_what_its_root_is_worth(
    form: dict[str, int], inside: bool, td: PaperTd, intel: PaperIntel
) -> None:
    found = judged(replace(td, **form, inside=inside).having(EVENTS).quote(BINDING), intel)
    assert wrong(found) == {}
    assert found.level is Level.DEVELOPMENT


def test_kernels_may_fill_a_quotes_buffer_with_zeros(td: PaperTd, intel: PaperIntel) -> None:
    assert wrong(judged(replace(td, trailing=bytes(3065)).quote(BINDING), intel)) == {}


def test_what_the_policy_allows_by_name_is_accepted(td: PaperTd, intel: PaperIntel) -> None:
    service = b"\1" * 48
    bent_td = replace(td, version=5, body_type=3, service_td=service, attributes=1 << 28 | 1 << 30)
    policy = TdxPolicy(service_tds=frozenset({service}), optional_attributes=1 << 30)
    assert wrong(judged(bent_td.quote(BINDING), intel, policy)) == {}
    hardening = TdxPolicy(statuses=frozenset({Status.UP_TO_DATE, Status.HARDENING_NEEDED}))
    made = status("SWHardeningNeeded")(td)
    assert wrong(judged(made.quote(BINDING), intel, hardening)) == {}


def test_advisories_of_every_part_are_told(td: PaperTd) -> None:
    level = {**tcb_level("SWHardeningNeeded"), "advisoryIDs": ["INTEL-SA-00001"]}
    qe = qe_identity(NOW, tcbLevels=[svn_level(4, "OutOfDate", "INTEL-SA-00002", "INTEL-SA-00001")])
    made = vendor(info=tcb_info(NOW, tcbLevels=[level]), qe=qe)(td)
    facts = judged(made.quote(BINDING), made.intel).facts
    assert facts["tdx_status"] == "OutOfDate"
    assert facts["tdx_advisories"] == "INTEL-SA-00001 INTEL-SA-00002"


def test_levels_are_taken_by_height_and_not_by_their_order(td: PaperTd) -> None:
    low = tcb_level("OutOfDate", sgx=(0,) * 16, tdx=(0,) * 16, pce=0)
    made = vendor(info=tcb_info(NOW, tcbLevels=[low, tcb_level()]))(td)
    assert wrong(judged(made.quote(BINDING), made.intel)) == {}


def test_a_module_without_a_version_is_judged_by_all_its_svns(td: PaperTd) -> None:
    old = bytes((3, 0, 5, *[0] * 13))
    exact = vendor(info=tcb_info(NOW, tcbLevels=[tcb_level(tdx=tuple(old))]))(replace(td, tee_tcb_svn=old))
    assert wrong(judged(exact.quote(BINDING), exact.intel)) == {}
    higher = vendor(info=tcb_info(NOW, tcbLevels=[tcb_level(tdx=(4, *old[1:]))]))(replace(td, tee_tcb_svn=old))
    assert wrong(judged(higher.quote(BINDING), higher.intel)) == {"evidence.key": "tdx.no-tcb-level"}


def test_a_table_that_names_a_module_twice_is_refused(td: PaperTd) -> None:
    (known,) = tcb_info(NOW)["tdxModuleIdentities"]
    made = vendor(info=tcb_info(NOW, tdxModuleIdentities=[known, known]))(td)
    assert wrong(judged(made.quote(BINDING), made.intel)) == {"evidence.key": "tdx.collateral-form"}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("UpToDate", "OutOfDate", "OutOfDate"),
        ("SWHardeningNeeded", "OutOfDate", "OutOfDate"),
        ("ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"),
        ("ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"),
        ("SWHardeningNeeded", "UpToDate", "SWHardeningNeeded"),
        ("OutOfDate", "UpToDate", "OutOfDate"),
        ("OutOfDateConfigurationNeeded", "Revoked", "Revoked"),
        ("UpToDate", "Revoked", "Revoked"),
    ],
)
def test_the_worse_status_wins(one: str, other: str, both: str) -> None:
    assert STATUSES[one].with_part(STATUSES[other]).label == both


def test_no_policy_accepts_what_is_revoked_or_debuggable() -> None:
    with pytest.raises(Misuse):
        TdxPolicy(statuses=frozenset({Status.REVOKED}))
    with pytest.raises(Misuse):
        TdxPolicy(optional_attributes=1)


def test_every_code_of_the_sources_has_a_case() -> None:
    sources = (Path(__file__).parents[4] / "src" / "cyberprivacy" / "attest" / "tdx").glob("*.py")
    text = "".join(source.read_text() for source in sources)
    codes = set(re.findall(r'"((?:tdx|evidence)\.[a-z-]+)"', text)) - set(EVIDENCE_CHECKS)
    codes |= {"evidence.signature", "evidence.form", "evidence.chain"}
    tested = {case.code for case in CASES.values()} | {"evidence.other-binding", "evidence.unknown-root"}
    assert codes == tested


def test_certificates_may_stand_beside_the_quote(td: PaperTd, intel: PaperIntel) -> None:
    evidence = replace(td, inside=False).quote(BINDING)
    assert evidence.fields["certificates"].startswith(td.pck.certificate.public_bytes(Encoding.DER))
    assert wrong(judged(evidence, intel)) == {}
