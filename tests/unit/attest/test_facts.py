"""What the verifier learns from a real chain."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from cyberprivacy.attest.facts import ChainFacts, Questions
from cyberprivacy.attest.onchain import read_facts
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal import actions
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.release import Address

BUNDLE = Cid(DAG_PB, sha256(b"one").digest())
FIX = Cid(DAG_PB, sha256(b"two").digest())
STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


@pytest.fixture(scope="module")
def embedded(law: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    with EmbeddedChain(law.ANVIL, tmp_path_factory.mktemp("chain"), block_time=None) as chain:
        yield chain


@pytest.fixture(scope="module")
def founded(law: Any, embedded: EmbeddedChain) -> Any:
    return law.World(embedded.url)


@pytest.fixture
def chain(founded: Any, request: pytest.FixtureRequest) -> Any:
    """The chain, with a DAO of this test's own."""
    founded.dao = founded.found("guestbook", sha256(request.node.name.encode()).digest())
    founded.advance_to(founded.now + 10)  # votes count from a past second
    return founded


def facts(chain: Any, bundle: Cid = BUNDLE, height: int = 1) -> ChainFacts:
    asked = Questions(bundle=bundle, account=STRANGER, measurement=bytes(32), height=height)
    return read_facts(chain.final, chain.dao.governor, asked)


def test_an_ordinary_release_has_three_laps_each_long_enough(chain: Any) -> None:
    proposal = chain.live(BUNDLE, number=1)
    read = facts(chain)
    release = read.releases[BUNDLE]
    assert read.active == BUNDLE
    assert (release.number, release.proposal, release.executed) == (1, proposal.id, True)
    assert [lap.name for lap in release.laps] == ["review", "vote", "deployment"]
    assert all(lap.taken >= lap.least > 0 for lap in release.laps)
    least = {lap.name: lap.least for lap in release.laps}
    assert least["review"] >= chain.laps.review_floor
    assert (least["vote"], least["deployment"]) == (chain.laps.voting_period, chain.laps.deployment_lap)


def test_an_emergency_release_has_one_lap_and_four_when_it_was_ratified(chain: Any) -> None:
    chain.live(BUNDLE, number=1)
    chain.published(FIX, number=2, severity=4, seats=4)
    chain.advance_to(chain.life(FIX).review_starts + chain.laps.emergency_floor)
    actions.activate_emergency(chain.acting(chain.provider), FIX)
    chain.settle()
    quick = facts(chain, FIX).releases[FIX]
    assert (quick.emergency, quick.executed) == (True, False)
    assert [lap.name for lap in quick.laps] == ["emergency"]
    assert all(lap.taken >= lap.least > 0 for lap in quick.laps)
    chain.carried(chain.proposed(FIX))
    slow = facts(chain, FIX).releases[FIX]
    assert (slow.emergency, slow.executed) == (False, True)
    assert [lap.name for lap in slow.laps] == ["emergency", "review", "vote", "deployment"]
    assert all(lap.taken >= lap.least > 0 for lap in slow.laps)


def test_a_release_that_was_never_live_has_no_laps(chain: Any) -> None:
    chain.published(BUNDLE, number=1)
    chain.settle()
    read = facts(chain)
    assert read.active is None
    assert read.releases[BUNDLE].laps == ()


def test_what_the_chain_does_not_know_is_not_in_its_facts(chain: Any) -> None:
    read = facts(chain, height=1 << 40)
    assert (read.releases, read.nodes, read.measurements, read.blocks) == ({}, {}, {}, {})
    assert read_facts(chain.final, chain.dao.governor, None).releases == {}


def test_a_dao_is_known_by_the_factory_that_made_it(chain: Any) -> None:
    ours, others = chain.shared.factory, (STRANGER, chain.shared.clusters)
    for asked, made in (((), None), (others, None), ((ours,), ours), ((*others, ours), ours)):
        assert read_facts(chain.final, chain.dao.governor, None, asked).factory == made


def test_a_factory_of_somebodys_own_makes_daos_that_only_it_knows(chain: Any) -> None:
    theirs = chain.shares(chain.members[0])
    made = chain.found("guestbook", bytes(32), theirs.factory)
    chain.settle()
    for asked, known in ((theirs.factory, theirs.factory), (chain.shared.factory, None)):
        assert read_facts(chain.final, made.governor, None, (asked,)).factory == known


def test_a_block_that_the_node_read_is_known_by_its_hash_and_time(chain: Any) -> None:
    assert facts(chain, height=3).blocks == {3: chain.final.block(3)}
    newest = chain.final.block()
    assert facts(chain, height=newest.number).blocks == {newest.number: newest}
