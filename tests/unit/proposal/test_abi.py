from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.proposal.abi import contract, decode
from cyberprivacy.proposal.refusals import CONTRACTS, NotYet, refusal
from cyberprivacy.proposal.wire import BadAnswer

NESTED: list[dict[str, Any]] = [
    {"name": "number", "type": "uint48"},
    {"name": "", "type": "string"},
    {
        "name": "list",
        "type": "tuple[]",
        "components": [{"name": "who", "type": "address"}, {"name": "yes", "type": "bool"}],
    },
]
TYPES = ["uint48", "string", "(address,bool)[]"]
WHO = "0x" + "ab" * 20


def test_values_are_read_by_name_and_by_place() -> None:
    fields = decode("it", NESTED, encode(TYPES, (7, "text", [(WHO, True)])))
    assert fields.integer("number") == fields.integer("0") == 7
    assert fields.text("1") == "text"
    (only,) = fields.many("list")
    assert (only.address("who").lower(), only.flag("yes")) == (WHO, True)


@pytest.mark.parametrize("name", ["missing", "1", "list"])
def test_a_value_of_another_type_is_refused(name: str) -> None:
    fields = decode("it", NESTED, encode(TYPES, (7, "text", [])))
    with pytest.raises(BadAnswer):
        fields.integer(name)
    with pytest.raises(BadAnswer):
        fields.flag("number")


@given(st.binary(max_size=400))
def test_no_return_data_breaks_the_decoder(raw: bytes) -> None:
    try:
        decode("it", NESTED, raw)
    except BadAnswer:
        return


@given(st.data())
def test_a_second_spelling_of_the_same_values_is_refused(data: st.DataObject) -> None:
    good = encode(TYPES, (7, "text", [(WHO, True), (WHO, False)]))
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = data.draw(st.integers(1, 255))
    mangled = good[:place] + bytes([good[place] ^ flipped]) + good[place + 1 :]
    for other in (mangled, good + bytes(32), good[:-32], good[:place]):
        try:
            fields = decode("it", NESTED, other)
        except BadAnswer:
            continue
        again = encode(
            TYPES,
            (
                fields.integer("0"),
                fields.text("1"),
                [(x.address("who"), x.flag("yes")) for x in fields.many("list")],
            ),
        )
        assert again == other != good


@pytest.mark.parametrize(
    "word",
    [b"\xff" * 32, (1 << 255).to_bytes(32), (1 << 64).to_bytes(32), (1 << 31).to_bytes(32)],
    ids=lambda w: w[:9].hex(),
)
def test_huge_lengths_and_offsets_are_refused_without_taking_memory(word: bytes) -> None:
    good = encode(TYPES, (7, "text", [(WHO, True)]))
    for place in (32, 64, 96, 160):  # two offsets, two lengths
        with pytest.raises(BadAnswer):
            decode("it", NESTED, good[:place] + word + good[place + 32 :])


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_can_be_bound(name: str) -> None:
    assert contract(name).bytecode
    assert contract(name).errors


def test_wrong_arguments_are_misuse() -> None:
    registry = contract("ReleaseRegistry")
    for arguments in ((), (b"short", 1), (b"\0" * 33,), ("text",), (None,)):
        with pytest.raises(Misuse) as refused:
            registry.encode("activate", *arguments)
        assert refused.value.code == "law.argument"


@pytest.mark.parametrize(
    ("name", "entry"), [(name, entry) for name in CONTRACTS for entry in contract(name).errors.values()]
)
def test_every_refusal_of_every_contract_has_a_code_and_words(name: str, entry: Any) -> None:
    values = {"uint": 5, "bool": True, "address": WHO, "bytes32": b"\7" * 32, "bytes": b"", "string": "why"}
    arguments = [
        next(value for kind, value in values.items() if str(each["type"]).startswith(kind))
        for each in entry.inputs
    ]
    error = refusal(entry.selector + encode([each["type"] for each in entry.inputs], arguments))
    assert error.code.startswith("law.")
    assert error.what
    if "until" in error.facts and isinstance(error, NotYet):
        assert error.until == 5


@given(st.binary(max_size=120))
def test_no_revert_data_breaks_the_translator(raw: bytes) -> None:
    assert isinstance(refusal(raw), CyberPrivacyError)


@given(st.sampled_from(CONTRACTS), st.binary(max_size=120), st.data())
def test_no_arguments_of_a_known_refusal_break_the_translator(name: str, raw: bytes, data: st.DataObject) -> None:
    selector = data.draw(st.sampled_from(sorted(contract(name).errors)))
    assert refusal(selector + raw).code.startswith("law.")
