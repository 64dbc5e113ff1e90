"""What a node's door answers is told, bounded and made visible; what it refuses keeps its code and exit code."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.cli import run
from cyberprivacy.testing.tlsserver import TlsServer

SHOWN: dict[str, Any] = {
    "parameters": [
        {"name": "per-page", "value": "20", "least": 1, "most": 50, "unit": "messages", "doc": "Pages"}
    ],
    "algorithms": [{"name": "order", "value": "newest", "choices": ["newest", "hearts"], "doc": "Order"}],
    "statistics": [
        {"name": "daily", "query": "sum", "spent_thousandths": 500, "budget_thousandths": 2000, "doc": "All"}
    ],
    "witnesses": {"quorum": 2, "asked": ["anna.example", "bert.example", "carl.example"]},
}
Door = Callable[[int, bytes], str]


@pytest.fixture
def door() -> Iterator[Door]:
    """A door that gives one answer to everything; its address."""
    identity = TlsIdentity.born(["localhost"], lifetime=600, now=int(time.time()))
    servers: list[TlsServer] = []

    def opened(status: int, body: bytes) -> str:
        def talk(channel: Channel, _request: bytes) -> None:
            channel.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

        servers.append(TlsServer(lambda: identity, talk))
        return servers[-1].url

    yield opened
    for server in servers:
        server.close()


def test_what_may_be_turned_is_shown(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    url = door(200, json.dumps(SHOWN).encode())
    assert run(["admin", "show", url]) == 0
    text = capsys.readouterr().out
    for words in ("per-page", "1 to 50 messages", "newest, hearts", "500 of 2000 spent", "2 of these", "carl"):
        assert words in text
    assert run(["admin", "show", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == SHOWN


def test_a_node_without_witnesses_is_shown_as_one(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    for witnesses in ({"quorum": 0, "asked": []}, None, {"quorum": "many", "asked": 7}):
        assert run(["admin", "show", door(200, json.dumps(SHOWN | {"witnesses": witnesses}).encode())]) == 0
        assert "No other cluster has to have seen an act" in capsys.readouterr().out


def test_a_nodes_words_cannot_move_the_readers_screen(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    evil = {
        "parameters": [{"name": "a\x1b[2J\u202e", "value": "\x07", "doc": "x\r"}],
        "algorithms": 7,
        "statistics": [3],
    }
    assert run(["admin", "show", door(200, json.dumps(evil).encode())]) == 0
    text = capsys.readouterr().out
    assert not set("\x1b\u202e\x07\r") & set(text)


@pytest.mark.parametrize(("status", "code"), [(400, 2), (409, 1), (503, 3)])
def test_a_refusal_keeps_its_code(door: Door, capsys: pytest.CaptureFixture[str], status: int, code: int) -> None:
    problem = {"type": "admin.closed", "title": "closed\x1b", "status": status, "detail": "hint"}
    assert run(["admin", "show", door(status, json.dumps(problem).encode()), "--json"]) == code
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "admin.closed"
    assert "\x1b" not in said["what"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[]"),
        (200, b"{"),
        (200, b"[" * 90_000),
        (404, b"{}"),
        (503, b'{"type":"Not A Code"}'),
        (302, b"{}"),
        (200, b" " * (2 << 20)),
    ],
)
def test_what_is_no_node_is_out_of_reach(
    door: Door, capsys: pytest.CaptureFixture[str], status: int, body: bytes
) -> None:
    assert run(["admin", "show", door(status, body), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"] == "admin.unreachable"


def test_nobody_there_is_out_of_reach_and_other_addresses_are_misuse() -> None:
    assert run(["admin", "show", "https://127.0.0.1:9"]) == 3
    for url in ("http://127.0.0.1", "https://", "https://a@b", "https://a.example/x", "ftp://a.example"):
        assert run(["admin", "show", url]) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["set", "per-page", "3", "--why", " "], "admin.why"),
        (["ask", "Daily", "--why", "w"], "admin.form"),
        (["ask", "a", "--why", "w"], "address"),
    ],
)
def test_a_slip_is_told_before_anybody_is_asked(
    words: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *rest = words
    line = ["admin", verb, "https://127.0.0.1:9", *rest, "--dao", "0x12", "--rpc", "http://127.0.0.1:9", "--json"]
    assert run(line) == 2
    assert json.loads(capsys.readouterr().out)["error"] == code
