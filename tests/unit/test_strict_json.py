"""JSON of others says one thing to every reader, or is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import strict_json
from cyberprivacy.errors import CyberPrivacyError

LIMIT = 1 << 16
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXT, each, max_size=4),
    max_leaves=20,
)  # fmt: skip


def refused(data: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        strict_json.read(data, limit=limit)
    return refusal.value.code


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_it_reads_what_the_standard_library_reads(value: object, ascii_only: bool, indent: int | None) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    found = strict_json.read(data, limit=LIMIT)
    assert found == json.loads(data)
    assert repr(found) == repr(json.loads(data))  # 1 is not 1.0, and neither is true


@given(VALUES, TEXT, st.integers(0, 8))
def test_a_name_that_stands_twice_is_refused_wherever_it_stands(value: object, name: str, depth: int) -> None:
    member = f"{json.dumps(name)}:{json.dumps(value)}"
    once, twice = (f"{{{text}}}" for text in (member, f"{member},{member}"))
    before, after = '{"a":[' * depth, "]}" * depth
    strict_json.read((before + once + after).encode(), limit=LIMIT)
    assert refused((before + twice + after).encode()) == "json.strict"


def test_a_name_that_stands_twice_in_two_spellings_is_refused() -> None:
    assert strict_json.read(b'{"a":1,"\\u0062":2}', limit=LIMIT) == {"a": 1, "b": 2}
    assert refused(b'{"a":1,"\\u0061":2}') == "json.strict"


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"NaN", b"[Infinity]", b"[-Infinity]", b"[1,]", b'{"a":1,}', b"01", b"+1", b"1.", b".5", b"'a'",
        b'"a\nb"', b'"\\x41"', b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b"1 2", b"{}{}", b'{"a" 1}', b"{a:1}",
        b"\xef\xbb\xbf{}", b"nul", b"[1", b'"a', b"tru", b"// x\n1", b"\x001",
    ],
)  # fmt: skip
def test_what_readers_take_for_different_things_is_refused(data: bytes) -> None:
    assert refused(data) == "json.strict"


@pytest.mark.parametrize(
    "number",
    ["1e999", "-1E+0999", "9e308", "1" * 310 + ".0", "1" * 250 + "e99", "17976931348623159" + "0" * 292 + ".5"],
)
def test_a_number_that_is_infinite_to_readers_with_doubles_is_refused(number: str) -> None:
    assert json.loads(number) in (float("inf"), float("-inf"))
    for text in (number, f'[1,{{"a":[{number}]}}]'):
        assert refused(text.encode()) == "json.strict"


@pytest.mark.parametrize(
    "text", ["1.7976931348623157e308", "1e-999", '"1e999"', "0e999", "1" * 400, '["e999",1e2]']
)
def test_a_large_number_that_is_none_too_large_and_a_text_that_looks_like_one_are_read(text: str) -> None:
    assert strict_json.read(text.encode(), limit=LIMIT) == json.loads(text)


def test_size_and_depth_are_bounded_before_anything_is_read() -> None:
    assert strict_json.read(b"[" * 32 + b"]" * 32, limit=64)
    assert refused(b"[" * 33 + b"]" * 33) == "json.strict"
    assert refused(b"[" * 100_000) == "json.size"
    assert refused(b"[1,2]", limit=4) == "json.size"
