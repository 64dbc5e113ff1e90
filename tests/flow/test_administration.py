"""An administrator turns what was voted on, in public, and can do nothing else."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import TypedBadly, free_port
from cyberprivacy.testing.townnode import TownNode, sweep

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
NOBODY = "0x" + "00" * 20


@pytest.fixture(scope="module")
def node(story: Story) -> Iterator[TownNode]:
    """A node that runs release 1.1.0, whose administrator is Alice."""
    node = story.node("node", port=free_port())
    try:
        source = story.sources("1.1.0")
        manifest = source / "cyberprivacy.yaml"
        text = manifest.read_text().replace("release: 2", "release: 1")
        assert NOBODY in text
        manifest.write_text(text.replace(NOBODY, story.town.person("alice")))
        cid = story.publish(source, "1.1.0")
        story.audit(cid)
        story.propose(cid, "guestbook 1.1.0")
        story.enlist(node)
        story.decide(cid)
        story.await_release(node, cid)
        yield node
    finally:
        node.stop()
        sweep(node.config)


def fetch(node: TownNode, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    asked = urllib.request.Request(f"{node.url}{path}", body)
    try:
        with urllib.request.urlopen(asked, context=context, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def shown(node: TownNode) -> int:
    return len(json.loads(fetch(node, "/api/messages")[1])["messages"])


def act(story: Story, node: TownNode, *words: str, person: str = "alice") -> dict[str, object]:
    verb, *rest = words
    return story.act("admin", verb, node.url, *rest, "--why", "People asked for it", person=person)


def refused(story: Story, node: TownNode, *words: str, person: str = "alice") -> str:
    with pytest.raises(TypedBadly) as caught:
        act(story, node, *words, person=person)
    return caught.value.code


def test_an_administrator_turns_what_was_voted_on_in_public_and_nothing_else(story: Story, node: TownNode) -> None:
    for number in range(3):
        assert fetch(node, "/api/messages", json.dumps({"name": "a", "text": f"n{number}"}).encode())[0] == 201
    assert shown(node) == 3
    told = act(story, node, "set", "per-page", "2")
    assert shown(node) == 2
    acts = [entry for entry in node.entries() if entry["kind"].startswith("admin.")]
    assert [(entry["kind"], entry["index"]) for entry in acts] == [
        ("admin.requested", told["request"]),
        ("admin.done", told["done"]),
    ]
    assert acts[0]["facts"]["by"] == story.town.person("alice")

    assert refused(story, node, "set", "per-page", "51") == "admin.value"
    assert refused(story, node, "set", "shell", "sh") == "admin.unknown"
    assert refused(story, node, "set", "per-page", "1", person="bob") == "admin.signer"
    answer = act(story, node, "ask", "messages-per-day")["answer"]
    assert isinstance(answer, dict)
    assert answer["query"] == "sum"
    for _ in range(3):
        act(story, node, "ask", "messages-per-day")
    assert refused(story, node, "ask", "messages-per-day") == "admin.spent"
    assert fetch(node, "/.well-known/cyberprivacy/statistics/messages-per-day")[0] == 404
    assert (
        fetch(node, "/.well-known/cyberprivacy/witness/add-checkpoint", b"no head")[0] == 400
    )  # it answers others


def test_what_was_turned_survives_a_node_that_is_killed(story: Story, node: TownNode) -> None:
    node.kill()
    assert shown(node) == 2  # the application goes on
    node.start()
    node.until(lambda: fetch(node, "/.well-known/cyberprivacy/admin")[0] == 200, "the door opens again")
    said = story.town.types("admin", "show", node.url, chain=False)
    assert [each["value"] for each in said["parameters"]] == ["2"]
    act(story, node, "choose", "order", "hearts")
    assert refused(story, node, "ask", "messages-per-day") == "admin.spent"
