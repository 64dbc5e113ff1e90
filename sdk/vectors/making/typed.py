"""Typed data: the example of EIP-712 itself, our `KeyEvent`, and a structure with everything in it."""

from collections.abc import Mapping
from typing import Final

from cyberprivacy.typed_data import Schema
from making.layout import Case, Group, Json
from making.people import NETWORK, SCHEMA

MAIL: Final = Schema(
    {"name": "Ether Mail", "version": "1", "chainId": 1, "verifyingContract": bytes.fromhex("cc" * 20)},
    {
        "Mail": (("from", "Person"), ("to", "Person"), ("contents", "string")),
        "Person": (("name", "string"), ("wallet", "address")),
    },
)
"""Source: EIP-712, "Example"."""
ALL: Final = Schema(
    {"name": "All", "salt": bytes(range(32))},
    {
        "All": (
            *(("flag", "bool"), ("small", "uint8"), ("signed", "int16"), ("tag", "bytes4"), ("data", "bytes")),
            *(("names", "string[]"), ("pair", "uint256[2]"), ("inner", "Inner"), ("list", "Inner[]")),
        ),
        "Inner": (("to", "address"), ("grid", "int8[][2]")),
    },
)
DEEP: Final = Schema(
    {"name": "Deep"}, {"Deep": (("a", "uint8[][][][][][][][]"),), "Deeper": (("a", "uint8[][][][][][][][][]"),)}
)
_INNER: Final = {"to": bytes(20), "grid": [[1, -128], [127]]}
_ALL: Final = {
    "flag": True,
    "small": 255,
    "signed": -32_768,
    "tag": b"\0\1\2\3",
    "data": b"",
    "names": ["", "\u00e9"],
    "pair": [0, (1 << 256) - 1],
    "inner": _INNER,
    "list": [_INNER, {"to": b"\xff" * 20, "grid": [[], []]}],
}
_EVENT: Final = {
    "account": bytes(32),
    "seq": 0,
    "prior": bytes(32),
    "kind": "incept",
    "body": "{}",
    "at": 1_800_000_000,
}
_LONG: Final = "\u00e9" * 5 + "x" * (65_536 - 64 - 10)
"""Of so many bytes that it and two digests make 65,536."""
Bent = tuple[str, Mapping[str, object]]


def tagged(value: object) -> Json:
    """A value with its kind beside it, so that no language has to guess."""
    match value:
        case bool():
            return {"bool": value}
        case str():
            return {"string": value}
        case int():
            return {"int": str(value)}
        case bytes():
            return {"bytes": value.hex()}
        case Mapping():
            return {"struct": {name: tagged(item) for name, item in value.items()}}
        case list():
            return {"list": [tagged(item) for item in value]}
    raise TypeError(type(value).__name__)


def groups() -> list[Group]:
    """All groups."""
    mail = {
        "from": {"name": "Cow", "wallet": bytes.fromhex("cd2a3d9f938e13cd947ec05abc7fe734df8dd826")},
        "to": {"name": "Bob", "wallet": bytes.fromhex("bb" * 20)},
        "contents": "Hello, Bob!",
    }
    return [
        _group(MAIL, "Mail", [("the example of EIP-712", mail)], []),
        _group(SCHEMA, "KeyEvent", _good_events(), _bad_events()),
        _group(ALL, "All", [("each type", _ALL), ("no elements", {**_ALL, "names": [], "list": []})], _bad_all()),
        _group(DEEP, "Deep", [("eight arrays", {"a": _brackets(8)})], []),
        _group(DEEP, "Deeper", [("the ninth array is absent", {"a": _brackets(8)})], [("typed.size", _ninth())]),
        Group("Network", {}, _networks()),
    ]


def _group(schema: Schema, name: str, good: list[Bent], bad: list[tuple[str, list[Bent]]]) -> Group:
    cases = [
        Case(f"{name}: {what}", {"value": tagged(value)}, {"digest": schema.digest(name, value).hex()})
        for what, value in good
    ]
    cases += [
        Case(f"{name}: {what}", {"value": tagged(value)}, code=code) for code, each in bad for what, value in each
    ]
    shared: Json = {
        "domain": {label: tagged(value) for label, value in schema.domain.items()},
        "types": {
            each: [{"name": label, "type": kind} for label, kind in fields]
            for each, fields in schema.structs.items()
        },
        "primaryType": name,
    }
    return Group("Digest", shared, cases)


def _good_events() -> list[Bent]:
    return [
        ("an event", _EVENT),
        ("the largest numbers", {**_EVENT, "seq": (1 << 64) - 1, "at": (1 << 64) - 1}),
        ("text outside ASCII", {**_EVENT, "body": "\u20ac \U0001f600"}),
        ("65,536 bytes", {**_EVENT, "kind": "", "body": _LONG}),
    ]


def _bad_events() -> list[tuple[str, list[Bent]]]:
    short = {name: value for name, value in _EVENT.items() if name != "at"}
    form: list[Bent] = [
        ("a field is missing", short),
        ("a field is unknown", {**_EVENT, "more": 1}),
        ("another name", {**short, "At": 1}),
        ("a number past uint64", {**_EVENT, "seq": 1 << 64}),
        ("a negative number", {**_EVENT, "at": -1}),
        ("true for a number", {**_EVENT, "seq": True}),
        ("a text for a number", {**_EVENT, "at": "1"}),
        ("a number for a text", {**_EVENT, "kind": 1}),
        ("bytes for a text", {**_EVENT, "body": b"{}"}),
        ("31 bytes", {**_EVENT, "account": bytes(31)}),
        ("33 bytes", {**_EVENT, "account": bytes(33)}),
        ("hex for bytes", {**_EVENT, "prior": "00" * 32}),
        ("a list for a text", {**_EVENT, "body": ["{}"]}),
        ("a structure for a text", {**_EVENT, "body": {}}),
    ]
    size: list[Bent] = [
        ("65,537 bytes", {**_EVENT, "kind": "x", "body": _LONG}),
        ("a long text where a number belongs is too large first", {**_EVENT, "seq": "x" * 70_000}),
    ]
    return [("typed.form", form), ("typed.size", size)]


def _bad_all() -> list[tuple[str, list[Bent]]]:
    form: list[Bent] = [
        ("one element of two", {**_ALL, "pair": [1]}),
        ("three elements of two", {**_ALL, "pair": [1, 2, 3]}),
        ("a number past uint8", {**_ALL, "small": 256}),
        ("a number past int16", {**_ALL, "signed": 32_768}),
        ("a number below int16", {**_ALL, "signed": -32_769}),
        ("a number for true", {**_ALL, "flag": 1}),
        ("no list", {**_ALL, "names": "a"}),
        ("bytes for a list of numbers", {**_ALL, "pair": b"\1\2"}),
        ("a wrong element", {**_ALL, "names": ["a", 1]}),
        ("an address of 19 bytes", {**_ALL, "inner": {**_INNER, "to": bytes(19)}}),
        ("a field is missing inside", {**_ALL, "inner": {"to": bytes(20)}}),
        ("a structure is missing inside a list", {**_ALL, "list": [1]}),
        ("three bytes of four", {**_ALL, "tag": bytes(3)}),
    ]
    return [("typed.form", form), ("typed.size", [("5,000 elements", {**_ALL, "names": [""] * 5_000})])]


def _ninth() -> list[Bent]:
    return [("nine arrays", {"a": _brackets(9)})]


def _brackets(depth: int) -> list[object]:
    made: list[object] = []
    for _ in range(depth - 1):
        made = [made]
    return made


def _networks() -> list[Case]:
    """Names of networks, and the salt of the domain."""
    from cyberprivacy.vault import forms

    good = [
        Case(f"a network: {name[:20]}", {"network": name}, {"salt": _salt(forms.schema(name))})
        for name in (NETWORK, "a", "0.a-b:c", "x" * 64)
    ]
    bad = ("", "A", "-a", ".a", "a b", "a\n", "x" * 65, "\u00e9", "a/b", "a_b")
    return [*good, *(Case(f"no network: {name[:20]!r}", {"network": name}, code="network.form") for name in bad)]


def _salt(schema: Schema) -> str:
    salt = schema.domain["salt"]
    assert isinstance(salt, bytes)
    return salt.hex()
