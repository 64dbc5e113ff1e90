"""What a node remembers for people: a vault in a container of a node, an erasure, and its receipt in the node's log.

The guestbook with accounts goes the whole road: its bundle carries this library as a wheel of its own.
"""

import json
import runpy
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.testing.checkout import PROJECT
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
TYPE = "example.guestbook.message.v1"


@pytest.fixture(scope="module")
def node(story: Story) -> Iterator[TownNode]:
    node = story.node("node", port=free_port())
    yield node
    node.stop()
    sweep(node.config)


@pytest.fixture(scope="module")
def hosted(story: Story, node: TownNode) -> TownNode:
    """The node serves the guestbook with accounts."""
    source = story.town.folder / "guestbook-accounts"
    runpy.run_path(str(PROJECT / "examples" / "guestbook-accounts" / "bundle.py"))["assemble"](source)
    services = source / "k8s" / "web.yaml"
    services.write_text(services.read_text().replace("https://guestbook.example", node.url))
    cid = story.publish(source, "people")
    story.audit(cid)
    story.propose(cid, "guestbook 2")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)
    return node


def test_who_erases_finds_the_receipt_in_the_log_of_the_node(
    story: Story, hosted: TownNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    node, proof = hosted, tmp_path / "erased.tlog-proof"
    certificate, message, me, password = (
        tmp_path / each for each in ("node.pem", "a.json", "me.json", "password")
    )
    host, _, port = node.url.removeprefix("https://").partition(":")
    certificate.write_text(ssl.get_server_certificate((host, int(port))))
    message.write_text(json.dumps({"name": "Ada", "text": "I was here"}))
    password.write_text("long enough")
    signing = ("--key", me, "--password-file", password)

    def types(*words: object) -> dict[str, Any]:
        return dict(story.town.types(*words, chain=False))

    def at_node(verb: str, *words: object) -> dict[str, Any]:
        return types("my", verb, node.url, *words, "--certificate", certificate)

    types("key", "new", me, "--password-file", password)
    at_node("sign-in", "--new", *signing)
    at_node("write", TYPE, message, "--app", "guestbook")
    assert at_node("data")["apps"][0]["types"][0]["records"] == 1
    before = len(node.entries())
    erased = at_node("erase", "--app", "guestbook", "--yes", *signing)
    node.until(lambda: receipts(node), "the receipt")
    [written] = receipts(node)
    assert written["index"] >= before

    keys = [word for key in node.status()["log"]["keys"] for word in ("--log-key", key)]
    told = at_node("receipt", erased["id"], *keys, "--proof", proof)
    assert told["log"]["index"] == written["index"]
    alone = ["log", "verify", proof, *(word.replace("--log-key", "--key") for word in keys)]
    assert types(*alone)
    assert "Ada" not in json.dumps(node.entries())


def receipts(node: TownNode) -> list[dict[str, Any]]:
    return [entry for entry in node.entries() if entry["kind"] == "erasure.receipt"]
