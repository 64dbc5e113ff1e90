from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.proposal.anvil import EmbeddedChain

ANVIL = Path(__file__).parents[3] / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


@pytest.fixture(scope="session")
def anvil() -> Path:
    if not ANVIL.exists():
        pytest.fail("anvil is missing: run `npm ci --ignore-scripts` in contracts/")
    return ANVIL


@pytest.fixture(scope="module")
def embedded(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    """A chain that makes a block for each transaction, so that tests decide what time it is."""
    with EmbeddedChain(anvil, tmp_path_factory.mktemp("chain"), block_time=None) as chain:
        yield chain
