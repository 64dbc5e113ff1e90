"""`cyberprivacy verify` asks vendors for what evidence lacks, and judges that like what came along."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cyberprivacy.attest.bare import EvidenceDocument, key_bound
from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.collateral.source import Source
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.cli import command_line, vendors
from cyberprivacy.cli import verify as command
from cyberprivacy.errors import TryLater
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeAmd, FakeChip
from cyberprivacy.testing.tdx import DAY, FMSPC, PaperIntel, stamp, tcb_info
from cyberprivacy.testing.vendors import FakeVendors

NOW = 1_800_000_000
BOUND = key_bound(sha256(b"key").digest(), bytes(32), since=NOW - 10, until=NOW + 600)


class Desk:
    """A user at a command line, with vendors on paper."""

    def __init__(self, folder: Path, made: FakeVendors) -> None:
        self.folder, self.vendors = folder, made

    def verify(self, evidence: Evidence, root: bytes, *options: str) -> Result:
        file = self.folder / "evidence.json"
        file.write_bytes(EvidenceDocument(BOUND, evidence).encode())
        words = ["verify", str(file), "--any-software", "--allow-development", f"sha256:{root.hex()}", *options]
        return CliRunner().invoke(command_line("verify"), [*words, "--json"])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with FakeVendors(tmp_path) as made:
        clock = StandingClock(NOW)
        pace = Pace(deadline=1.0, first=1.0, connect=1.0, silence=1.0, grace=0.2, rate=4096)

        def keeper(folder: Path, **_: object) -> Keeper:
            source = Source(authorities=made.authorities, clock=clock, sleep=clock.sleep, pace=pace)
            return Keeper(tmp_path / "cache", sources=made.sources, source=source, clock=clock, patience=5.0)

        monkeypatch.setattr(vendors, "Keeper", keeper)
        monkeypatch.setattr(command, "_now", lambda: NOW)
        monkeypatch.delenv("CYBERPRIVACY_DAO", raising=False)
        yield Desk(tmp_path, made)


@pytest.fixture(scope="module")
def intel() -> PaperIntel:
    return PaperIntel.new(now=NOW)


@pytest.fixture(scope="module")
def amd() -> FakeAmd:
    return FakeAmd.new(Product.TURIN, now=NOW)


def bare_quote(td: PaperTd) -> Evidence:
    return Evidence("tdx", {"quote": td.quote(BOUND.digest()).fields["quote"]})


def test_a_quote_alone_is_completed_and_accepted(desk: Desk, intel: PaperIntel) -> None:
    desk.vendors.publish_intel(intel, FMSPC)
    saved = desk.folder / "saved.json"
    result = desk.verify(bare_quote(PaperTd.under(intel)), intel.fingerprint, "--save", str(saved))
    assert result.exit_code == 0, result.output
    kept = EvidenceDocument.parse(saved.read_bytes())
    assert "collateral" in kept.evidence.fields
    assert desk.verify(kept.evidence, intel.fingerprint, "--offline").exit_code == 0


def test_a_report_alone_is_completed_and_accepted(desk: Desk, amd: FakeAmd) -> None:
    chip: FakeChip = amd.chip()
    desk.vendors.publish_chip(amd, chip)
    alone = Evidence("sev-snp", {"report": chip.quote(BOUND.digest()).fields["report"]})
    result = desk.verify(alone, amd.fingerprint)
    assert result.exit_code == 0, result.output


def test_what_nobody_asks_for_stays_missing(desk: Desk, intel: PaperIntel) -> None:
    desk.vendors.publish_intel(intel, FMSPC)
    result = desk.verify(bare_quote(PaperTd.under(intel)), intel.fingerprint, "--offline")
    assert result.exit_code == 1
    assert "tdx.collateral-missing" in {check["code"] for check in json.loads(result.stdout)["checks"]}
    assert not desk.vendors.asked


def test_tables_that_ended_are_renewed(desk: Desk, intel: PaperIntel) -> None:
    desk.vendors.publish_intel(intel, FMSPC)
    old = {"issueDate": stamp(NOW - 60 * DAY), "nextUpdate": stamp(NOW - 30 * DAY)}
    late = PaperTd.under(replace(intel, info=tcb_info(NOW, **old))).quote(BOUND.digest())
    assert desk.verify(late, intel.fingerprint, "--offline").exit_code == 1
    result = desk.verify(late, intel.fingerprint)
    assert result.exit_code == 0, result.output


def test_what_a_vendor_publishes_is_judged_like_what_came_along(desk: Desk, intel: PaperIntel) -> None:
    """Somebody answers in Intel's place, with tables of their own."""
    desk.vendors.publish_intel(PaperIntel.new(now=NOW), FMSPC)
    result = desk.verify(bare_quote(PaperTd.under(intel)), intel.fingerprint)
    assert result.exit_code == 1
    failed = {check["name"] for check in json.loads(result.stdout)["checks"] if check["verdict"] == "fail"}
    assert failed == {"evidence.root"}


def test_vendors_out_of_reach_are_no_verdict(desk: Desk, intel: PaperIntel) -> None:
    desk.vendors.faults[:] = [lambda asked, page: asked.answer(503, page)] * 40
    error = desk.verify(bare_quote(PaperTd.under(intel)), intel.fingerprint).exception
    assert isinstance(error, TryLater)
    assert error.code.startswith("collateral.")
