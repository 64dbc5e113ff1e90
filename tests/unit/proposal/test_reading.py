"""What a node reads, while endpoints lag, lie and contradict one another."""

from dataclasses import replace
from typing import Any

import pytest

from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.proposal import reading
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.agreeing import Agreeing
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.reading import AHEAD, approved, read
from cyberprivacy.proposal.release import SEAL, ApprovedRelease, FinalBlock
from cyberprivacy.testing.rpc import LyingRpc

World = Any


def seen(world: World, chain: Any, **changed: Any) -> ApprovedRelease | None:
    given = {"last": None, "now": world.now, "max_age": 600, **changed}
    return approved(chain, world.dao.governor, **given)


def refused(world: World, chain: Any, **changed: Any) -> CyberPrivacyError:
    with pytest.raises(CyberPrivacyError) as refusal:
        seen(world, chain, **changed)
    return refusal.value


def test_a_second_look_that_continues_the_first_is_believed(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    first = world.read()
    world.settle()
    second = world.read(last=first.block)
    assert second.block.number > first.block.number
    assert first.release == replace(second.release, block=first.block, seal=SEAL)


def test_a_chain_that_went_back_is_waited_for(world: World) -> None:
    block = world.final.block()
    later = FinalBlock(block.number + 5, b"\1" * 32, block.timestamp + 5)
    error = refused(world, world.final, last=later)
    assert (error.code, isinstance(error, TryLater)) == ("chain.rewound", True)


def test_a_final_block_that_was_replaced_is_never_accepted(world: World) -> None:
    block = world.final.block()
    error = refused(world, world.final, last=FinalBlock(block.number - 1, b"\1" * 32, block.timestamp))
    assert (error.code, isinstance(error, Untrusted)) == ("chain.rewritten", True)
    assert refused(world, world.final, last=replace(block, hash=b"\1" * 32)).code == "chain.rewritten"


def test_a_stale_block_is_waited_for_by_the_readers_own_clock(world: World) -> None:
    block = world.final.block()
    assert seen(world, world.final, now=block.timestamp + 600) is None
    error = refused(world, world.final, now=block.timestamp + 601)
    assert (error.code, error.exit_code) == ("chain.stale", 3)


def test_a_block_from_the_future_is_waited_for(world: World) -> None:
    block = world.final.block()
    assert seen(world, world.final, now=block.timestamp - AHEAD) is None
    assert refused(world, world.final, now=block.timestamp - AHEAD - 1).code == "chain.stale"


def test_a_reorganisation_of_what_was_not_final_was_never_read(world: World, bundle: Cid) -> None:
    before = world.read()
    world.published(bundle, number=1)
    assert world.life(bundle).published
    world.ask("anvil_reorg", 2, [])
    assert not world.read(last=before.block).release
    assert world.final.block(before.block.number) == before.block


def test_a_lagging_endpoint_holds_the_reading_back_but_cannot_turn_it_back(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    now = world.read()
    with LyingRpc(world_url(world)) as laggard:
        behind = now.block.number - 2

        def lag(params: list[Any], true: Any) -> Any:
            return world.ask("eth_getBlockByNumber", hex(behind), False) if params[0] == "finalized" else true

        laggard.lies["eth_getBlockByNumber"] = lag
        both = Agreeing([world.final, JsonRpc(laggard.url)])
        assert both.block().number == behind
        assert refused(world, both, last=now.block).code == "chain.rewound"


def test_an_endpoint_that_makes_up_a_release_is_found_out_by_the_other(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    evil = "0x" + "66" * 32
    call = "0x" + contract("ReleaseRegistry").encode("active").hex()
    with LyingRpc(world_url(world)) as liar:
        liar.lies["eth_call"] = lambda p, true: evil + true[66:] if p[0]["input"] == call else true
        error = refused(world, Agreeing([world.final, JsonRpc(liar.url)]))
        assert (error.code, isinstance(error, Untrusted)) == ("chain.disagree", True)
        # and a single liar who does not lie consistently is found out by the contracts' own second view
        assert refused(world, JsonRpc(liar.url)).code == "chain.answer"


LIES = (
    ("AppGovernor", "updateProposal", "0x" + "00" * 32, "release.not-passed"),
    ("AppGovernor", "state", "0x" + "00" * 31 + "05", "release.not-passed"),
    ("ReleaseRegistry", "governor", "0x" + "00" * 12 + "66" * 20, "dao.contracts"),
    ("ReleaseRegistry", "active", "0x" + "00" * 96, "chain.answer"),
    ("ReleaseRegistry", "active", "0x" + "00" * 64, "chain.answer"),
    ("ReleaseRegistry", "active", "0x" + "00" * 128, "chain.answer"),
    ("ReleaseRegistry", "active", "0x" + "01" * 96, "chain.answer"),
    ("Clusters", "images", "0x" + "02" * 96, "chain.answer"),
    ("ReleaseRegistry", "release", "0x" + "ff" * 416, "chain.answer"),
    ("ReleaseRegistry", "release", "0x", "chain.no-contract"),
)


def test_an_answer_that_contradicts_the_law_is_refused(world: World, bundle: Cid) -> None:
    proposal = world.live(bundle, number=1)
    assert seen(world, world.final) is not None
    arguments: dict[str, tuple[object, ...]] = {
        "updateProposal": (bundle.digest,),
        "state": (proposal.id,),
        "release": (bundle.digest,),
        "images": (world.dao.registry, bundle.digest),
    }
    with LyingRpc(world_url(world)) as liar:
        for name, function, lie, code in LIES:
            call = "0x" + contract(name).encode(function, *arguments.get(function, ())).hex()
            answer = {call: lie}
            liar.lies["eth_call"] = lambda p, true, said=answer: said.get(p[0]["input"], true)
            assert refused(world, JsonRpc(liar.url)).code == code, function


def test_nobody_else_can_make_an_approved_release(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    with pytest.raises(Misuse) as refusal:
        replace(world.read().release, number=9, seal=object())
    assert refusal.value.code == "seal.forged"


def test_a_reading_carries_the_block_that_the_next_one_must_continue(world: World) -> None:
    found = read(world.final, world.dao.governor, last=None, now=world.now, max_age=600)
    assert found.block == world.final.block()
    assert isinstance(found, reading.Reading)


def world_url(world: World) -> str:
    return f"http://{world.endpoint.name}"
