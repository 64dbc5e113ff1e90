import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from cyberprivacy import canonical
from cyberprivacy.attest.agent import Agent, Busy, Moving
from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.evidence import Attester, Evidence
from cyberprivacy.attest.statement import Attestation, parse
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.deploy.deployment import SEAL as DEPLOY
from cyberprivacy.deploy.deployment import Deployment
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.log import Head
from cyberprivacy.testing.attested import ACCOUNT, BUNDLE, IMAGES, NOW, World, approved

LOG = Head(0, bytes(32))


@dataclass
class SlowTpm:
    """An attester that answers when it is told to, and counts how many ask it at once."""

    inner: Attester
    go: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    now: int = 0
    most: int = 0

    def quote(self, binding: bytes) -> Evidence:
        self.now += 1
        self.most = max(self.most, self.now)
        self.asked.release()
        self.go.wait(30)
        self.now -= 1
        return self.inner.quote(binding)


def running(bundle: Cid = BUNDLE) -> Deployment:
    return Deployment(name="app", release=bundle, images=dict(IMAGES), ready=1, wanted=1, seal=DEPLOY)


def ask(agent: Agent, world: World, nonce: bytes = b"n" * 32, deployment: Deployment | None = None) -> Attestation:
    return agent.attest(
        nonce, session=bytes(32), tls=world.tls, release=approved(), deployment=deployment or running(), log=LOG
    )


def agent(world: World, attester: Attester | None = None, waiting: int = 16) -> Agent:
    return Agent(attester or world.attester, world.key, ACCOUNT, clock=lambda: NOW + 0.7, waiting=waiting)


def test_each_challenge_gets_evidence_and_a_statement_of_its_own(world: World) -> None:
    node = agent(world)
    one, two = ask(node, world, b"1" * 32), ask(node, world, b"2" * 32)
    for made, nonce in ((one, b"1" * 32), (two, b"2" * 32)):
        assert made.bound.challenge == made.statement.nonce == nonce
    assert one.evidence != two.evidence
    assert one.digest() != two.digest()
    assert one.statement.time == NOW


def test_the_hardware_is_asked_one_at_a_time(world: World) -> None:
    tpm = SlowTpm(world.attester)
    tpm.go.set()
    node = agent(world, tpm)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: ask(node, world, bytes([n]) * 32), range(16)))
    assert tpm.most == 1
    assert [each.statement.nonce[0] for each in made] == list(range(16))


def test_more_askers_than_places_are_told_to_come_back(world: World) -> None:
    tpm = SlowTpm(world.attester)
    node = agent(world, tpm, waiting=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, node, world)
        assert tpm.asked.acquire(timeout=30)
        with pytest.raises(Busy):
            ask(node, world)
        tpm.go.set()
        assert first.result(30).statement.bundle == BUNDLE
    assert ask(node, world).statement.bundle == BUNDLE


@pytest.mark.parametrize("nonce", [b"", bytes(31), bytes(33)], ids=len)
def test_a_challenge_of_another_size_is_misuse(world: World, nonce: bytes) -> None:
    with pytest.raises(Misuse) as refusal:
        ask(agent(world), world, nonce)
    assert refusal.value.code == "attest.nonce"


def test_a_node_does_not_claim_a_release_that_does_not_run(world: World) -> None:
    with pytest.raises(Moving):
        ask(agent(world), world, deployment=running(Cid(RAW, bytes(32))))


def test_what_is_stated_is_what_was_observed_not_what_was_wanted(world: World) -> None:
    swapped = Deployment(
        name="app",
        release=BUNDLE,
        images={"web": "sha256:" + "9" * 64},
        ready=1,
        wanted=1,
        seal=DEPLOY,
    )
    assert ask(agent(world), world, deployment=swapped).statement.images == swapped.images


def test_the_clusters_in_which_it_runs_are_stated_in_one_spelling(world: World) -> None:
    somewhere = replace(running(), clusters=("north", "south-2"), seal=DEPLOY)
    made = ask(agent(world), world, deployment=somewhere)
    assert parse(made.encode()).statement.clusters == ("north", "south-2")
    assert ask(agent(world), world).statement.clusters == ()
    for names in (
        ["south", "north"],
        ["a", "a"],
        ["North"],
        [""],
        ["a"] * 65,
        [f"c{n:02}" for n in range(65)],
        "a",
        [1],
    ):
        bent = canonical.decode(made.encode(), limit=1 << 20)
        bent["statement"]["clusters"] = names
        with pytest.raises(BadDocument):
            parse(canonical.encode(bent))


def test_only_attest_can_make_an_attestation(world: World) -> None:
    made = ask(agent(world), world)
    with pytest.raises(Misuse) as refusal:
        Attestation(
            bound=made.bound,
            evidence=made.evidence,
            statement=made.statement,
            signature=made.signature,
            node=made.node,
            seal=object(),
        )
    assert refusal.value.code == "seal.forged"
