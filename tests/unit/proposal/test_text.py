"""Proposal texts: whoever tells them, only the one that was put to the vote is believed."""

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.proposal import actions, text
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.law import Dao
from cyberprivacy.proposal.life import lives
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.text import (
    MAX_TEXT,
    Proposal,
    TextLied,
    bundle_of,
    check_update,
    find_proposal,
    height_at,
    printable,
    revocation,
    update,
    update_of,
)
from cyberprivacy.testing.rpc import LyingRpc

World = Any

REGISTRY = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
DAO = Dao(REGISTRY, REGISTRY, REGISTRY, REGISTRY, REGISTRY, REGISTRY)
CREATED = ["uint256", "address", "address[]", "uint256[]", "string[]", "bytes[]", "uint256", "uint256", "bytes"]


def told(proposal: Proposal, number: int) -> str:
    """A log's data, as a governor writes it, with any id."""
    rest = (REGISTRY, proposal.targets, proposal.values, [""], proposal.calldatas, 1, 2, proposal.text)
    return "0x" + encode(CREATED, (number, *rest)).hex()


def test_the_id_is_the_one_that_the_governor_computes(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    assert world.acting(world.founder).state(proposal.id).opens > 0


def test_the_text_of_a_vote_is_found_and_proven(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    world.settle()
    found = update_of(world.final, world.final, world.dao, bundle, at=world.final.block())
    assert found == proposal
    assert found.title == "Software Update: guestbook 1.0"
    assert found.body == "What changes: everything."
    assert bundle_of(found, world.dao) == bundle


def test_a_bundle_that_nobody_proposed_has_no_text(world: World, bundle: Cid) -> None:
    with pytest.raises(Misuse) as refusal:
        update_of(world.final, world.final, world.dao, bundle, at=world.final.block())
    assert refusal.value.code == "law.no-proposal"


@pytest.mark.parametrize("lie", ["another text", "another action", "silence", "noise", "another id"])
def test_a_lying_log_server_is_refused(world: World, bundle: Cid, fix: Cid, lie: str) -> None:
    true = world.proposed(world.published(bundle, number=1))
    world.settle()
    other = update(world.dao, fix, name="guestbook 1.0", body="")
    said = {
        "another text": told(Proposal(true.targets, true.values, true.calldatas, b"Nothing to see"), true.id),
        "another action": told(Proposal(other.targets, other.values, other.calldatas, true.text), true.id),
        "noise": "0x" + "ff" * 320,
        "another id": told(other, other.id),
    }

    def answer(_params: Any, logs: Any) -> Any:
        return [{**log, "data": said[lie]} for log in logs] if lie in said else []

    with LyingRpc(f"http://{world.endpoint.name}", eth_getLogs=answer) as liar:
        with pytest.raises(CyberPrivacyError) as refusal:
            update_of(world.final, JsonRpc(liar.url), world.dao, bundle, at=world.final.block())
        assert isinstance(
            refusal.value, TextLied if lie.startswith("another t") or lie == "another action" else TryLater
        )


def test_one_unreadable_proposal_does_not_hide_the_others(world: World, bundle: Cid) -> None:
    true = world.proposed(world.published(bundle, number=1))
    world.settle()

    def prepend(_params: Any, logs: Any) -> Any:
        odd = told(Proposal(true.targets, true.values, true.calldatas, b"\xff\xfe"), 7)
        return [{**logs[0], "data": odd, "logIndex": "0x0"}, {**logs[0], "logIndex": "0x9"}]

    with LyingRpc(f"http://{world.endpoint.name}", eth_getLogs=prepend) as server:
        found = find_proposal(world.final, JsonRpc(server.url), world.dao, true.id, at=world.final.block())
    assert found == true


def test_a_server_that_hides_the_live_release_is_refused(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    with LyingRpc(f"http://{world.endpoint.name}", eth_getLogs=lambda *_: []) as liar:
        with pytest.raises(Untrusted) as refusal:
            lives(world.final, JsonRpc(liar.url), world.dao, at=world.final.block())
        assert refusal.value.code == "chain.logs"


def test_a_revocation_is_found_by_its_id(world: World, bundle: Cid) -> None:
    world.published(bundle, number=1)
    proposal = revocation(world.dao, bundle, body="It leaks.")
    actions.propose(world.acting(world.members[0]), proposal)
    world.settle()
    found = find_proposal(world.final, world.final, world.dao, proposal.id, at=world.final.block())
    assert found == proposal
    assert bundle_of(found, world.dao) is None


def test_a_height_is_found_by_its_time(world: World) -> None:
    last = world.final.block()
    for number in range(last.number + 1):
        block = world.final.block(number)
        found = world.final.block(height_at(world.final, block.timestamp, last=last))
        assert found.timestamp == block.timestamp


@pytest.mark.parametrize(
    "changed",
    [
        {"targets": (Address("0x" + "00" * 20),)},
        {"targets": ()},
        {"values": (1,)},
        {"text": b"Software update: x\nipfs://{cid}\n"},
        {"text": b" Software Update: x\nipfs://{cid}\n"},
        {"text": b"Software Update: x\n\nipfs://{cid}\n"},
        {"text": b"Software Update: x\nipfs://{cid} \n"},
        {"text": b"Software Update: x\nipfs://{CID}\n"},
        {"text": b"Software Update: x"},
        {"text": b"Software Update" + b"x" * 160 + b"\nipfs://{cid}\n"},
    ],
)
def test_only_a_proper_update_passes_for_one(bundle: Cid, fix: Cid, changed: dict[str, Any]) -> None:
    good = update(DAO, bundle, name="x", body="")
    check_update(good, DAO, bundle)
    if "text" in changed:
        shouted = str(bundle).upper().encode()
        changed = {"text": changed["text"].replace(b"{cid}", str(bundle).encode()).replace(b"{CID}", shouted)}
    fields = {
        "targets": good.targets,
        "values": good.values,
        "calldatas": good.calldatas,
        "text": good.text,
        **changed,
    }
    with pytest.raises(TextLied):
        check_update(Proposal(**fields), DAO, bundle)
    with pytest.raises(TextLied):
        check_update(good, DAO, fix)


@pytest.mark.parametrize("name", ["x" * 160, "two\nlines", "a\rb", "\x1b[2J", "a\0"])
def test_a_title_is_one_short_line(bundle: Cid, name: str) -> None:
    with pytest.raises(Misuse) as refusal:
        update(DAO, bundle, name=name, body="")
    assert refusal.value.code == "proposal.title"


def test_a_text_that_nobody_would_read_is_refused(bundle: Cid) -> None:
    with pytest.raises(Misuse):
        update(DAO, bundle, name="x", body="x" * MAX_TEXT)


@given(st.text(max_size=60))
def test_nothing_that_is_printed_moves_the_cursor_or_turns_the_text(line: str) -> None:
    shown = printable(line)
    assert len(shown) == len(line)
    assert not set(shown) & set("\x1b\r\n\0\x9b\u202e\u2066")


@given(st.binary(max_size=200))
def test_any_bytes_as_a_text_can_be_shown(raw: bytes) -> None:
    proposal = Proposal((), (), (), raw)
    assert "\x1b" not in proposal.title + proposal.body
    assert proposal.id == Proposal((), (), (), raw).id


@given(st.binary(max_size=700))
def test_no_log_data_breaks_the_reader(raw: bytes) -> None:
    log = text.Log(REGISTRY, (bytes(32),), raw, 1, bytes(32), bytes(32), 0)
    assert text._told(log) is None
