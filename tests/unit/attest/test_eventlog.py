from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.eventlog import MAX_EVENTS, Event, composite, encode, measurement, parse, replay
from cyberprivacy.errors import Untrusted

EVENT = st.builds(
    Event,
    st.integers(0, 15),
    st.binary(min_size=32, max_size=32),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30),
)
ONE = Event(10, b"d" * 32, "file a")


@given(st.lists(EVENT, max_size=12))
def test_a_log_reads_back_as_it_was_written(events: list[Event]) -> None:
    assert parse(encode(events)) == tuple(events)


@given(st.lists(EVENT, max_size=8))
def test_a_replay_takes_each_digest_in_order(events: list[Event]) -> None:
    slow = [bytes(32)] * 16  # the judge: one register at a time
    for pcr in range(16):
        for event in events:
            if event.pcr == pcr:
                slow[pcr] = sha256(slow[pcr] + event.extended).digest()
    assert replay(events) == dict(enumerate(slow))
    assert composite(replay(events), range(16)) == sha256(b"".join(slow)).digest()


@given(st.lists(EVENT, max_size=6), st.lists(EVENT, max_size=6))
def test_only_the_same_events_have_one_measurement(one: list[Event], other: list[Event]) -> None:
    assert (measurement(one) == measurement(other)) == (one == other)


def test_an_event_is_extended_as_the_specification_writes_it_out() -> None:
    written = b"\x00\x00\x00\x14CyberPrivacy-Event/1\x00\x00\x00\x06file a\x00\x00\x00\x20" + b"d" * 32
    assert ONE.extended == sha256(written).digest()


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'[{"pcr":16,"sha256":"' + b"0" * 64 + b'","what":"x"}]',
        b'[{"pcr":10,"sha256":"' + b"0" * 62 + b'","what":"x"}]',
        b'[{"pcr":10,"sha256":"' + b"0" * 64 + b'","what":""}]',
        b'[{"pcr":10,"sha256":"' + b"0" * 64 + b'","what":"\xc3\xa9"}]',
        b'[{"pcr":10,"sha256":"' + b"0" * 64 + b'","what":"a\\nb"}]',
        b'[{"pcr":10,"sha256":"' + b"0" * 64 + b'"}]',
    ],
    ids=["no list", "resettable register", "short", "nameless", "not ASCII", "two lines", "no name"],
)
def test_a_log_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(BadDocument):
        parse(data)


def test_a_log_with_too_many_events_is_refused() -> None:
    with pytest.raises(Untrusted):
        parse(encode([Event(10, bytes(32), "x")] * (MAX_EVENTS + 1)))
