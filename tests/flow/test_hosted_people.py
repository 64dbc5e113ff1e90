"""What a node remembers for people: a vault in a container of a node, an erasure, and its receipt in the node's log; then
the next release, which takes the vault over from the one before.

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
from cyberprivacy.testing.town import TypedBadly
from cyberprivacy.testing.townnode import TownNode

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
TYPE = "example.guestbook.message.v1"


@pytest.fixture(scope="module")
def source(story: Story, node: TownNode) -> Path:
    """The bundle of the guestbook with accounts, for people who reach it at the node."""
    made = story.town.folder / "guestbook-accounts"
    runpy.run_path(str(PROJECT / "examples" / "guestbook-accounts" / "bundle.py"))["assemble"](made)
    services = made / "k8s" / "web.yaml"
    services.write_text(services.read_text().replace("https://guestbook.example", node.url))
    return made


@pytest.fixture(scope="module")
def ada(story: Story, node: TownNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Somebody"]:
    folder = tmp_path_factory.mktemp("ada")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        yield Somebody(story, node, folder)


class Somebody:
    """Who keeps something at the node, and types `my …`."""

    def __init__(self, story: Story, node: TownNode, folder: Path) -> None:
        self._story, self._node, self.folder = story, node, folder
        (folder / "password").write_text("long enough")
        self.signing = ("--key", folder / "me.json", "--password-file", folder / "password")
        self.types("key", "new", folder / "me.json", "--password-file", folder / "password")

    def types(self, *words: str | Path) -> dict[str, Any]:
        return self._story.town.types(*words, chain=False)

    def at_node(self, verb: str, *words: str | Path) -> dict[str, Any]:
        """With the certificate that the node has now."""
        host, _, port = self._node.url.removeprefix("https://").partition(":")
        certificate = self.folder / "node.pem"
        certificate.write_text(ssl.get_server_certificate((host, int(port))))
        return self.types("my", verb, self._node.url, *words, "--certificate", certificate)

    def writes(self, text: str) -> None:
        message = self.folder / "message.json"
        message.write_text(json.dumps({"name": "Ada", "text": text}))
        self.at_node("write", TYPE, message, "--app", "guestbook")

    def records(self) -> int:
        return sum(kind["records"] for app in self.at_node("data")["apps"] for kind in app["types"])


def receipts(node: TownNode) -> list[dict[str, Any]]:
    return [entry for entry in node.entries() if entry["kind"] == "erasure.receipt"]


def log_keys(node: TownNode) -> list[str]:
    return [str(key) for key in node.status()["log"]["keys"]]


def proves(ada: Somebody, node: TownNode, erasure: str) -> int:
    """Ada's proof of an erasure, checked with nothing but it and the log's keys; which entry it is."""
    proof, keys = ada.folder / "erased.tlog-proof", log_keys(node)
    words: list[str | Path] = ["--proof", proof]
    for key in keys:
        words += ["--log-key", key]
    told: dict[str, Any] = {}

    def published() -> bool:
        """An entry is in the log at once, and under a signed head a moment later."""
        try:
            told.update(ada.at_node("receipt", erasure, *words))
        except TypedBadly as later:
            if later.code != "receipt.place":
                raise
        return bool(told)

    node.until(published, "the head")
    ada.types("log", "verify", proof, *(word for key in keys for word in ("--key", key)))
    return int(told["log"]["index"])


def test_who_erases_finds_the_receipt_in_the_log_of_the_node(
    story: Story, node: TownNode, source: Path, ada: Somebody
) -> None:
    cid = story.publish(source, "1")
    story.audit(cid)
    story.propose(cid, "guestbook 2")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)

    ada.at_node("sign-in", "--new", *ada.signing)
    ada.writes("I was here")
    assert ada.records() == 1
    erased = ada.at_node("erase", "--app", "guestbook", "--yes", *ada.signing)
    node.until(lambda: bool(receipts(node)), "the receipt")
    [written] = receipts(node)
    assert proves(ada, node, erased["id"]) == written["index"]
    assert "Ada" not in json.dumps(node.entries())


def test_the_next_release_takes_the_vault_over(story: Story, node: TownNode, source: Path, ada: Somebody) -> None:
    ada.writes("before the update")
    manifest = source / "cyberprivacy.yaml"
    text = manifest.read_text().replace("release: 1\n", "release: 2\n")
    manifest.write_text(text.replace("parent: null", f"parent: {story.cids['1']}"))
    cid = story.publish(source, "2")
    story.audit(cid)
    story.propose(cid, "guestbook 2, again")
    story.decide(cid)
    story.await_release(node, cid)

    def taken_over() -> bool:
        try:
            return ada.records() == 1
        except TypedBadly as later:
            assert later.code == "vault.handover", later
            return False

    node.until(taken_over, "the vault")
    erased = ada.at_node("erase", "--app", "guestbook", "--yes", *ada.signing)
    node.until(lambda: len(receipts(node)) == 2, "the second receipt")
    assert proves(ada, node, erased["id"]) == receipts(node)[1]["index"]
