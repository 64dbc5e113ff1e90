"""Records of a source that proves what it is come from the key that it proved, and nobody else is asked for them."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from people import refusal
from test_following import buys
from test_proven import HOME, Node, NoVendors, world_of_today
from two import Pair, Place, until

from cyberprivacy.attest.agent import PATH
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.report import Level
from cyberprivacy.testing.tlsserver import document
from cyberprivacy.vault import following, nodeproof, outward
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.followings import State
from cyberprivacy.vault.nodeproof import NodeProver
from cyberprivacy.vault.sourcekeys import Pin


@dataclass
class Front(Node):
    """A node in front of the shop: it hands on bytes as they come, and knows what it was asked."""

    seen: list[str] = field(default_factory=list)
    wires: list[socket.socket] = field(default_factory=list)

    def _talk(self, channel: Channel, request: bytes) -> None:
        while request:
            target = request.split()[1].decode()
            self.seen.append(target)
            if not target.startswith(PATH):
                self._through(channel, request)
                return
            channel.send(document(self._answer(channel, request)))
            request = channel.receive()

    def _through(self, channel: Channel, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", urlsplit(self.behind).port or 0)) as wire:
            self.wires.append(wire)
            wire.sendall(request.replace(b"keep-alive", b"close", 1))
            with suppress(OSError):
                while part := wire.recv(65_536):
                    channel.send(part)

    def cut(self) -> None:
        """End every stream: whoever wants more connects anew."""
        for wire in self.wires:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    @property
    def told(self) -> list[str]:
        """Requests of somebody who thought to speak with the shop."""
        return [each for each in self.seen if "/grants/" in each]


def another() -> TlsIdentity:
    return TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=int(time.time()) - 100)


@contextmanager
def scene(folder: Path, *, judged: bool = True, least: Level = Level.DEVELOPMENT) -> Iterator[tuple[Pair, Front]]:
    """A shop on a node, and a book that follows it; where `judged`, the book can judge evidence."""
    front = Front(world_of_today())
    prover = NodeProver(
        facts=lambda _dao, _asked: front.world.facts,
        policy=front.world.policy,
        vendors=NoVendors(),
        reach=outward.anywhere,
        clock=time.time,
    )
    shop = Place("shop", folder / "shop", {}, site=front.front.url, home=replace(HOME, evidence=least))
    book = Place("book", folder / "book", {"shop": front.front.url}, prover=prover if judged else None)
    front.behind = shop.url
    try:
        yield Pair(shop, book), front
    finally:
        front.cut()
        front.front.close()
        book.stop()
        shop.stop()


@pytest.fixture(scope="module", autouse=True)
def soon() -> Iterator[None]:
    """Who was refused is not long in trying again, and is looked at again: for half of `REFUSED` nobody is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "FIRST_WAIT", 0.05)
        patch.setattr(following, "LONGEST_WAIT", 0.2)
        patch.setattr(nodeproof, "REFUSED", 0.2)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Front]]:
    with scene(tmp_path_factory.mktemp("sources")) as made:
        both, _ = made
        signed = both.grant()
        assert both.registers(signed).status_code == 201
        both.follows(signed)
        yield made


def test_records_come_from_the_key_that_was_proven(place: tuple[Pair, Front]) -> None:
    both, front = place
    buys(both, 1)
    until(lambda: 1 in both.totals())
    assert front.asked >= 1
    assert both.standing().state is State.FOLLOWING


def test_whoever_takes_the_place_of_a_source_after_its_proof_is_asked_for_nothing(
    place: tuple[Pair, Front],
) -> None:
    both, front = place
    front.other_key = another()
    front.seen.clear()
    front.cut()
    until(lambda: both.standing().state is State.WAITING)
    buys(both, 2)
    until(lambda: both.standing().why == "recipient.evidence")
    assert front.told == [], "a signed request went to somebody else"
    assert 2 not in both.totals()
    front.other_key = None
    until(lambda: 2 in both.totals())


def test_a_node_changes_its_key_and_what_it_serves_goes_on(place: tuple[Pair, Front]) -> None:
    both, front = place
    front.world = front.world.bend(tls=another())
    front.cut()
    buys(both, 3)
    until(lambda: 3 in both.totals())


def test_a_release_that_counts_no_more_is_followed_no_more(place: tuple[Pair, Front]) -> None:
    both, front = place
    front.world = front.world.listed(revoked=True)
    for each in list(both.book.inside.vault.recipients._known):  # as if the time of every verdict were over
        del both.book.inside.vault.recipients._known[each]
    front.seen.clear()
    front.cut()
    until(lambda: both.standing().why == "recipient.evidence")
    assert front.told == []
    front.world = front.world.listed(revoked=False)
    until(lambda: both.standing().state is State.FOLLOWING)


@pytest.mark.parametrize(
    ("judged", "least", "why"),
    [(False, Level.DEVELOPMENT, "recipient.evidence"), (True, Level.MEASURED_BOOT, "recipient.level")],
)
def test_what_nobody_can_judge_or_proves_less_than_it_promised_is_not_followed(
    tmp_path: Path, judged: bool, least: Level, why: str
) -> None:
    with scene(tmp_path, judged=judged, least=least) as (both, front):
        signed = both.grant()
        assert both.registers(signed).status_code == 201
        both.follows(signed)
        until(lambda: both.standing().why == why)
        assert front.told == []


def test_a_source_under_another_policy_than_the_person_named_is_not_followed(tmp_path: Path) -> None:
    with scene(tmp_path) as (both, front):
        signed = both.grant()
        assert both.registers(signed).status_code == 201
        both.shop.stop()
        both.shop.more["home"] = replace(
            HOME, evidence=None
        )  # whoever promises nothing would have to prove nothing
        both.shop.start()
        both.follows(signed)
        until(lambda: both.standing().why == "transfer.source")
        assert front.told == []


def test_a_plain_connection_is_to_the_pinned_key_too(tmp_path: Path) -> None:
    with scene(tmp_path) as (both, front):
        site, ends = front.front.url, time.time() + 60
        with Connection(site, tls=Pin(front.world.tls.spki, ends).context()) as vault:
            assert vault.ask("GET", "/udi/v1/party")["app"] == both.shop.name
        front.seen.clear()
        with Connection(site, tls=Pin(another().spki, ends).context()) as vault:
            assert refusal(lambda: vault.ask("GET", "/udi/v1/party")) == "vault.unreachable"
        assert front.seen == []
