import os
from pathlib import Path

import pytest

from cyberprivacy.testing.attested import World


@pytest.fixture
def world() -> World:
    return World.new()


@pytest.fixture
def vectors() -> Path:
    """Genuine evidence of real hardware, which the project does not copy."""
    named = os.environ.get("CYBERPRIVACY_VECTORS")
    beside = Path(__file__).resolve().parents[4] / "shared" / "vectors"
    folder = (Path(named) if named else beside) / "attestation"
    if folder.is_dir():
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail(f"no vectors at {folder}: set CYBERPRIVACY_VECTORS")
    pytest.skip(f"no vectors at {folder}: set CYBERPRIVACY_VECTORS to check against genuine evidence")
