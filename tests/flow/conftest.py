"""One town for the tests of the whole road: governance takes real seconds, so it is gone through once."""

from collections.abc import Iterator

import pytest

from cyberprivacy.testing.checkout import founded
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A town with a DAO; no node yet."""
    with founded(tmp_path_factory.mktemp("town")) as story:
        yield story


@pytest.fixture(scope="module")
def node(story: Story) -> Iterator[TownNode]:
    """A node of its first provider, which nobody has listed yet."""
    node = story.node("node", port=free_port())
    yield node
    node.stop()
    sweep(node.config)
