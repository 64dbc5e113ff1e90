"""The few values that every room shares: CIDs, canonical JSON, seals, errors."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import canonical
from cyberprivacy.cid import DAG_PB, RAW, BadCid, Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.seal import Seal

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"  # the raw block of no bytes, well known


def test_the_cid_of_nothing_is_the_one_that_ipfs_prints() -> None:
    assert str(Cid.of(RAW, b"")) == EMPTY
    assert Cid.parse(EMPTY).matches(b"")


@given(st.sampled_from([RAW, DAG_PB]), st.binary(min_size=32, max_size=32))
def test_a_cid_reads_back_from_its_text_and_its_bytes(codec: int, digest: bytes) -> None:
    cid = Cid(codec, digest)
    assert Cid.parse(str(cid)) == cid == Cid.from_bytes(bytes(cid))
    assert len(str(cid)) == 59


@given(st.text(max_size=70))
def test_any_text_is_a_cid_in_one_spelling_or_refused(text: str) -> None:
    try:
        assert str(Cid.parse(text)) == text
    except BadCid as refusal:
        assert refusal.code == "cid.form"


@pytest.mark.parametrize(
    "text",
    [
        EMPTY.upper(),
        EMPTY + "\n",
        " " + EMPTY,
        EMPTY[:-1] + "v",  # the unused bits of the last character
        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
        "b" + base64.b32encode(b"\x01\x71\x12\x20" + bytes(32)).decode().lower().rstrip("="),  # dag-cbor
        "b" + base64.b32encode(b"\x01\x55\x16\x20" + bytes(32)).decode().lower().rstrip("="),  # sha3
    ],
)
def test_a_second_spelling_or_another_kind_is_refused(text: str) -> None:
    with pytest.raises(BadCid):
        Cid.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_reads_back(value: object) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(st.binary(max_size=60))
def test_bytes_are_canonical_json_or_refused(data: bytes) -> None:
    try:
        assert canonical.encode(canonical.decode(data)) == data
    except canonical.NotCanonical as refusal:
        assert refusal.code == "json.form"


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1,"a":2}', b"1.0", b"1e2", b'"\\u0041"', b" 1", b"NaN"]
)
def test_a_second_spelling_of_json_is_refused(data: bytes) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(data)


def test_a_seal_takes_only_itself() -> None:
    seal = Seal("bundle")
    seal.check(seal)
    with pytest.raises(Misuse) as refusal:
        seal.check(Seal("bundle"))
    assert refusal.value.code == "seal.forged"


@pytest.mark.parametrize(("base", "exit_code"), [(Untrusted, 1), (Misuse, 2), (TryLater, 3)])
def test_the_three_bases_end_a_command_differently(base: type[CyberPrivacyError], exit_code: int) -> None:
    error = base("what happened", code="some.code", cid="bafy")
    assert (error.exit_code, error.code, str(error)) == (exit_code, "some.code", "what happened (cid='bafy')")


@given(st.integers(1, 100_000))
def test_a_document_nested_absurdly_deep_is_refused_not_a_crash(depth: int) -> None:
    if depth > canonical.MAX_DEPTH + 1:
        with pytest.raises(canonical.NotCanonical):
            canonical.decode(b"[" * depth + b"]" * depth)
