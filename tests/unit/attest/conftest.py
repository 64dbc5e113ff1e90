import importlib.util
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.testing.attested import World


@pytest.fixture
def world() -> World:
    return World.new()


@pytest.fixture(scope="session")
def law() -> Any:
    """The chain harness of the proposal tests: a DAO of three members whose time obeys the test."""
    path = Path(__file__).parents[1] / "proposal" / "conftest.py"
    spec = importlib.util.spec_from_file_location("proposal_harness", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.ANVIL.exists():
        pytest.fail("anvil is missing: run `npm ci --ignore-scripts` in contracts/")
    return module
