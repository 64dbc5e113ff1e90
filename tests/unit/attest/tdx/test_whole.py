"""A whole attestation, judged by the verifier that users run: the evidence in it is of kind "tdx"."""

from dataclasses import replace

import pytest
from tdxcases import EVENTS

from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.measured import measurement
from cyberprivacy.attest.tdx.quote import TdReport
from cyberprivacy.testing.attested import NOW, World, chain_facts
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel


@pytest.fixture(scope="module")
def intel() -> PaperIntel:
    return PaperIntel.new(now=NOW)


def world(td: PaperTd) -> World:
    """A node in a TD, whose measurement the chain has accepted."""
    made = World.new()
    measured = measurement(TdReport.split(td.quote(bytes(64)).fields["quote"])[0])
    return replace(
        made,
        attester=td,
        facts=chain_facts(made.key.id, measured),
        policy=Policy().allowing_development(td.intel.fingerprint),
    )


def test_a_node_in_a_td_is_accepted_for_what_its_root_is_worth(intel: PaperIntel) -> None:
    report = world(PaperTd.under(intel).having(EVENTS)).report()
    assert report.failures == ()
    assert report.accepted
    assert report.level is Level.DEVELOPMENT
    assert report.facts["kind"] == "tdx"
    assert report.facts["tdx_status"] == "UpToDate"


def test_the_root_must_be_named(intel: PaperIntel) -> None:
    report = replace(world(PaperTd.under(intel)), policy=Policy()).report()
    assert [check.code for check in report.failures] == ["evidence.development-root"]


def test_other_software_is_not_accepted(intel: PaperIntel) -> None:
    honest = PaperTd.under(intel)
    changed = replace(world(honest), attester=replace(honest, mrtd=b"\1" * 48))
    assert "os.not-accepted" in [check.code for check in changed.report().failures]


def test_a_debug_td_is_not_accepted(intel: PaperIntel) -> None:
    report = world(replace(PaperTd.under(intel), attributes=1 << 28 | 1)).report()
    assert [check.code for check in report.failures] == ["tdx.debug"]
    assert report.level is None
