"""Whatever is out of reach, full, late or lying: a node says what it waits for, loses nothing, and goes on.

One node meets all of it on its way, in the order of these tests: its gateway, its disk, its registry, its chain.
"""

import json
import os
import signal
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cyberprivacy.cid import Cid
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.testing.cable import Cable
from cyberprivacy.testing.disk import SmallDisk
from cyberprivacy.testing.gateway import Lie, LyingGateway, running
from cyberprivacy.testing.rpc import LyingRpc
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import TypedBadly, free_port
from cyberprivacy.testing.townnode import TownNode

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(600),
    # The HTTP library forgets to close a Unix socket on which nobody answers, as when a node is only starting.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOM = 768 << 20


@dataclass(frozen=True)
class World:
    """A node and all that it depends on.

    Attributes:
        gateway: the way to the author's gateway; cut at first.
        liar: the address of another gateway, which lies and is asked first.
        one, two: the chain's two endpoints.
        chain: the way to the first of them.
    """

    node: TownNode
    disk: SmallDisk
    gateway: Cable
    liar: str
    chain: Cable
    one: LyingRpc
    two: LyingRpc

    def waits(self, code: str, *, step: str = "") -> dict[str, Any]:
        """Wait until the node says that it waits for this; what it said."""
        self.node.go_on()
        said: list[dict[str, Any]] = []

        def says_so() -> bool:
            with suppress(TypedBadly):  # it is starting
                said.append(self.node.status())
            return bool(said) and said[-1]["code"] == code and (not step or said[-1]["step"] == step)

        self.node.until(says_so, f"status {code}, not {said[-1:]}")
        assert said[-1]["state"] == "waiting"
        assert said[-1]["why"]
        return said[-1]

    def did(self, step: str, *, hold: bool = False) -> None:
        """Wait until the ledger has this step.

        Args:
            step: its name.
            hold: hold the node there, so that what a test does next comes in time; it goes on in `waits`.
        """
        self.node.until(lambda: step in self.steps, step)
        if hold:
            self.node.hold()

    @property
    def steps(self) -> list[str]:
        """The ledger, in short."""
        return [str(entry["kind"]).removeprefix("release.") for entry in self.node.journey()]

    def serves(self) -> bool:
        """Whether users are answered, and the loop has nothing to complain of."""
        return self.node.state == "serving" and self.answers()

    def answers(self) -> bool:
        """Whether users are answered."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"{self.node.url}/api/messages", context=context, timeout=20) as answer:
            return bool(answer.status == 200)


@pytest.fixture(scope="module")
def world(story: Story, first: TownNode) -> Iterator[World]:
    town = story.town
    with ExitStack() as stack:
        gateway = stack.enter_context(Cable(urlsplit(town.gateway).port or 0))
        gateway.cut()
        liar = stack.enter_context(running(LyingGateway(town.store.find, Lie.WRONG_BYTES)))
        one, two = (stack.enter_context(LyingRpc(town.chain.url)) for _ in range(2))
        chain = stack.enter_context(Cable(urlsplit(one.url).port or 0))
        disk = stack.enter_context(SmallDisk(town.folder / "outside" / "data", ROOM))
        node = story.node(
            "outside",
            port=free_port(),
            rpc=[f"http://127.0.0.1:{chain.port}", two.url],
            gateways=[liar, f"http://127.0.0.1:{gateway.port}"],
        )
        try:
            story.enlist(node)
            yield World(node, disk, gateway, liar, chain, one, two)
        finally:
            disk.empty()
            print(node.log.read_text())  # noqa: T201  (shown when a test fails)
            node.demolish()


def test_without_an_honest_gateway_it_waits_and_says_for_what(world: World) -> None:
    said = world.waits("bundle.unreachable", step="fetch")
    assert said["hint"]
    assert said["retry"] > 0
    assert world.steps == ["failed"]


def test_it_goes_on_by_itself_when_the_gateway_is_back_and_names_the_one_that_lied(world: World) -> None:
    world.gateway.mend()
    world.did("fetched", hold=True)
    dropped = [line for line in logged(world.node) if line["event"] == "bundle.source_dropped"]
    assert {line["code"] for line in dropped if line["source"].startswith(world.liar)} == {"bundle.hash"}


def logged(node: TownNode) -> list[dict[str, Any]]:
    lines = node.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_disk_that_fills_up_during_the_build_is_waited_for(world: World) -> None:
    world.disk.fill()
    world.waits("disk.full")
    assert "built" not in world.steps
    world.disk.empty()
    world.did("built", hold=True)


@pytest.fixture
def squatter(world: World) -> Iterator[socket.socket]:
    """The registry was killed, and somebody else sits on its port."""
    folder = world.node.data / "registry"
    with socket.socket() as squatter:
        os.kill(pid_of(folder / "config.yml"), signal.SIGKILL)
        while True:
            with suppress(OSError):
                squatter.bind(("127.0.0.1", int((folder / "port").read_text())))
                break
        yield squatter


def pid_of(word: Path) -> int:
    """The process that has this word in its command line."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(word) in (entry / "cmdline").read_bytes().split(b"\0"):
                return int(entry.name)
    raise AssertionError(word)


def test_a_registry_that_was_killed_is_waited_for_and_a_full_one_too(
    world: World, squatter: socket.socket
) -> None:
    world.waits("registry.unreachable", step="push")
    world.disk.fill()
    squatter.close()
    world.waits("disk.full")
    world.disk.empty()
    world.did("pushed", hold=True)


def test_a_disk_that_fills_up_during_the_deployment_is_waited_for(world: World) -> None:
    world.disk.fill()  # ends somewhere between claiming a place for the application and starting it
    said = world.waits("disk.full")
    assert said["running"] is None
    world.disk.empty()
    world.did("announced")
    world.node.until(world.serves, "the node to serve")
    steps = [step for step in world.steps if step != "failed"]
    assert steps == ["fetched", "built", "reported", "pushed", "deployed", "announced"]


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    """Whatever happens in a test: what runs goes on, users are answered, nothing new is deployed or written."""
    world.node.until(world.serves, "the node to serve")
    before, steps = world.node.status()["running"], world.steps
    yield
    assert world.answers()
    assert world.node.status()["running"] == before
    world.one.lies.clear()
    world.two.lies.clear()
    world.chain.mend()
    world.node.until(world.serves, "the node to serve")
    assert world.node.status()["running"] == before
    assert world.steps == steps


def test_without_its_chain_it_keeps_serving_and_says_so(world: World, unchanged: None) -> None:
    world.chain.cut()
    assert world.waits("chain.unreachable")["running"]
    assert world.answers()


def test_started_without_its_chain_it_keeps_serving_and_says_so(world: World, unchanged: None) -> None:
    world.chain.cut()
    world.node.kill(alone=True)
    assert world.answers()
    world.node.start()
    assert world.waits("chain.unreachable")["running"]


def test_an_endpoint_that_lags_changes_nothing(world: World, unchanged: None, story: Story) -> None:
    honest = Endpoint(story.town.chain.url)
    first = honest.ask("eth_getBlockByNumber", "0x1", False)
    world.two.lies["eth_getBlockByNumber"] = lambda asked, said: first if asked[0] == "finalized" else said
    assert world.waits("chain.rewound")["running"]
    honest.close()


def test_a_chain_that_stands_still_changes_nothing(world: World, unchanged: None) -> None:
    def old(_: list[Any], block: dict[str, Any]) -> dict[str, Any]:
        return block | {"timestamp": hex(int(block["timestamp"], 16) - 8_000)}

    world.one.lies["eth_getBlockByNumber"] = world.two.lies["eth_getBlockByNumber"] = old
    assert world.waits("chain.stale")["running"]


def test_two_endpoints_that_contradict_each_other_change_nothing(
    world: World, unchanged: None, story: Story
) -> None:
    live = story.cids["1.0.0"]
    digest = Cid.parse(live).digest.hex()
    world.two.lies["eth_call"] = lambda _, said: said.replace(digest, "ab" * 32) if isinstance(said, str) else said
    assert world.waits("chain.disagree")["running"]["bundle"] == live


def test_started_on_a_full_disk_it_says_try_later_and_loses_nothing(world: World, unchanged: None) -> None:
    world.disk.fill()
    world.node.kill()
    size = world.node.ledger.stat().st_size
    world.node.start()
    assert world.node.wait() == 3
    assert "[disk.full]" in world.node.log.read_text()
    assert world.node.ledger.stat().st_size == size
    assert world.answers()
    world.disk.empty()
    world.node.start()
    world.node.until(lambda: world.node.state == "serving", "the node to serve")
