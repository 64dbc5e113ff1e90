"""A town for a release that goes through engines of somebody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from elsewhere import Elsewhere, started

from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import Town

PROJECT = Path(__file__).resolve().parents[2]
ANVIL = PROJECT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
DEBS = Path.home() / ".cache/cyberprivacy/debs"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A town with a DAO; no node yet."""
    with Town(tmp_path_factory.mktemp("town"), ANVIL) as town:
        it = Story(town, PROJECT / "examples", cache=DEBS)
        it.found()
        yield it


@pytest.fixture(scope="module")
def elsewhere(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """The engines; whoever asked them for what they do not offer is found out at the end."""
    with started(story, tmp_path_factory.mktemp("elsewhere")) as engines:
        yield engines
