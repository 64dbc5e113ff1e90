"""Endpoints that lie, lag, stall and rave, over real HTTP."""

import socket
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.proposal.agreeing import Agreeing, connect
from cyberprivacy.proposal.chain import Disagree, NoContract, Reverted, RpcError, Unreachable, Wanted
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.wire import BadAnswer
from cyberprivacy.testing.rpc import LyingRpc, Raw, Status

SOMEBODY = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
BLOCK = FinalBlock(7, b"\x07" * 32, 1_700_000_000)


def told(block: FinalBlock = BLOCK, **changed: object) -> dict[str, Any]:
    """What an honest endpoint says of a block."""
    said = {"number": hex(block.number), "hash": "0x" + block.hash.hex(), "timestamp": hex(block.timestamp)}
    return {**said, **changed}


def log(**changed: object) -> dict[str, Any]:
    said = {
        "address": SOMEBODY.lower(),
        "topics": ["0x" + "11" * 32],
        "data": "0x",
        "blockNumber": "0x5",
        "blockHash": "0x" + "22" * 32,
        "transactionHash": "0x" + "33" * 32,
        "logIndex": "0x0",
        "removed": False,
    }
    return {**said, **changed}


WANTED = Wanted(SOMEBODY, (b"\x11" * 32,), 0, 9)


@pytest.fixture
def liar() -> Iterator[LyingRpc]:
    with LyingRpc() as endpoint:
        endpoint.lies["eth_getBlockByNumber"] = lambda _params, _true: told()
        yield endpoint


def test_an_honest_answer_is_read(liar: LyingRpc) -> None:
    assert JsonRpc(liar.url).block() == BLOCK


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (Raw(b"<html>"), "chain.answer"),
        (Raw(b""), "chain.answer"),
        (Raw(b"[]"), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":1,"result":NaN}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":99,"result":null}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":true,"result":null}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"1.0","id":1,"result":null}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":1}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":1,"error":"no"}'), "chain.answer"),
        (Raw(b'{"jsonrpc":"2.0","id":1,"error":{"code":"3","message":""}}'), "chain.answer"),
        (Raw(b" " * (1 << 20)), "chain.answer"),
        (Status(301), "chain.answer"),
        (Status(307), "chain.answer"),
        (Status(500), "chain.unreachable"),
        (Status(429), "chain.unreachable"),
        (Status(401), "chain.unreachable"),
        ({"error": {"code": -32000, "message": "busy"}}, "chain.refused"),
        (None, "chain.unreachable"),
        ([], "chain.answer"),
        (told(number="0x07"), "chain.answer"),
        (told(number="0x10000000000000000"), "chain.answer"),
        (told(hash="0x" + "07" * 31), "chain.answer"),
        (told(hash="0x" + "7" * 63), "chain.answer"),
        (told(timestamp=1_700_000_000), "chain.answer"),
        (told(timestamp=None), "chain.answer"),
    ],
)
def test_a_bad_answer_is_refused_by_its_kind(liar: LyingRpc, lie: object, code: str) -> None:
    liar.lies["eth_getBlockByNumber"] = lambda _params, _true: lie
    with pytest.raises(CyberPrivacyError) as refusal:
        JsonRpc(Endpoint(liar.url, limit=1 << 16)).block()
    assert refusal.value.code == code
    assert isinstance(refusal.value, Untrusted if code == "chain.answer" else TryLater)


def test_another_block_than_the_one_asked_for_is_refused(liar: LyingRpc) -> None:
    with pytest.raises(BadAnswer):
        JsonRpc(liar.url).block(8)


def test_nobody_listening_is_a_reason_to_try_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as refusal:
        JsonRpc(f"http://127.0.0.1:{port}").block()
    assert refusal.value.exit_code == 3


def test_an_answer_that_drips_for_ever_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            talk, _ = server.accept()
            with talk:
                talk.recv(65536)
                talk.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                try:
                    while True:
                        talk.sendall(b" ")
                        stop.wait(0.05)
                except OSError:
                    return

        stop = Event()
        Thread(target=drip, daemon=True).start()
        with pytest.raises(Unreachable) as refusal:
            JsonRpc(Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.4)).block()
        assert "slow" in str(refusal.value.facts["why"])


def test_an_access_key_in_the_address_is_never_shown(liar: LyingRpc) -> None:
    liar.lies["eth_getBlockByNumber"] = lambda _params, _true: Status(503)
    chain = JsonRpc(liar.url + "/v2/SECRET?key=SECRET")
    with pytest.raises(Unreachable) as refusal:
        chain.block()
    assert "SECRET" not in f"{refusal.value} {chain!r} {chain.endpoint!r}"


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8545", "ftp://127.0.0.1", "http://", "file:///etc/passwd", "http://[::"]
)
def test_what_is_not_an_http_address_is_misuse(url: str) -> None:
    with pytest.raises(Misuse) as refusal:
        Endpoint(url)
    assert refusal.value.code == "chain.url"


def test_state_is_asked_for_by_the_hash_of_the_block(liar: LyingRpc) -> None:
    seen: list[Any] = []
    liar.lies["eth_call"] = lambda params, _true: seen.append(params) or "0x01"
    assert JsonRpc(liar.url).call(SOMEBODY, b"\xab", BLOCK) == b"\x01"
    assert seen == [
        [{"to": SOMEBODY, "input": "0xab"}, {"blockHash": "0x" + BLOCK.hash.hex(), "requireCanonical": True}]
    ]


@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        ("0x", NoContract),
        ("0x0", BadAnswer),
        ("0xzz", BadAnswer),
        (7, BadAnswer),
        (None, BadAnswer),
        ({"error": {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}}, Reverted),
        ({"error": {"code": -32015, "message": "VM execution error", "data": "Reverted 0x08c379a0"}}, RpcError),
        ({"error": {"code": -32000, "message": "header not found"}}, RpcError),
    ],
)
def test_each_bad_answer_to_a_call_has_its_own_refusal(
    liar: LyingRpc, lie: object, kind: type[CyberPrivacyError]
) -> None:
    liar.lies["eth_call"] = lambda _params, _true: lie
    with pytest.raises(kind):
        JsonRpc(liar.url).call(SOMEBODY, b"\xab", BLOCK)


def test_the_words_of_a_refusing_contract_are_kept(liar: LyingRpc) -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}
    liar.lies["eth_call"] = lambda _params, _true: {"error": error}
    with pytest.raises(Reverted) as refusal:
        JsonRpc(liar.url).call(SOMEBODY, b"\xab", BLOCK)
    assert refusal.value.data == bytes.fromhex("08c379a0")


def test_logs_that_were_asked_for_are_read(liar: LyingRpc) -> None:
    liar.lies["eth_getLogs"] = lambda _params, _true: [log(), log(logIndex="0x1")]
    assert [found.index for found in JsonRpc(liar.url).logs(WANTED)] == [0, 1]


@pytest.mark.parametrize(
    "lie",
    [
        [log(address="0x" + "99" * 20)],
        [log(topics=["0x" + "12" * 32])],
        [log(topics=[])],
        [log(topics=["0x" + "11" * 32] * 5)],
        [log(blockNumber="0xa")],
        [log(removed=True)],
        [log(removed=None)],
        [log(data="0x1")],
        [log(logIndex="0x1"), log()],
        [log(), log()],
        [None],
        {"0": log()},
        [log(logIndex=hex(i)) for i in range(10_001)],
    ],
)
def test_logs_that_nobody_asked_for_are_refused(liar: LyingRpc, lie: object) -> None:
    liar.lies["eth_getLogs"] = lambda _params, _true: lie
    with pytest.raises(BadAnswer):
        JsonRpc(liar.url).logs(WANTED)


def test_a_long_range_is_asked_for_in_pages(liar: LyingRpc) -> None:
    pages: list[tuple[str, str]] = []
    liar.lies["eth_getLogs"] = lambda params, _true: (
        pages.append((params[0]["fromBlock"], params[0]["toBlock"])) or []
    )
    JsonRpc(liar.url).logs(Wanted(SOMEBODY, (), 5, 20_005))
    assert [(int(a, 16), int(b, 16)) for a, b in pages] == [(5, 10_004), (10_005, 20_004), (20_005, 20_005)]


def pair(one: LyingRpc, other: LyingRpc) -> Agreeing:
    return Agreeing([JsonRpc(one.url), JsonRpc(other.url)])


def heights(endpoint: LyingRpc, newest: int, *, fork: int = 1 << 40) -> None:
    """Let an endpoint be at a height, with blocks of its own from `fork` on."""

    def answer(params: list[Any], _true: object) -> object:
        height = newest if params[0] == "finalized" else int(params[0], 16)
        if height > newest:
            return None
        return told(
            FinalBlock(height, bytes([height + (100 if height >= fork else 0)]) * 32, 1_700_000_000 + height)
        )

    endpoint.lies["eth_getBlockByNumber"] = answer


def test_two_endpoints_meet_at_the_lower_final_block() -> None:
    with LyingRpc() as fast, LyingRpc() as slow:
        heights(fast, 9)
        heights(slow, 7)
        assert pair(fast, slow).block().number == 7


def test_two_endpoints_with_different_blocks_are_refused_and_named() -> None:
    with LyingRpc() as honest, LyingRpc() as liar:
        heights(honest, 9)
        heights(liar, 9, fork=8)
        with pytest.raises(Disagree) as refusal:
            pair(honest, liar).block()
        assert refusal.value.code == "chain.disagree"
        assert str(refusal.value.facts["other"]) == repr(JsonRpc(liar.url))


def test_two_endpoints_with_different_state_are_refused() -> None:
    with LyingRpc() as honest, LyingRpc() as liar:
        honest.lies["eth_call"] = lambda _params, _true: "0x01"
        liar.lies["eth_call"] = lambda _params, _true: "0x02"
        with pytest.raises(Disagree):
            pair(honest, liar).call(SOMEBODY, b"\xab", BLOCK)
        liar.lies["eth_call"] = honest.lies["eth_call"]
        assert pair(honest, liar).call(SOMEBODY, b"\xab", BLOCK) == b"\x01"


def test_two_endpoints_on_different_chains_are_refused() -> None:
    with (
        LyingRpc(eth_chainId=lambda *_: "0x1") as one,
        LyingRpc(eth_chainId=lambda *_: "0x2") as other,
        pytest.raises(Disagree),
    ):
        _ = pair(one, other).chain_id


def test_one_of_two_endpoints_is_not_enough() -> None:
    with LyingRpc() as honest, LyingRpc(eth_getBlockByNumber=lambda *_: Status(503)) as down:
        heights(honest, 9)
        with pytest.raises(Unreachable):
            pair(honest, down).block()


def test_of_three_endpoints_one_may_be_away_but_none_may_contradict() -> None:
    with LyingRpc() as one, LyingRpc() as two, LyingRpc() as three:
        heights(one, 9)
        heights(two, 9)
        three.lies["eth_getBlockByNumber"] = lambda *_: Status(503)
        chain = connect([one.url, two.url, three.url])
        assert chain.block().number == 9
        heights(three, 9, fork=9)
        with pytest.raises(Disagree):
            chain.block()


@pytest.mark.parametrize(
    "urls",
    [
        [],
        ["http://127.0.0.1:1", "http://127.0.0.1:1"],
        ["http://x.test", "http://x.test/"],
        ["http://x.test", "HTTP://X.Test:80"],
        ["https://x.test/v1", "https://x.test.:443/v1/#one"],
        ["http://me:key@x.test/?a=1", "http://x.test?a=1"],
    ],
)
def test_agreement_with_oneself_is_no_agreement(urls: list[str]) -> None:
    with pytest.raises(Misuse) as refusal:
        connect(urls)
    assert refusal.value.code == "chain.endpoints"


def test_endpoints_that_differ_in_more_than_spelling_are_two() -> None:
    assert connect(["http://x.test/one", "http://x.test/two", "https://x.test/one", "http://x.test:81/one"])
