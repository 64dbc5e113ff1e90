"""The threat model names its tests, attack by attack; each is there, and no attack that is tried goes unnamed."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "threat-model.md"
OUTCOMES = {
    "prevented",
    "detected",
    "prevented and detected",
    "without effect",
    "in part",
    "not prevented",
}
ATTACKS = (
    *(
        "start",
        "beset",
        "chassis",
        "data_disk",
        "data_disk_alone",
        "data_disk_secure_boot",
        "enrolment",
        "key_node",
    ),
    *("secure_boot", "upgrade"),
)
"""Modules of `tests/privacy_os` that attack."""


def rows() -> list[list[str]]:
    """The cells of each attack."""
    table = PAGE.read_text().partition("| attack | outcome | how | tests |\n")[2].partition("\n\n")[0]
    return [re.split(r" \| ", line.removeprefix("| ").removesuffix(" |")) for line in table.splitlines()[1:]]


def there(module: Path) -> set[str]:
    """The tests of a module, as the page names them."""
    place = module.relative_to(TESTS).as_posix()
    functions = (each for each in ast.parse(module.read_text()).body if isinstance(each, ast.FunctionDef))
    return {f"{place}::{each.name}" for each in functions if each.name.startswith("test_")}


def test_each_attack_has_an_outcome_and_tests_that_exist() -> None:
    found = rows()
    assert len(found) > 40
    for attack, outcome, how, tests in found:
        named = re.findall(r"`([^`]+)`", tests)
        assert outcome in OUTCOMES, attack
        assert how, attack
        assert tests == "<br>".join(f"`{each}`" for each in named) if named else tests == "not tried", attack
        for each in named:
            assert each in there(TESTS / each.partition("::")[0]), (attack, each)


def test_what_is_prevented_or_detected_was_tried() -> None:
    untried = {attack: outcome for attack, outcome, _, tests in rows() if tests == "not tried"}
    assert set(untried.values()) == {"not prevented"}, untried


def test_each_attack_that_is_tried_has_a_row() -> None:
    named = {each for *_, tests in rows() for each in re.findall(r"`([^`]+)`", tests)}
    tried = {test for name in ATTACKS for test in there(TESTS / "privacy_os" / f"test_{name}.py")}
    assert tried <= named, tried - named
