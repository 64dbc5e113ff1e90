"""Data types: which schemas are let in, and when another one only adds."""

import json
from collections.abc import Mapping

import pytest

from cyberprivacy.bundle.datatype import MAX_NODES, MOST_ENCRYPTED, BadType, DataType, parse
from cyberprivacy.bundle.growth import check_growth

NAME = "example.shop.order.v1"
ORDER: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Order",
    "titles": {"de": "Bestellung"},
    "properties": {
        "total": {
            "type": "integer",
            "title": "Total",
            "minimum": 0,
            "x-unit": "cent",
            "x-sensitivity": "sensitive",
        },
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 100},
        "at": {"type": "string", "format": "date-time", "x-origin": "observed"},
    },
    "required": ["total"],
    "$defs": {
        "item": {
            "type": "object",
            "properties": {
                "sku": {"type": "string", "pattern": "^[a-z]{1,9}$"},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            },
        }
    },
}


def declared(schema: Mapping[str, object], name: str = NAME) -> DataType:
    return parse(name, json.dumps(schema).encode())


def refusal(schema: Mapping[str, object], name: str = NAME) -> str:
    with pytest.raises(BadType) as caught:
        declared(schema, name)
    return caught.value.code


def test_a_type_has_one_document_whatever_its_spelling_and_titles_in_languages() -> None:
    one = parse(NAME, json.dumps(ORDER, indent=3).encode())
    other = parse(NAME, json.dumps(dict(reversed(ORDER.items()))).encode())
    assert one.document == other.document
    assert one.digest == other.digest
    assert one.titles == {"en": "Order", "de": "Bestellung"}
    assert one.fields()["total"]["x-unit"] == "cent"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "order",
        "order.v1",
        "Shop.order.v1",
        "shop.order.v0",
        "shop.order.v01",
        "shop.order",
        "shop..v1",
        "a.b.v1\n",
        "a." * 70 + "v1",
    ],
)
def test_a_name_is_a_reverse_domain_name_with_a_version(name: str) -> None:
    with pytest.raises(BadType) as caught:
        declared(ORDER, name)
    assert caught.value.code == "type.name"


@pytest.mark.parametrize(
    "field",
    [
        {"$ref": "https://evil.example/schema.json"},
        {"$ref": "#/properties/total"},
        {"$ref": "#/$defs/none"},
        {"$dynamicRef": "#x"},
        {"$id": "https://x.example/"},
        {"anyOf": [{"type": "string"}]},
        {"patternProperties": {"(a+)+$": {}}},
        {"type": "money"},
        {"type": ["string", "string"]},
        {"type": []},
        {"minimum": 0.5},
        {"minLength": -1},
        {"minLength": True},
        {"format": "regex"},
        {"pattern": "a" * 201},
        {"enum": []},
        {"const": {"a": 1}},
        {"x-sensitivity": "secret"},
        {"x-origin": "bought"},
        {"titles": {"en": "x"}},
        {"titles": {"DE": "x"}},
        {"title": "two\nlines"},
        {"items": []},
        {"properties": {"a b": {}}},
        {"required": ["none"]},
        {"$defs": {"x": {}}},
        True,
        "x",
    ],
)
def test_what_is_unbounded_foreign_or_unknown_is_refused(field: object) -> None:
    schema = {**ORDER, "properties": {**ORDER["properties"], "field": field}}  # type: ignore[dict-item]
    assert refusal(schema) == "type.form"


def test_the_whole_must_be_an_object_of_bounded_size_that_says_one_thing() -> None:
    assert refusal({"type": "string"}) == "type.form"
    assert refusal({"type": "object"}) == "type.form"
    assert refusal({**ORDER, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}) == "type.form"
    many = {f"f{n}": {} for n in range(MAX_NODES + 1)}
    assert refusal({"type": "object", "properties": many}) == "type.size"
    assert refusal({"type": "object", "properties": {}, "description": "x" * (64 << 10)}) == "type.size"
    with pytest.raises(BadType):
        parse(NAME, b'{"type":"object","type":"object","properties":{}}')


def with_(**changes: object) -> DataType:
    return declared({**ORDER, **changes})


def properties(**changes: object) -> dict[str, object]:
    found = {**ORDER["properties"], **changes}  # type: ignore[dict-item]
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    "new",
    [
        with_(),
        with_(title="Purchase", titles={"de": "Kauf", "fr": "Achat"}, description="What was bought"),
        with_(properties=properties(note={"type": "string"})),
        with_(
            **{
                "$defs": {
                    "item": {
                        **ORDER["$defs"]["item"],
                        "properties": {**ORDER["$defs"]["item"]["properties"], "colour": {"type": "string"}},
                    }
                }
            }
        ),  # type: ignore[index]
    ],
)
def test_the_same_version_may_gain_optional_fields_and_other_words(new: DataType) -> None:
    check_growth(declared(ORDER), new)


@pytest.mark.parametrize(
    "new",
    [
        with_(properties=properties(at=None)),
        with_(properties=properties(note={"type": "string"}), required=["total", "note"]),
        with_(required=[]),
        with_(properties=properties(total={"type": "string"})),
        with_(properties=properties(total={**ORDER["properties"]["total"], "minimum": 1})),  # type: ignore[index]
        with_(properties=properties(total={**ORDER["properties"]["total"], "x-unit": "euro"})),  # type: ignore[index]
        with_(properties=properties(total={**ORDER["properties"]["total"], "x-sensitivity": "normal"})),  # type: ignore[index]
        with_(additionalProperties=False),
        with_(**{"$defs": {"item": {"type": "object", "properties": {"sku": {"type": "string"}}}}}),
        with_(**{"$defs": {"item": {"type": "object"}}}),
    ],
)
def test_everything_else_needs_another_version(new: DataType) -> None:
    with pytest.raises(BadType) as caught:
        check_growth(declared(ORDER), new)
    assert caught.value.code == "type.version"


WEIGHT = {"type": "string", "minimum": 0, "maximum": 500_000, "x-sensitivity": "he-sum"}


def weighs(**changes: object) -> DataType:
    field = {name: value for name, value in {**WEIGHT, **changes}.items() if value is not None}
    return parse(NAME, json.dumps({"type": "object", "properties": {"grams": field}}).encode())


def test_an_encrypted_number_is_a_string_to_every_reader_and_has_bounds() -> None:
    assert weighs().encrypted() == {"grams": (0, 500_000)}
    assert weighs(minimum=-MOST_ENCRYPTED, maximum=MOST_ENCRYPTED).encrypted()
    assert weighs(**{"x-sensitivity": "sensitive"}).encrypted() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "integer"},
        {"type": ["string", "null"]},
        {"type": None},
        {"minimum": None},
        {"maximum": None},
        {"minimum": 500_000},
        {"maximum": MOST_ENCRYPTED + 1},
        {"minimum": -MOST_ENCRYPTED - 1},
    ],
    ids=str,
)
def test_an_encrypted_number_that_could_not_be_added_up_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadType) as refused:
        weighs(**changes)
    assert refused.value.code == "type.form"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {}, "x-sensitivity": "he-sum", **WEIGHT, "type": "object"},
        {"properties": {"a": {"type": "array", "items": WEIGHT}}},
        {"properties": {"a": {"type": "object", "properties": {"b": WEIGHT}}}},
        {"properties": {"a": {"$ref": "#/$defs/w"}}, "$defs": {"w": WEIGHT}},
        {"properties": {"a": {"$ref": "#/$defs/w", **WEIGHT}}, "$defs": {"w": {"type": "string"}}},
    ],
    ids=["the record", "a list", "deeper", "a definition", "beside a reference"],
)
def test_an_encrypted_number_stands_in_the_record_itself(schema: dict[str, object]) -> None:
    with pytest.raises(BadType):
        parse(NAME, json.dumps({"type": "object", **schema}).encode())
