"""Intel's tables are cut out of its answers as they stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.collateral.intel import signed_text
from cyberprivacy.attest.collateral.source import BadSource


@pytest.mark.parametrize(
    "body",
    [
        '{"tcbInfo":{"a": 1,"b":"}"},"signature":"AB"}',
        ' { "signature" : "ab" , "tcbInfo" : {"a": 1,"b":"}"} } \n',
    ],
)
def test_the_text_is_that_which_was_signed(body: str) -> None:
    assert signed_text(body.encode(), "tcbInfo") == ('{"a": 1,"b":"}"}', "ab")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b'{"tcbInfo":{},"signature":"ab"',
        b'{"tcbInfo":{},"signature":"ab"} x',
        b'{"tcbInfo":{},"tcbInfo":{},"signature":"ab"}',
        b'{"tcbInfo":{},"signature":1}',
        b'{"tcbInfo":{},"signature":"ab","more":1}',
        b'{"enclaveIdentity":{},"signature":"ab"}',
        b'{"tcbInfo":' + b"[" * 100_000 + b"}",
        b'{"tcbInfo":{}, 1:2}',
        b"\xff",
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(BadSource) as refusal:
        signed_text(body, "tcbInfo")
    assert refusal.value.code == "collateral.form"


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4),
    st.sampled_from([None, 1]),
)
def test_any_table_comes_out_as_it_was_written(table: dict[str, object], indent: int | None) -> None:
    text = json.dumps(table, indent=indent)
    assert signed_text(f'{{"tcbInfo": {text}, "signature": "00"}}'.encode(), "tcbInfo") == (text, "00")
