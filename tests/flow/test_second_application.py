"""A foreign application takes the same road; then the auditors' lanes: repair it at once, and stop it at once.

One story, in the order of the file.
"""

import json
import shutil
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy.testing.story import Story
from cyberprivacy.testing.townnode import TownNode

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]
PROJECT = Path(__file__).resolve().parents[2]


def get(url: str) -> tuple[int, bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # `verify` judges the key
    try:
        with urllib.request.urlopen(url, context=context, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def verify(story: Story, node: TownNode) -> dict[str, Any]:
    words = ["verify", node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
    return dict(json.loads(story.town.answers(*words, "--allow-development", story.town.root_file)[1]))


def test_the_real_datasette_takes_the_same_road(story: Story, node: TownNode) -> None:
    source = story.town.folder / "datasette-1"
    shutil.copytree(PROJECT / "examples" / "datasette", source)
    cid = story.publish(source, "1")
    story.audit(cid)
    story.propose(cid, "datasette 1")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)
    status, versions = get(f"{node.url}/-/versions.json")
    assert status == 200
    assert "datasette" in json.loads(versions)
    assert verify(story, node)["verdict"] == "accept"


def test_four_of_five_auditors_repair_it_without_a_vote(story: Story, node: TownNode) -> None:
    source = story.town.folder / "datasette-2"
    shutil.copytree(story.town.folder / "datasette-1", source)
    manifest = source / "cyberprivacy.yaml"
    text = (
        manifest.read_text()
        .replace("release: 1", "release: 2")
        .replace("parent: null", f"parent: {story.cids['1']}")
    )
    manifest.write_text(text)
    (source / "REPAIR.md").write_text("What was wrong, and how this mends it.\n")
    cid = story.publish(source, "2")
    story.audit(cid, severity="critical", auditors=4)
    story.act("activate", cid, "--emergency", "--wait", person="ann")
    story.await_release(node, cid)
    report = verify(story, node)
    assert report["verdict"] == "accept"
    assert "emergency" in next(
        check["detail"] for check in report["checks"] if check["name"] == "release.proposal"
    )


def test_three_of_five_auditors_stop_it_at_once(story: Story, node: TownNode) -> None:
    for auditor in ("ann", "org1", "org2"):
        story.act("halt", story.cids["2"], person=auditor)
    node.until(lambda: node.journey()[-1]["kind"] == "release.stopped", "the stop")
    stopped = node.journey()[-1]
    assert stopped["facts"]["dao"] == story.dao["governor"]
    status, body = get(f"{node.url}/")
    assert status == 503
    assert b"DAO" in body
    failed = {
        check["name"]: check["code"] for check in verify(story, node)["checks"] if check["verdict"] == "fail"
    }
    assert failed == {"release.active": "release.halted"}
