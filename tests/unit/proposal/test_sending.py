"""Sending, while the endpoint in between lies about fees, hashes and receipts."""

from collections.abc import Iterator
from typing import Any

import pytest

from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.signing import ExternalSigner
from cyberprivacy.testing.rpc import LyingRpc, Status

World = Any


@pytest.fixture
def liar(world: World) -> Iterator[LyingRpc]:
    with LyingRpc(f"http://{world.endpoint.name}") as endpoint:
        yield endpoint


def desk(world: World, liar: LyingRpc, **how: Any) -> Desk:
    signer = ExternalSigner(f"http://{world.endpoint.name}", world.publisher)
    return Desk(Endpoint(liar.url), signer, pause=lambda _: None, **{"chain_id": 31337, **how})


def publication(bundle: Cid) -> bytes:
    return contract("ReleaseRegistry").encode("publish", bundle.digest, bytes(32), 1, 1, bytes(32))


def test_an_honest_endpoint_is_no_hindrance(world: World, liar: LyingRpc, bundle: Cid) -> None:
    receipt = desk(world, liar).send(world.dao.registry, publication(bundle))
    assert world.life(bundle).published
    assert receipt.logs[0].address == world.dao.registry


@pytest.mark.parametrize(
    ("method", "lie", "code"),
    [
        ("eth_maxPriorityFeePerGas", hex(10**16), "key.dear"),
        ("eth_maxPriorityFeePerGas", "0x" + "f" * 40, "chain.answer"),
        ("eth_getBlockByNumber", {"baseFeePerGas": hex(10**16)}, "key.dear"),
        ("eth_getBlockByNumber", {}, "chain.answer"),
        ("eth_estimateGas", hex(1 << 25), "law.gas"),
        ("eth_getBalance", "0x0", "key.funds"),
        ("eth_getTransactionCount", "one", "chain.answer"),
        ("eth_chainId", "0x1", "chain.disagree"),
        ("eth_chainId", Status(503), "chain.unreachable"),
    ],
)
def test_nothing_is_sent_when_an_endpoint_lies_about_the_price(
    world: World, liar: LyingRpc, bundle: Cid, method: str, lie: Any, code: str
) -> None:
    liar.lies[method] = lambda _params, _true: lie
    with pytest.raises(CyberPrivacyError) as refusal:
        desk(world, liar).send(world.dao.registry, publication(bundle))
    assert refusal.value.code == code
    assert not world.life(bundle).published


def test_others_are_asked_which_chain_is_meant_when_the_first_transaction_is_made(
    world: World, liar: LyingRpc, bundle: Cid
) -> None:
    asked: list[int] = []

    def others() -> int:
        asked.append(1)
        return 1

    node = desk(world, liar, chain_id=others)
    assert not asked  # a node starts, and tends what runs, while no chain answers
    with pytest.raises(Untrusted) as refusal:
        node.send(world.dao.registry, publication(bundle))
    assert (refusal.value.code, asked) == ("chain.disagree", [1])


def test_a_cap_on_the_price_is_kept(world: World, liar: LyingRpc, bundle: Cid) -> None:
    with pytest.raises(Misuse) as refusal:
        desk(world, liar, dearest=1).send(world.dao.registry, publication(bundle))
    assert refusal.value.code == "key.dear"


def test_the_hash_of_another_transaction_is_refused(world: World, liar: LyingRpc, bundle: Cid) -> None:
    liar.lies["eth_sendRawTransaction"] = lambda *_: "0x" + "11" * 32
    with pytest.raises(Untrusted):
        desk(world, liar).send(world.dao.registry, publication(bundle))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"status": "0x0"}, "chain.failed"),
        ({"status": "0x2"}, "chain.failed"),
        ({"status": None}, "chain.answer"),
        ({"transactionHash": "0x" + "11" * 32}, "chain.answer"),
        ({"logs": [{}]}, "chain.answer"),
        ({"logs": None}, "chain.answer"),
        ({"contractAddress": "0x1"}, "chain.answer"),
        ({"gasUsed": "-1"}, "chain.answer"),
    ],
)
def test_a_receipt_that_does_not_hold_together_is_refused(
    world: World, liar: LyingRpc, bundle: Cid, changed: dict[str, Any], code: str
) -> None:
    liar.lies["eth_getTransactionReceipt"] = lambda _params, true: true and {**true, **changed}
    with pytest.raises(CyberPrivacyError) as refusal:
        desk(world, liar).send(world.dao.registry, publication(bundle))
    assert refusal.value.code == code


def test_a_receipt_that_does_not_come_is_waited_for_and_then_named(
    world: World, liar: LyingRpc, bundle: Cid
) -> None:
    liar.lies["eth_getTransactionReceipt"] = lambda *_: None
    with pytest.raises(CyberPrivacyError) as refusal:
        desk(world, liar, patience=0.2).send(world.dao.registry, publication(bundle))
    assert (refusal.value.code, refusal.value.exit_code) == ("chain.pending", 3)


def test_an_endpoint_that_pauses_after_sending_does_not_look_like_a_failure(
    world: World, liar: LyingRpc, bundle: Cid
) -> None:
    answers = iter([Status(503), None])
    liar.lies["eth_getTransactionReceipt"] = lambda _params, true: next(answers, true)
    desk(world, liar).send(world.dao.registry, publication(bundle))
    assert world.life(bundle).published


def test_founding_fits_into_one_transaction(world: World) -> None:
    before = world.latest.block().number
    world.found("another", b"\2" * 32)
    block = world.ask("eth_getBlockByNumber", hex(before + 1), False)
    assert int(block["gasUsed"], 16) < 1 << 24
