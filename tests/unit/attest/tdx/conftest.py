import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cyberprivacy import canonical
from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.pck import INTEL_SGX_ROOT
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel

NOW = 1_800_000_000
DAYS = {
    "tdx-v4-uptodate": "2025-06-25",
    "tdx-v5-no-tcb-level": "2026-02-25",
    "tdx-v4-DEBUG-2023": "2023-06-30",
    "tdx-v4-ccel-rtmr": "2025-06-25",
}


@dataclass(frozen=True)
class Genuine:
    """A vector: evidence of real hardware, and the day on which the MANIFEST judges it."""

    folder: Path

    @property
    def quote(self) -> bytes:
        return (self.folder / "quote.bin").read_bytes()

    @property
    def collateral(self) -> str:
        return (self.folder / "collateral.json").read_text()

    @property
    def now(self) -> int:
        return int(datetime.fromisoformat(DAYS[self.folder.name]).replace(tzinfo=UTC).timestamp())

    @property
    def report_data(self) -> bytes:
        start = 48 + 520 if self.quote[0] == 4 else 54 + 520
        return self.quote[start : start + 64]

    @property
    def evidence(self) -> Evidence:
        fields = {"quote": self.quote}
        if (self.folder / "collateral.json").exists():
            fields["collateral"] = canonical.encode(json.loads(self.collateral))
        if (self.folder / "ccel_data.bin").exists():
            fields["log"] = (self.folder / "ccel_data.bin").read_bytes()
        return Evidence("tdx", fields)

    def judged(self, policy: TdxPolicy | None = None, *, fields: dict[str, bytes] | None = None) -> Findings:
        evidence = Evidence("tdx", {**self.evidence.fields, **(fields or {})})
        roots = {INTEL_SGX_ROOT: Level.CONFIDENTIAL_VM}
        return TdxVerifier(policy).judge(evidence, binding=self.report_data, roots=roots, now=self.now)


@pytest.fixture
def genuine(vectors: Path) -> Callable[[str], Genuine]:
    return lambda name: Genuine(vectors / "attestation" / name)


@pytest.fixture(scope="session")
def intel() -> PaperIntel:
    return PaperIntel.new(now=NOW)


@pytest.fixture(scope="session")
def td(intel: PaperIntel) -> PaperTd:
    return PaperTd.under(intel)
