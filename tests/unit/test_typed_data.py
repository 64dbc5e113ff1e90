"""EIP-712: the published example, another implementation as the judge, and what does not fit."""

from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.typed_data import MAX_BYTES, MAX_VALUES, BadTypedData, Schema

MAIL = Schema(
    {"name": "Ether Mail", "version": "1", "chainId": 1, "verifyingContract": bytes.fromhex("cc" * 20)},
    {
        "Person": (("name", "string"), ("wallet", "address")),
        "Mail": (("from", "Person"), ("to", "Person"), ("contents", "string")),
    },
)
COW = {"name": "Cow", "wallet": bytes.fromhex("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")}
BOB = {"name": "Bob", "wallet": b"\xbb" * 20}
LETTER = {"from": COW, "to": BOB, "contents": "Hello, Bob!"}

ALL = Schema(
    {"name": "All", "version": "1", "salt": b"\x07" * 32},
    {
        "Leaf": (("n", "int64"), ("tag", "bytes4")),
        "All": (
            *(("a", "uint8"), ("b", "int256"), ("c", "bool"), ("d", "address"), ("e", "bytes16"), ("f", "bytes")),
            *(
                ("g", "string"),
                ("h", "string[]"),
                ("i", "Leaf[]"),
                ("j", "Leaf"),
                ("k", "uint16[2]"),
                ("l", "uint8[][]"),
            ),
        ),
    },
)
LEAF = st.fixed_dictionaries({"n": st.integers(-(2**63), 2**63 - 1), "tag": st.binary(min_size=4, max_size=4)})
DOCUMENTS = st.fixed_dictionaries(
    {
        "a": st.integers(0, 255),
        "b": st.integers(-(2**255), 2**255 - 1),
        "c": st.booleans(),
        "d": st.binary(min_size=20, max_size=20),
        "e": st.binary(min_size=16, max_size=16),
        "f": st.binary(max_size=40),
        "g": st.text(max_size=20),
        "h": st.lists(st.text(max_size=5), max_size=4),
        "i": st.lists(LEAF, max_size=3),
        "j": LEAF,
        "k": st.lists(st.integers(0, 65535), min_size=2, max_size=2),
        "l": st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=3),
    }
)


def test_the_example_of_the_standard_has_its_published_digest() -> None:
    assert (
        MAIL.encode_type("Mail") == "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
    )
    assert MAIL.digest("Mail", LETTER).hex() == "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"


@given(DOCUMENTS)
def test_every_document_has_the_digest_that_eth_account_computes(document: dict[str, Any]) -> None:
    types = {
        name: [{"name": label, "type": kind} for label, kind in fields] for name, fields in ALL.structs.items()
    }
    oracle = encode_typed_data(dict(ALL.domain), types, document)
    assert ALL.digest("All", document) == _hash_eip191_message(oracle)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"contents": 5}, "typed.form"),
        ({"contents": "\ud800"}, "typed.form"),
        ({"contents": b"Hello, Bob!"}, "typed.form"),
        ({"to": {**BOB, "wallet": b"\xbb" * 19}}, "typed.form"),
        ({"to": {**BOB, "more": 1}}, "typed.form"),
        ({"to": {"name": "Bob"}}, "typed.form"),
        ({"to": []}, "typed.form"),
        ({"contents": "x" * (MAX_BYTES + 1)}, "typed.size"),
    ],
)
def test_what_does_not_fit_its_type_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(BadTypedData) as refusal:
        MAIL.digest("Mail", {**LETTER, **change})
    assert refusal.value.code == code


@pytest.mark.parametrize("number", [256, -1, True, "1", 1.0])
def test_a_number_out_of_range_is_refused_and_not_cut(number: object) -> None:
    schema = Schema({"name": "n"}, {"N": (("a", "uint8"),)})
    assert schema.digest("N", {"a": 255})
    with pytest.raises(BadTypedData):
        schema.digest("N", {"a": number})


def test_more_values_or_more_depth_than_any_honest_document_is_refused() -> None:
    flat = Schema({"name": "n"}, {"N": (("a", "uint8[]"),)})
    with pytest.raises(BadTypedData) as refusal:
        flat.digest("N", {"a": [0] * MAX_VALUES})
    assert refusal.value.code == "typed.size"
    deep = Schema({"name": "n"}, {"N": (("a", "uint8" + "[]" * 10),)})
    value: Any = []
    for _ in range(9):
        value = [value]
    with pytest.raises(BadTypedData) as refusal:
        deep.digest("N", {"a": value})
    assert refusal.value.code == "typed.size"
    looped = Schema({"name": "n"}, {"N": (("next", "N[]"),)})
    again: Any = {"next": []}
    for _ in range(9):
        again = {"next": [again]}
    with pytest.raises(BadTypedData):
        looped.digest("N", again)


def test_a_list_of_fixed_length_has_that_length() -> None:
    schema = Schema({"name": "n"}, {"N": (("a", "uint8[2]"),)})
    with pytest.raises(BadTypedData):
        schema.digest("N", {"a": [1]})
