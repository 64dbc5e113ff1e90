from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.collateral.source import Source
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeAmd
from cyberprivacy.testing.tdx import FMSPC, PaperIntel
from cyberprivacy.testing.vendors import FakeVendors

NOW = 1_800_000_000


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture(scope="session")
def amds() -> dict[Product, FakeAmd]:
    return {product: FakeAmd.new(product, now=NOW) for product in Product}


@pytest.fixture(scope="session")
def intel() -> PaperIntel:
    return PaperIntel.new(now=NOW)


@pytest.fixture(scope="session")
def td(intel: PaperIntel) -> PaperTd:
    return PaperTd.under(intel)


@pytest.fixture
def vendors(tmp_path: Path, intel: PaperIntel) -> Iterator[FakeVendors]:
    with FakeVendors(tmp_path) as made:
        made.publish_intel(intel, FMSPC)
        yield made


@pytest.fixture
def keeper(vendors: FakeVendors, clock: StandingClock, tmp_path: Path) -> Callable[[], Keeper]:
    """Each one as if in a process of its own; they share the folder."""

    def make() -> Keeper:
        pace = Pace(deadline=1.0, first=1.0, connect=1.0, silence=1.0, grace=0.2, rate=4096)
        source = Source(
            authorities=vendors.authorities, clock=clock, sleep=clock.sleep, jitter=lambda: 0.5, pace=pace
        )
        return Keeper(tmp_path / "cache", sources=vendors.sources, source=source, clock=clock)

    return make
