"""A town in which a release was voted in and runs on one node: governance takes real seconds, so it is done once.

The tests of this folder share the town and run in the order of their files; the last one votes a broken
release in, which nobody could start from afterwards. So one worker has all of them, and only for as long as they last.
"""

from collections.abc import Iterator

import pytest

from cyberprivacy.testing.checkout import founded
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode


@pytest.fixture(scope="package")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A town with a DAO; no node yet."""
    with founded(tmp_path_factory.mktemp("town")) as story:
        yield story


@pytest.fixture(scope="package")
def first(story: Story) -> Iterator[TownNode]:
    """The node that runs release 1.0.0, which was published, sized, reviewed, voted and executed."""
    node = story.node("first", port=free_port())
    try:
        cid = story.publish(story.sources("1.0.0"), "1.0.0")
        story.audit(cid)
        story.propose(cid, "guestbook 1.0.0")
        story.enlist(node)
        story.decide(cid)
        story.await_release(node, cid)
        yield node
    finally:
        node.demolish()
