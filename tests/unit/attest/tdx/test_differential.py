"""Another implementation judges the same evidence: dcap-qvl, in Rust.

It answers with a status where we have a policy, and does not look at bindings, logs or what a TD may do beyond
debugging. So we may refuse more than it does, for reasons that stand in a list here; we never accept more.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dcap_qvl
import pytest
from tdxcases import BINDING, CASES, EVENTS, judged, wrong

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.tdx.quote import TdReport
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel

STRICTER = {
    "an unknown field": "the envelope is ours",
    "certificates twice": "the envelope is ours",
    "a log that is none": "the log is ours to judge",
    "a log of other events": "the log is ours to judge",
    "tables of an older round": "our policy",
    "an identity of an older round": "our policy",
    "another machine": "our policy",
    "a TD with an unknown feature": "our policy",
    "a TD without SSE": "our policy",
    "a partition": "our policy: it reads these fields and says nothing of them",
    "a service TD of today": "our policy: it reads these fields and says nothing of them",
    "a huge quote": "it reads what it needs, and ignores how much follows",
    "text after the quote": "it reads what it needs, and ignores what follows",
    "a list of tomorrow": "it does not look at when a list of revoked certificates begins",
    "tables signed by a platform": "it does not look at the roles of certificates, only at the root",
    "tables of another enclave": "it does not compare the PCE id",
}
"""What we refuse and dcap-qvl calls up to date, as it stood at 0.7.0, and why."""


@pytest.fixture(scope="module")
def twin(td: PaperTd) -> PaperTd:
    """The same machine, under the same root without the mark of development, which dcap-qvl refuses as unknown."""
    return replace(td, intel=td.intel.unmarked())


def theirs(evidence: Evidence, intel: PaperIntel, now: int) -> str:
    """The status that dcap-qvl finds; "" when it refuses."""
    try:
        collateral = dcap_qvl.QuoteCollateralV3.from_json(evidence.fields["collateral"].decode())
        found = dcap_qvl.verify_with_root_ca(evidence.fields["quote"], collateral, intel.root.der, now)
    except (ValueError, KeyError):
        return ""
    return str(found.status)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.trust])
def test_what_we_refuse_it_refuses_or_the_reason_is_ours_alone(name: str, td: PaperTd, twin: PaperTd) -> None:
    case = CASES[name]
    made, other = case.td(td), case.td(twin)
    found = judged(case.evidence(made.quote(BINDING)), made.intel, case.policy, now=case.now)
    assert wrong(found)
    said = theirs(case.evidence(other.quote(BINDING)), other.intel, case.now)
    assert (said == "UpToDate") == (name in STRICTER)
    if case.code == "tdx.tcb-status":
        assert said in {found.facts["tdx_status"], ""}  # "": it refuses what is revoked outright


@pytest.mark.parametrize(
    "form", [{}, {"version": 5}, {"version": 5, "body_type": 3}, {"version": 5, "body_type": 4}]
)
def test_both_accept_every_form_of_quote(form: dict[str, int], td: PaperTd, twin: PaperTd) -> None:
    ours, other = (replace(each, **form).having(EVENTS).quote(BINDING) for each in (td, twin))
    assert wrong(judged(ours, td.intel)) == {}
    assert theirs(other, twin.intel, twin.intel.now) == "UpToDate"


def test_both_read_the_same_out_of_every_form(td: PaperTd) -> None:
    names = {
        "mr_td": "mrtd",
        "mr_seam": "seam",
        "mr_signer_seam": "seam_signer",
        "mr_config_id": "config_id",
        "mr_owner": "owner",
        "mr_owner_config": "owner_config",
        "report_data": "report_data",
        "tee_tcb_svn": "tee_tcb_svn",
        "mr_service_td": "service_td",
    }
    companions = bytes(range(237))
    service = b"\7" * 48
    for form in ({"body_type": 2}, {"body_type": 3}, {"body_type": 4, "companions": companions}):
        made = replace(td, version=5, service_td=service, config_id=b"\5" * 48, **form).having(EVENTS)
        quote = made.quote(BINDING).fields["quote"]
        ours, other = TdReport.split(quote)[0], dcap_qvl.parse_quote(quote).report
        for their_name, our_name in names.items():
            if hasattr(other, their_name):
                assert getattr(other, their_name) == getattr(ours, our_name), their_name
        assert tuple(getattr(other, f"rt_mr{number}") for number in range(4)) == ours.rtmrs
    parts = ("dev_info", "init_service_td_hash", "init_service_td_attributes")
    today = ("cur_service_td_hash", "cur_service_td_attributes")
    told = b"".join(getattr(other, name) for name in (*parts, *today))
    assert ours.companions == bytes((other.vmid,)) + told


@pytest.mark.parametrize(
    ("name", "said"), [("tdx-v4-uptodate", "UpToDate"), ("tdx-v5-no-tcb-level", ""), ("tdx-v4-DEBUG-2023", "")]
)
def test_it_says_the_same_of_genuine_quotes(name: str, said: str, genuine: Callable[[str], Any]) -> None:
    vector = genuine(name)
    collateral = dcap_qvl.QuoteCollateralV3.from_json(vector.collateral)
    accepted = not wrong(vector.judged(TdxPolicy(evaluation=15)))
    if said:
        assert accepted
        assert dcap_qvl.verify(vector.quote, collateral, vector.now).status == said
    else:
        assert not accepted
        with pytest.raises(ValueError, match=r"TCB|[Dd]ebug"):
            dcap_qvl.verify(vector.quote, collateral, vector.now)
