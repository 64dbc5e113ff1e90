import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.proposal import wire
from cyberprivacy.proposal.wire import BadAnswer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.integers(0, (1 << 64) - 1))
def test_a_quantity_comes_back_as_it_was_spelled(number: int) -> None:
    assert wire.quantity(wire.as_quantity(number), "it") == number


@given(st.binary(max_size=80))
def test_bytes_come_back_as_they_were_spelled(raw: bytes) -> None:
    assert wire.octets(wire.as_data(raw), "it") == raw


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "0x",
        "0x00",
        "0x01",
        "0X1",
        "0xA",
        "1",
        "0x1 ",
        "0x1\n",
        " 0x1",
        "-0x1",
        "0x" + "f" * 17,
        "0x\N{ARABIC-INDIC DIGIT ONE}",
        1,
        1.0,
        None,
        True,
        [],
    ],
)
def test_a_second_spelling_of_a_number_is_refused(spelling: object) -> None:
    with pytest.raises(BadAnswer) as refusal:
        wire.quantity(spelling, "it")
    assert refusal.value.code == "chain.answer"


@pytest.mark.parametrize("spelling", ["", "0x0", "0xABCD", "0xg0", "abcd", "0xab ", "0xab\n", 0, None, b"0xab"])
def test_a_second_spelling_of_bytes_is_refused(spelling: object) -> None:
    with pytest.raises(BadAnswer):
        wire.octets(spelling, "it")


def test_bytes_of_another_length_are_refused() -> None:
    assert wire.octets("0x" + "ab" * 32, "a hash", size=32) == b"\xab" * 32
    with pytest.raises(BadAnswer):
        wire.octets("0x" + "ab" * 31, "a hash", size=32)


def test_an_address_is_read_in_any_case_and_kept_with_its_checksum() -> None:
    checked = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # an example of EIP-55
    for spelling in (checked, checked.lower(), "0x" + checked[2:].upper()):
        assert wire.address(spelling, "it") == checked
    with pytest.raises(BadAnswer):
        wire.address(checked[:-2], "it")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1,"a":2}', b"[" * 100_000, b"\xff", b"1" * 5000],
)
def test_what_only_some_readers_take_for_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        wire.document(body)


def test_brackets_inside_a_text_are_no_nesting_and_an_unclosed_text_costs_no_time() -> None:
    assert wire.document(b'"' + b"[" * 1000 + b'"') == "[" * 1000
    with pytest.raises(BadAnswer):
        wire.document(b'"' + rb"\"" * 2_000_000)


@given(JSON)
def test_no_json_value_breaks_a_parser(value: object) -> None:
    for parse in (
        lambda: wire.quantity(value, "it"),
        lambda: wire.octets(value, "it"),
        lambda: wire.address(value, "it"),
        lambda: wire.mapping(value, "it"),
        lambda: wire.items(value, "it", limit=2),
        lambda: wire.document(json.dumps(value).encode()),
    ):
        try:
            parse()
        except BadAnswer:
            continue


@given(st.binary(max_size=60))
def test_no_bytes_break_the_json_reader(body: bytes) -> None:
    with suppress(BadAnswer):
        wire.document(body)
