"""The whole road: what people vote for is what runs, anyone can verify it, and every way to cheat is named.

The tests of this module are one story and run in its order.
"""

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import cyberprivacy
from cyberprivacy import canonical
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.build.buildah import embedded
from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.engine import Pull
from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.podman import PodmanRuntime
from cyberprivacy.node import config as settings
from cyberprivacy.node.assembly import application_name, podman_settings, volatile
from cyberprivacy.proposal.release import Address
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.registry.pushed import PushedImage
from cyberprivacy.review.lint import lint
from cyberprivacy.review.workload import Topology
from cyberprivacy.testing.cable import Cable
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.tlsserver import TlsServer, document
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townnode import TownNode, sweep
from cyberprivacy.testing.visitors import Visitors

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cable(story: Story) -> Iterator[Cable]:
    """Between the node and its chain, so that a test can cut it."""
    with Cable(story.town.chain.port) as cable:
        yield cable


@pytest.fixture(scope="module")
def node(story: Story, cable: Cable) -> Iterator[TownNode]:
    node = story.node("node", port=free_port(), rpc=f"http://127.0.0.1:{cable.port}")
    yield node
    node.stop()
    sweep(node.config)


@pytest.fixture(scope="module")
def first(story: Story, node: TownNode) -> str:
    """Release 1.0.0: published, sized, reviewed, voted, executed, and running; its CID."""
    cid = story.publish(story.sources("1.0.0"), "1.0.0")
    story.audit(cid)
    story.propose(cid, "guestbook 1.0.0")
    story.enlist(node)
    story.decide(cid)
    story.await_release(node, cid)
    return cid


@pytest.fixture
def verify(story: Story, node: TownNode) -> Callable[..., dict[str, Any]]:
    """Verify as anyone would; the report, whatever its verdict."""

    def verify(target: str = "", *more: str | Path) -> dict[str, Any]:
        words = ["verify", target or node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
        words += ["--factory", story.factory]
        _, answer = story.town.answers(*words, "--allow-development", story.town.root_file, *more)
        return dict(json.loads(answer))

    return verify


def failed(report: dict[str, Any]) -> dict[str, str]:
    """The checks that failed: name -> reason code."""
    return {check["name"]: check["code"] for check in report["checks"] if check["verdict"] == "fail"}


def test_a_release_that_was_voted_for_runs_and_anyone_can_verify_it(first: str, verify: Any) -> None:
    report = verify()
    assert (report["verdict"], failed(report)) == ("accept", {})
    assert {check["verdict"] for check in report["checks"]} == {"pass"}
    assert report["level"] == "development"


def test_without_the_root_named_by_hand_nothing_of_it_is_believed(
    first: str, story: Story, node: TownNode
) -> None:
    words = ["verify", node.url, "--dao", story.dao["governor"], "--rpc", story.town.chain.url]
    code, answer = story.town.answers(*words)
    assert (code, failed(json.loads(answer))) == (1, {"evidence.root": "evidence.development-root"})


def test_status_tells_the_whole_life(first: str, story: Story) -> None:
    status = story.town.types("status", "--dao", story.dao["governor"], "--latest")
    assert status["live"] == first
    assert [each["bundle"] for each in status["releases"]] == [first]


def test_the_node_serves_what_it_runs_to_anyone(first: str, story: Story, node: TownNode, tmp_path: Path) -> None:
    got = story.town.types(
        "bundle", "fetch", first, "--gateway", node.gateway, "--to", tmp_path / "copy", chain=False
    )
    assert got["cid"] == first


def build_evil(story: Story, registry: DockerRegistry, repository: str) -> tuple[Topology, dict[str, PushedImage]]:
    """The released source with one line more, built and pushed as an honest node would."""
    tree = story.town.folder / "evil"
    shutil.copytree(story.town.folder / "guestbook-1.0.0", tree)
    with (tree / "app" / "main.py").open("a") as code:
        code.write("# one line that nobody has read\n")
    store = FolderStore(story.town.folder / "evil-blocks")
    cid = pack(tree, store=store).cid
    linted = lint(fetch(cid, [], store, story.town.folder / "evil-tree"))
    with httpx2.Client() as client:
        builder = embedded(story.town.folder / "evil-builds", bases=[LayoutBases(story.bases)], client=client)
        built = builder.build(linted)
    pushed = {image.name: registry.registry().push(image, f"{repository}/{image.name}") for image in built}
    return linted.topology, pushed


@pytest.fixture
def swapped(first: str, story: Story, node: TownNode, cable: Cable) -> Iterator[None]:
    """Somebody with root on the machine runs another image in the place of the one that was voted for."""
    read = settings.load(node.config)
    name = application_name(read.daos[0].dao)
    try:
        with DockerRegistry(story.town.folder / "evil-registry", free_port()) as registry:
            topology, images = build_evil(story, registry, name)
            pull = Pull(authfile=registry.authfile, certificates=registry.certs)
            runtime = PodmanRuntime(podman_settings(read.data, pull), Front(volatile(read.data) / "front"))
            cable.cut()  # or the node would put it right at once; without its chain it changes nothing
            with node.frozen():  # nor may its care for the old containers cross the cheat's
                runtime.apply(Application(name=name, release=Cid.parse(first), topology=topology, images=images))
        yield
    finally:
        cable.mend()


def test_a_swapped_image_is_named_and_put_right(swapped: None, verify: Any, cable: Cable) -> None:
    eventually(lambda: failed(verify()) == {"release.images": "release.other-images"})
    cable.mend()
    eventually(lambda: verify().get("verdict") == "accept")


def test_old_evidence_and_another_key_are_named(first: str, verify: Any, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    assert verify("", "--save", proof)["verdict"] == "accept"
    own = TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=int(time.time()))
    impostor = TlsServer(lambda: own, lambda channel, _: channel.send(document(proof.read_bytes())))
    found = failed(verify(impostor.url))
    impostor.close()
    assert set(found) == {"tls.key", "tls.session", "evidence.fresh", "statement.fresh"}


def test_a_node_whose_software_differs_by_one_byte_is_named(
    first: str, story: Story, node: TownNode, verify: Any, tmp_path: Path
) -> None:
    """Its provider lists it as if it ran the accepted software; it runs, and everything else about it is right."""
    program = tmp_path / "program"
    shutil.copytree(Path(cyberprivacy.__file__).parent, program / "cyberprivacy")
    source = program / "cyberprivacy" / "errors.py"
    source.write_bytes(
        source.read_bytes().replace(b"asking again will not help", b"asking again will not helP", 1)
    )
    where = {"port": free_port(), "bases": story.bases}
    other = TownNode(story.town, "tampered", story.dao["governor"], **where).start(program=program)
    try:
        story.town.fund(Address(other.identity()["account"]))
        story.enlist(other, measurement=node.identity()["measurement"])
        story.await_release(other, first)
        assert failed(verify(other.url)) == {"os.measurement": "os.not-accepted"}
    finally:
        other.demolish()


def test_one_byte_of_the_log_of_measured_software_is_named(first: str, verify: Any, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    verify("", "--save", proof)
    document = json.loads(proof.read_bytes())
    log = base64.b64decode(document["evidence"]["fields"]["log"])
    name = log.index(b"file cyberprivacy/")
    document["evidence"]["fields"]["log"] = base64.b64encode(log[:name] + b"F" + log[name + 1 :]).decode()
    proof.write_bytes(canonical.encode(document))
    assert "evidence.log" in failed(verify(str(proof)))


def test_a_node_that_nobody_has_listed_serves_nothing(first: str, story: Story, verify: Any) -> None:
    stranger = TownNode(story.town, "stranger", story.dao["governor"], port=free_port(), bases=story.bases).start()
    try:
        stranger.identity()
        eventually(lambda: any(entry["facts"].get("code") == "node.not-listed" for entry in stranger.entries()))
        assert "release.deployed" not in [entry["kind"] for entry in stranger.entries()]
        assert verify(stranger.url)["error"] == "verify.unreachable"  # it has nothing to prove
    finally:
        stranger.demolish()


def test_a_node_with_another_key_than_the_listed_one_is_named(
    first: str, story: Story, node: TownNode, verify: Any
) -> None:
    """The chain's listing points at another machine's key; then it is put right."""
    story.enlist(node, key="0x" + "ee" * 32)
    eventually(lambda: failed(verify()) == {"node.registered": "node.not-as-listed"})
    story.enlist(node)
    eventually(lambda: verify()["verdict"] == "accept")


def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that others bring about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


def test_an_update_fails_no_request(first: str, story: Story, node: TownNode, verify: Any) -> None:
    cid = story.publish(story.sources("1.1.0", parent=first), "1.1.0")
    story.audit(cid)
    story.propose(cid, "guestbook 1.1.0")
    story.decide(cid)
    with Visitors(node.url) as crowd:
        story.await_release(node, cid)
        for _ in range(50):  # and some more, once it is done
            time.sleep(0.02)
    assert crowd.asked > 100
    assert dict(crowd.answers) == {"200": crowd.asked}
    report = verify()
    assert (report["verdict"], report["facts"]["release"]) == ("accept", 2)


def test_a_revoked_release_stops_and_is_named(story: Story, node: TownNode, verify: Any) -> None:
    proposal = story.town.types("revoke", story.cids["1.1.0"], "--dao", story.dao["governor"], person="alice")
    story.decide(str(proposal["proposal"]))
    eventually(lambda: node.journey()[-1]["kind"] == "release.stopped")
    assert failed(verify()) == {"release.active": "release.revoked"}
