"""Key events that are none: each bent at one place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cyberprivacy import canonical
from making.people import guardians, key, opening

HEX32: Final = "00" * 32
Value = dict[str, Any]
Bent = tuple[str, str, str]


def malformed(good: Value) -> Iterator[Bent]:
    """Comment, code and text of each."""
    text = canonical.encode(good).decode()
    yield "a blank", "json.form", text.replace(":", ": ", 1)
    yield "not JSON", "json.form", "{"
    yield "too large", "json.form", _text({**good, "signature": "00" * 12_300})
    yield "no object", "event.form", "[]"
    yield "no signature", "event.form", _text({name: good[name] for name in ("event", "key")})
    yield "something unknown", "event.form", _text({**good, "more": 1})
    yield "a signature in upper case", "event.form", _text({**good, "signature": "AB"})
    yield "half a byte of signature", "event.form", _text({**good, "signature": "abc"})
    yield "an empty signature", "signature.form", _text({**good, "signature": ""})
    yield "no key", "key.form", _text({**good, "key": "anna"})
    yield "a key that is a number", "event.form", _text({**good, "key": 1})
    yield "the event comes before the key", "event.form", _text({**good, "key": "anna", "event": {}})
    yield "the key comes before the signature", "key.form", _text({**good, "key": "anna", "signature": "x"})
    for number, (name, value) in enumerate(_fields()):
        yield f"field {number}: {name} is {str(value)[:12]!r}", "event.form", _event(good, {name: value})
    yield "a field of the event is missing", "event.form", _without(good, "at")
    yield "a field of the event is unknown", "event.form", _event(good, {"more": 1})
    for number, (kind, code, body) in enumerate(_bodies()):
        shown = canonical.encode(body).decode()
        yield f"body {number}: {kind} {shown[:40]}", code, _event(good, {"kind": kind, "body": shown})
    for bad, code in (
        ("", "json.form"),
        ("{ }", "json.form"),
        ("[]", "event.form"),
        ("null", "event.form"),
        ('{"key":1.5}', "json.form"),
    ):
        yield f"body {bad!r}", code, _event(good, {"body": bad})


_FIELDS: Final[Mapping[str, tuple[object, ...]]] = {
    "account": ("", "00" * 31, "00" * 33, "AB" * 32, "0x" + "00" * 32, 0, None),
    "prior": ("", "00" * 31, "zz" * 32, []),
    "seq": (-1, 1 << 32, True, "1", None),
    "at": (0, -1, 1 << 40, True, "1"),
    "kind": ("", "Add", "unknown", 1, None),
    "body": (1, {}, None),
}


def _fields() -> list[tuple[str, object]]:
    return [(name, value) for name, values in _FIELDS.items() for value in values]


def _bodies() -> list[tuple[str, str, Value]]:
    carl, anna = key("carl").text, key("anna").text
    many = sorted(key(f"key {number}").text for number in range(17))
    helpers = [_guardian(each.commitment, each.operator) for each in guardians("gina", "gustav")]
    crowd = [_guardian(each.commitment, each.operator) for each in guardians(*(f"helper {n}" for n in range(17)))]
    shown = {"key": key("gina").text, "salt": opening("gina").salt.hex()}
    start: Value = {"keys": [anna], "guardians": [], "salt": HEX32}
    both = sorted([anna, carl])
    cases: list[tuple[str, str, Value]] = [
        ("add", "event.form", {}),
        ("add", "event.form", {"key": carl, "old": anna}),
        ("add", "key.form", {"key": carl.upper()}),
        ("add", "key.form", {"key": None}),
        ("add", "key.form", {"key": 1}),
        ("add", "passkey.key", {"key": "webauthn-p256:02" + "ff" * 32}),
        ("remove", "event.form", {"key": carl, "guardian": shown}),
        ("rotate", "event.form", {"key": carl}),
        ("rotate", "key.form", {"key": carl, "old": "x"}),
        ("freeze", "event.form", {"key": carl}),
        ("freeze", "event.form", {"guardian": {}}),
        ("freeze", "event.form", {"guardian": {**shown, "more": 1}}),
        ("freeze", "event.form", {"guardian": {**shown, "salt": "00"}}),
        ("freeze", "key.form", {"guardian": {**shown, "key": "x"}}),
        ("freeze", "event.form", {"guardian": None}),
        ("unfreeze", "event.form", {"guardian": shown}),
        ("revoke-grants", "event.form", {}),
        *(("revoke-grants", "event.form", {"before": each}) for each in (-1, 1 << 40, True, "1", None)),
        ("recover", "event.form", {"key": carl}),
        ("recover", "event.form", {"guardian": shown}),
        ("approve", "event.form", {"guardian": shown}),
        ("approve", "event.form", {"recovery": "00"}),
        ("cancel", "event.form", {"recovery": 1}),
        ("execute", "event.form", {"recovery": HEX32, "guardian": shown}),
        ("guardians", "event.form", {"guardians": {}}),
        ("guardians", "event.form", {"guardians": crowd}),
        ("guardians", "event.form", {"guardians": helpers[::-1]}),
        ("guardians", "event.form", {"guardians": [{**helpers[0], "name": "gina"}]}),
        ("guardians", "event.form", {"guardians": [{"commitment": "00", "operator": HEX32}]}),
        ("guardians", "event.operator", {"guardians": [helpers[0], helpers[0]]}),
        ("guardians", "event.form", {"guardians": [helpers[0], {**helpers[0], "operator": HEX32}]}),
        (
            "guardians",
            "event.operator",
            {"guardians": [helpers[1], {**helpers[0], "operator": helpers[1]["operator"]}]},
        ),
        ("incept", "event.form", {**start, "keys": []}),
        ("incept", "event.form", {**start, "keys": many}),
        ("incept", "event.form", {**start, "keys": both[::-1]}),
        ("incept", "event.form", {**start, "keys": [anna, anna]}),
        ("incept", "event.form", {**start, "keys": anna}),
        ("incept", "key.form", {**start, "keys": [anna, "x"]}),
        ("incept", "event.form", {**start, "salt": "00"}),
        ("incept", "event.form", {**start, "salt": None}),
        ("incept", "event.form", {"keys": [anna], "guardians": []}),
    ]
    return cases


def _guardian(commitment: bytes, operator: bytes) -> dict[str, str]:
    return {"commitment": commitment.hex(), "operator": operator.hex()}


def _event(good: Value, change: Mapping[str, object]) -> str:
    return _text({**good, "event": {**good["event"], **change}})


def _without(good: Value, name: str) -> str:
    return _text({**good, "event": {each: value for each, value in good["event"].items() if each != name}})


def _text(value: object) -> str:
    return canonical.encode(value).decode()
