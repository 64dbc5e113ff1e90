"""A town for a release that goes through engines of somebody else's."""

from collections.abc import Iterator

import pytest
from elsewhere import Elsewhere, started

from cyberprivacy.testing.checkout import founded
from cyberprivacy.testing.story import Story


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A town with a DAO; no node yet."""
    with founded(tmp_path_factory.mktemp("town")) as story:
        yield story


@pytest.fixture(scope="module")
def elsewhere(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """The engines; whoever asked them for what they do not offer is found out at the end."""
    with started(story, tmp_path_factory.mktemp("elsewhere")) as engines:
        yield engines
