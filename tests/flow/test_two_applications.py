"""Two applications on one node: neither is in the other's way, and one that is no longer served ends."""

import ssl
import urllib.request
from collections.abc import Iterator

import pytest

from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sister(story: Story) -> Story:
    return story.sister("sister")


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def node(story: Story, sister: Story, ports: tuple[int, int]) -> Iterator[TownNode]:
    node = story.node("node", port=ports[0])
    node.stop()
    node.serve_too(sister.dao["governor"], ports[1])
    both = node.config.read_text()
    yield node.start()
    node.stop()
    node.config.write_text(both)
    sweep(node.config)


def status(url: str) -> int | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only who answers is asked here
    try:
        with urllib.request.urlopen(f"{url}/api/messages", context=context, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return None


def test_two_daos_bring_their_releases_to_one_node_at_the_same_time(
    story: Story, sister: Story, node: TownNode, ports: tuple[int, int]
) -> None:
    cid = story.publish(story.sources("1.0.0"), "1.0.0")
    sister.act("publish", story.town.folder / "guestbook-1.0.0", person="dev")
    for one in (story, sister):
        one.audit(cid)
    story.enlist(node)
    node.stop()
    for one in (story, sister):
        one.propose(cid, "guestbook 1.0.0")
        one.decide(cid)
    node.start()  # and finds two journeys to take
    for one in (story, sister):
        node.until(lambda dao=one.dao["governor"]: announced(node, dao), f"the release of {one.dao['governor']}")
    assert [status(f"https://127.0.0.1:{port}") for port in ports] == [200, 200]
    assert [each["state"] for each in both(node)] == ["serving", "serving"]


def test_a_dao_that_is_taken_out_of_the_configuration_is_served_no_more(
    sister: Story, node: TownNode, ports: tuple[int, int]
) -> None:
    node.stop()
    node.serve_no_more(sister.dao["governor"], ports[1])
    node.start()
    node.until(lambda: node.state == "serving", "the other application")
    assert [status(f"https://127.0.0.1:{port}") for port in ports] == [200, None]
    stopped = [entry["facts"] for entry in node.entries() if entry["kind"] == "release.stopped"]
    assert stopped[-1] == {"dao": sister.dao["governor"], "why": "unserved"}


def announced(node: TownNode, dao: str) -> bool:
    return any(entry["kind"] == "release.announced" and entry["facts"]["dao"] == dao for entry in node.entries())


def both(node: TownNode) -> list[dict[str, object]]:
    return list(node.told()["applications"])
