import pytest

from cyberprivacy.testing.attested import World


@pytest.fixture
def world() -> World:
    return World.new()
