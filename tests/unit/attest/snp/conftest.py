"""Fake AMD's authorities, one for each product, and a judge who trusts them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.testing.snp import FakeAmd, FakeChip

NOW = 1_800_000_000
BINDING = bytes(range(64))


@dataclass(frozen=True, kw_only=True)
class Court:
    """What a verdict on SNP evidence depends on, and everything right."""

    amds: Mapping[Product, FakeAmd]
    roots: Mapping[bytes, Level]
    policy: Mapping[str, Any] = field(default_factory=dict)
    now: int = NOW
    binding: bytes = BINDING

    def amd(self, product: Product = Product.GENOA) -> FakeAmd:
        return self.amds[product]

    def chip(self, product: Product = Product.GENOA, **how: Any) -> FakeChip:
        return self.amds[product].chip(**how)

    def judge(self, evidence: Evidence | FakeChip, *, now: int | None = None, **policy: Any) -> Findings:
        """The findings on this evidence, or on what this chip quotes."""
        quoted = evidence.quote(self.binding) if isinstance(evidence, FakeChip) else evidence
        verifier = SnpVerifier(SnpPolicy(**{**self.policy, **policy}))
        at = self.now if now is None else now
        return verifier.judge(quoted, binding=self.binding, roots=self.roots, now=at)

    def codes(self, evidence: Evidence | FakeChip, *, now: int | None = None, **policy: Any) -> list[str]:
        """Reason codes of what is wrong, without what could not be judged for that."""
        checks = self.judge(evidence, now=now, **policy).checks
        return [check.code for check in checks if check.code != "ok" and not check.code.startswith("needs.")]


@pytest.fixture(scope="session")
def court() -> Court:
    amds = {product: FakeAmd.new(product, now=NOW) for product in Product}
    return Court(amds=amds, roots={amd.fingerprint: Level.DEVELOPMENT for amd in amds.values()})
