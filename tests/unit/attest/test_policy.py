import json
from typing import Any

import pytest

from cyberprivacy.attest.policy import BadPolicy, Policy, parse
from cyberprivacy.attest.report import Level

FULL = {
    "v": 1,
    "least": "measured-boot",
    "age": 60,
    "chain_age": 600,
    "skew": 5,
    "laps": {"review": 604800, "vote": 259200},
    "roots": {"sha256:" + "ab" * 32: "measured-boot"},
    "measurements": ["sha256:" + "cd" * 32],
}


def test_a_policy_says_what_its_file_says() -> None:
    assert parse(json.dumps(FULL).encode()) == Policy(
        roots={b"\xab" * 32: Level.MEASURED_BOOT},
        least=Level.MEASURED_BOOT,
        age=60,
        chain_age=600,
        skew=5,
        laps={"review": 604800, "vote": 259200, "deployment": 0},
        measurements=frozenset({b"\xcd" * 32}),
    )


def test_an_empty_policy_file_is_the_default() -> None:
    default = parse(b'{"v":1}')
    assert (default.least, default.roots, default.age) == (Level.OPERATOR_TRUSTED, {}, Policy().age)
    assert set(default.laps.values()) == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"extra": 1},
        {"least": "best"},
        {"age": 0},
        {"age": "60"},
        {"age": True},
        {"laps": {"emergency": 1}},
        {"laps": {"vote": -1}},
        {"laps": None},
        {"roots": {"ab": "measured-boot"}},
        {"roots": {"sha256:" + "AB" * 32: "measured-boot"}},
        {"roots": {"sha256:" + "ab" * 32: "development"}},
        {"measurements": "all"},
        {"measurements": [1]},
    ],
    ids=repr,
)
def test_a_policy_of_another_form_is_misuse(change: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy):
        parse(json.dumps({**FULL, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"v":1,"v":1}', b" " * 100_000, b"\xff"], ids=repr)
def test_bytes_that_are_no_policy_are_misuse(data: bytes) -> None:
    with pytest.raises(BadPolicy):
        parse(data)


def test_a_development_root_is_let_in_by_hand_only() -> None:
    allowed = Policy().allowing_development(b"r" * 32)
    assert (allowed.least, allowed.roots) == (Level.DEVELOPMENT, {b"r" * 32: Level.DEVELOPMENT})
    assert Policy().roots == {}
