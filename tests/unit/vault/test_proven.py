"""A recipient whose policy asks for evidence proves what runs there, each time anew, or gets nothing.

The machine is a TPM on paper under a development root, the chain's word is a value; verifier, TLS session,
both applications and the key that signs requests are real.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from keeping import ORDER
from people import refusal
from test_following import asks, buys, code
from two import PURPOSE, Pair, Place, until

from cyberprivacy.attest.agent import PATH
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.evidence import NODE_ROLE, Evidence
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.report import Check, Level, Report
from cyberprivacy.cli.judging import Judging
from cyberprivacy.cli.vendors import Vendors
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.release import FinalBlock
from cyberprivacy.testing.attested import BLOCK, BUNDLE, DAO, DAY, World, approved
from cyberprivacy.testing.tlsserver import TlsServer, document, nonce_of
from cyberprivacy.vault import outward
from cyberprivacy.vault.followings import State
from cyberprivacy.vault.grant import Party
from cyberprivacy.vault.home import Home
from cyberprivacy.vault.nodeproof import NodeProver
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.proven import PLACES, Peer, Proven, Recipients, RecipientSilent
from cyberprivacy.vault.recipient import Declared, ReleasePolicy

HOME = Home(chain=31337, dao=DAO, cluster=1, evidence=Level.DEVELOPMENT)


class NoVendors:
    """Nobody publishes anything for a TPM."""

    offline = True

    def complete(self, evidence: Evidence, *, renew: bool = False) -> Evidence:
        return evidence


def world_of_today() -> World:
    """The small world in which everything is right, at the time of this machine's clock."""
    now = int(time.time())
    made = World.new()
    read, newest = replace(BLOCK, timestamp=now - 12), FinalBlock(1_001, b"n" * 32, now - 6)
    since = dict.fromkeys(made.facts.measurements, now - 30 * DAY)
    return made.bend(
        tls=TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=now - 100),
        facts=replace(made.facts, block=newest, measurements=since, blocks={BLOCK.number: read}),
        release=approved(block=read),
        now=now,
    )


@dataclass
class Node:
    """A node in small: TLS, its proof, and the application behind it."""

    world: World
    behind: str = ""
    asked: int = 0
    other_key: TlsIdentity | None = None
    front: TlsServer = field(init=False)

    def __post_init__(self) -> None:
        self.front = TlsServer(lambda: self.other_key or self.world.tls, self._talk)

    def _talk(self, channel: Channel, request: bytes) -> None:
        while request:
            try:
                answered = self._answer(channel, request)
            except (
                httpx2.TransportError
            ):  # the application is just being started anew: whoever asks gets no answer
                return
            channel.send(document(answered))
            request = channel.receive()

    def _answer(self, channel: Channel, request: bytes) -> bytes:
        target = request.split()[1].decode()
        if not target.startswith(PATH):
            return httpx2.get(self.behind + target, trust_env=False).content
        self.asked += 1
        session = channel.session(NODE_ROLE, (self.other_key or self.world.tls).spki)
        return self.world.bend(nonce=nonce_of(request), session=session, now=int(time.time())).attest().encode()


@dataclass
class Scene:
    """A shop that can judge, and a book that runs on a node."""

    both: Pair
    node: Node

    def bend(self, **facts: Any) -> None:
        """From now on the chain says something else of the release; and the shop has to look."""
        self.node.world = self.node.world.listed(**facts)
        self.forget()

    def forget(self) -> None:
        """As if the time of every verdict were over."""
        self.both.shop.inside.vault.recipients._known.clear()


@contextmanager
def scene(folder: Path, **home: Any) -> Iterator[Scene]:
    node = Node(world_of_today())
    prover = NodeProver(
        facts=lambda _dao, _asked: node.world.facts,
        policy=node.world.policy,
        vendors=NoVendors(),
        reach=outward.anywhere,
        clock=time.time,
    )
    shop = Place("shop", folder / "shop", {}, prover=prover)
    book = Place("book", folder / "book", {"shop": shop.url}, site=node.front.url, home=replace(HOME, **home))
    node.behind = book.url
    try:
        yield Scene(Pair(shop, book), node)
    finally:
        node.front.close()
        book.stop()
        shop.stop()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("proven")) as made:
        yield made


@pytest.fixture(autouse=True)
def right(request: pytest.FixtureRequest) -> None:
    """Before each test everything is right again."""
    if "here" in request.fixturenames:
        here: Scene = request.getfixturevalue("here")
        here.node.world, here.node.other_key, here.node.asked = world_like(here.node.world), None, 0
        here.forget()


def world_like(world: World) -> World:
    release = replace(world.facts.releases[BUNDLE], revoked=False, halted=False)
    return world.chain(releases={BUNDLE: release})


def test_who_proves_it_gets_what_was_granted_and_is_asked_again(here: Scene) -> None:
    both, signed = here.both, here.both.grant()
    order = buys(both, 5)
    assert both.registers(signed).status_code == 201
    assert here.node.asked == 1
    both.follows(signed)
    until(lambda: 5 in both.totals())
    mine = both.book.inside.vault.key
    path = f"/udi/v1/grants/{signed.grant.id.hex()}/records/{order}"
    assert asks(both, path, mine).json()["total"] == 5
    assert here.node.asked == 1, "a verdict counts for a while"

    here.bend(revoked=True)
    assert code(asks(both, path, mine)) == "recipient.evidence"
    assert here.node.asked >= 2
    until(lambda: both.standing().state is State.WAITING)
    assert both.standing().why == "recipient.evidence"
    buys(both, 6)
    assert 6 not in both.totals()
    here.bend(revoked=False)
    until(lambda: 6 in both.totals())
    assert both.standing().state is State.FOLLOWING


def test_evidence_is_for_the_key_that_asks(here: Scene) -> None:
    signed = here.both.grant()
    assert code(here.both.registers(signed, holder="ed25519-device:" + "00" * 31 + "01")) == "recipient.key"
    assert here.both.registers(signed).status_code == 201


def test_what_is_not_proven_is_refused_with_its_reason(here: Scene) -> None:
    both, signed = here.both, here.both.grant()
    assert code(both.registers(signed, site=None)) == "recipient.site"
    assert code(both.registers(signed, site="https://127.0.0.1:1")) == "recipient.silent"
    assert code(both.registers(signed, site=both.shop.url)) == "recipient.evidence"
    here.bend(halted=True)
    refused = both.registers(signed).json()
    assert refused["type"] == "recipient.evidence"
    assert "release.halted" in refused["facts"]["checks"]


def test_somebody_in_between_is_not_the_node(here: Scene) -> None:
    here.node.other_key = TlsIdentity.born(["127.0.0.1"], lifetime=600, now=int(time.time()))
    refused = here.both.registers(here.both.grant()).json()
    assert "tls.other-key" in refused["facts"]["checks"]


def test_nobody_is_asked_for_what_no_person_has_signed(here: Scene) -> None:
    node = Node(here.node.world, here.both.book.url)
    signed = here.both.grant()
    forged = replace(signed, proof=replace(signed.proof, signature=bytes(65)))
    assert code(here.both.registers(forged, site=node.front.url)).startswith("signature.")
    assert node.asked == 0
    assert here.both.registers(signed, site=node.front.url).status_code == 201
    assert node.asked == 1
    node.front.close()


def test_a_release_that_takes_more_than_was_agreed_ends_it(here: Scene) -> None:
    both, signed = here.both, here.both.grant()
    order = buys(both, 7)
    assert both.registers(signed).status_code == 201
    path = f"/udi/v1/grants/{signed.grant.id.hex()}/records/{order}"
    both.book.stop()
    both.book.more["purposes"] = [PURPOSE, "Sell what was bought"]
    both.book.start()
    here.forget()
    assert code(asks(both, path, both.book.inside.vault.key)) == "recipient.widened"
    both.book.stop()
    both.book.more["purposes"] = [PURPOSE]
    both.book.start()
    here.forget()
    assert asks(both, path, both.book.inside.vault.key).status_code == 200


@pytest.mark.parametrize(
    ("home", "expected"),
    [({"cluster": 2}, "recipient.cluster"), ({"evidence": Level.MEASURED_BOOT}, "recipient.level")],
)
def test_another_cluster_or_a_lower_level_is_not_what_was_agreed(
    tmp_path: Path, home: dict[str, Any], expected: str
) -> None:
    with scene(tmp_path, **home) as made:
        assert code(made.both.registers(made.both.grant())) == expected


PEER = Peer(
    ReleasePolicy("book", 31337, DAO, Level.DEVELOPMENT, None, Declared(frozenset({ORDER}), frozenset({PURPOSE}))),
    b"h" * 32,
    "https://book.example",
)
NAMED = Party("book", (1).to_bytes(32), PEER.policy.digest, bytes(32))
GOOD = Report((Check.passed("level", "as asked"),), Level.DEVELOPMENT, {"chain": 31337, "dao": DAO})


@dataclass
class Answers:
    """Proves as it is told; a clock that tests move."""

    now: float = 1_000.0
    asked: int = 0
    silent: bool = False

    def prove(self, site: Site, policy: ReleasePolicy) -> Proven:
        self.asked += 1
        if self.silent:
            raise RecipientSilent("not now")
        declared = policy.declared
        return Proven(
            report=GOOD, cluster=NAMED.cluster, app="book", holder=b"h" * 32, declared=declared,
            at=self.now, until=self.now + 300,
        )  # fmt: skip


def test_a_verdict_counts_for_its_time_and_is_renewed_after_half_of_it() -> None:
    said = Answers()
    known = Recipients(said, lambda: said.now)
    assert refusal(lambda: known.presented(PEER, NAMED)) == "recipient.silent"
    known.meet(PEER)
    known.meet(PEER)
    assert said.asked == 1
    assert known.presented(PEER, NAMED).report is GOOD
    said.now, said.silent = 1_200.0, True
    known.meet(PEER)
    assert said.asked == 2
    assert known.presented(PEER, NAMED).report is GOOD, "it is silent, and what it proved still counts"
    said.now = 1_300.0
    assert refusal(lambda: known.presented(PEER, NAMED)) == "recipient.silent"
    assert refusal(lambda: known.meet(PEER)) == "recipient.silent"
    said.silent = False
    known.meet(PEER)
    assert known.presented(PEER, NAMED).report is GOOD
    assert refusal(lambda: known.presented(replace(PEER, holder=b"x" * 32), NAMED)) == "recipient.key"


def test_where_nobody_can_judge_there_is_no_report() -> None:
    unjudged = Recipients(None, time.time)
    unjudged.meet(PEER)
    assert unjudged.presented(PEER, NAMED).report is None


def test_not_everybody_is_asked_at_the_same_time() -> None:
    said = Answers()
    known = Recipients(said, lambda: said.now)
    for _ in range(PLACES):
        known._places.acquire()
    assert refusal(lambda: known.meet(PEER)) == "recipient.busy"
    assert said.asked == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1%eth0", "169.254.169.254"])
def test_nobody_has_a_vault_knock_inside(address: str) -> None:
    with pytest.raises(Misuse) as refused:
        outward.public("inside.example", 443, find=lambda _host, _port: ["93.184.215.14", address])
    assert refused.value.code == "outward.address"


def test_a_development_root_is_accepted_loudly_and_only_where_a_chain_judges(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, vendors = "sha256:" + "ab" * 32, Vendors("", "", offline=True)
    found = Judging(["http://127.0.0.1:1"], None, root).prover(vendors, local=False, clock=time.time)
    assert found.policy.roots[bytes.fromhex("ab" * 32)] is Level.DEVELOPMENT
    assert found.reach is outward.public
    assert "DEVELOPMENT" in capsys.readouterr().err
    assert refusal(lambda: Judging(None, None, root).prover(vendors, local=True, clock=time.time)) == "vault.rpc"
    assert Judging(None, None, "").prover(vendors, local=True, clock=time.time) is None
