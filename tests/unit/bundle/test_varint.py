import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import varint
from cyberprivacy.bundle.refusals import BadBundle


@given(st.integers(0, (1 << 63) - 1), st.binary(max_size=4), st.binary(max_size=4))
def test_every_number_comes_back_wherever_it_stands(number: int, before: bytes, after: bytes) -> None:
    made = varint.encode(number)
    assert varint.decode(before + made + after, len(before)) == (number, len(before) + len(made))


@given(st.binary(max_size=12))
def test_bytes_are_either_the_one_spelling_of_a_number_or_refused(data: bytes) -> None:
    try:
        number, end = varint.decode(data)
    except BadBundle as refusal:
        assert refusal.code == "bundle.varint"
    else:
        assert varint.encode(number) == data[:end]


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x00", b"\x81\x00", b"\xff" * 9, b"\x80" * 9 + b"\x01"], ids=bytes.hex
)
def test_a_cut_or_long_or_padded_number_is_refused(data: bytes) -> None:
    with pytest.raises(BadBundle):
        varint.decode(data)
