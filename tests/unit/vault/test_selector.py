"""Selectors and scopes: one spelling, no surprises, and narrower means that nothing else is selected."""

from dataclasses import replace

import pytest
from grants import ORDER, SCOPE, h
from hypothesis import given
from hypothesis import strategies as st
from people import refusal

from cyberprivacy.vault.scope import Action, Scope, narrower, read_all
from cyberprivacy.vault.selector import Literal, Selector

FIELDS = st.sampled_from(["a", "b", "a.b", "_c"])
LITERALS = st.one_of(
    st.booleans(), st.integers(-2, 2), st.sampled_from(["", "1", "true", " AND ", "a = 1", "x AND y = 2"])
)
SELECTORS = st.builds(
    lambda since, equal: Selector(since, tuple(sorted(equal.items()))),
    st.none() | st.integers(0, 5),
    st.dictionaries(FIELDS, LITERALS, max_size=3),
)
VALUES = st.one_of(st.none(), LITERALS, st.just(1.0))
RECORDS = st.fixed_dictionaries(
    {}, optional={"a": VALUES | st.fixed_dictionaries({"b": VALUES}), "b": VALUES, "_c": VALUES}
)


@given(SELECTORS)
def test_what_is_written_reads_back(selector: Selector) -> None:
    assert Selector.parse(str(selector)) == selector


@given(
    st.lists(
        st.sampled_from(["all", "since:1", " AND ", "a", " = ", '"x"', "1", "-0", "01", "true", " ", "b"]),
        max_size=9,
    )
)
def test_a_selector_has_one_spelling(pieces: list[str]) -> None:
    text = "".join(pieces)
    if refusal(lambda: Selector.parse(text)) == "":
        assert str(Selector.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "ALL", "all ", "all AND a = 1", "since:01", "since:-1", "since:1 AND since:1", "a = 1 AND since:1"),
        *("b = 1 AND a = 1", "a = 1 AND a = 1", "a = 1 AND a = 2", "a=1", "a = 1  AND b = 1", "a = 1 OR b = 1"),
        *("a = -0", "a = 01", "a = 1.0", "a = 1e3", "a = 9007199254740993", "a = null", "a = 'x'", "a = TRUE"),
        *(
            'a = "\\""',
            'a = "ü"',
            'a = "x',
            'a = "\n"',
            "a..b = 1",
            "a.b.c.d.e = 1",
            "1a = 1",
            "a = 1\n",
            "not a = 1",
        ),
        *(
            "since:253402300800",
            " AND ".join(f"{n} = 1" for n in "abcdefghi"),
            'a = "' + "x" * 129 + '"',
            None,
            7,
            ["all"],
        ),
    ],
)
def test_what_is_outside_the_grammar_is_refused(text: object) -> None:
    assert refusal(lambda: Selector.parse(text)) == "selector.form"


def naive(selector: Selector, record: object, changed: int) -> bool:
    """The sentences of the specification, one after the other."""
    if changed < (selector.since or 0):
        return False
    for path, wanted in selector.equal:
        value = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        kinds: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int, float), str: (str,)}
        if type(value) not in kinds[type(wanted)] or value != wanted:
            return False
    return True


@given(SELECTORS, RECORDS, st.integers(0, 6))
def test_matching_is_what_the_specification_says(
    selector: Selector, record: dict[str, object], changed: int
) -> None:
    assert selector.matches(record, changed) == naive(selector, record, changed)


@given(SELECTORS, SELECTORS, RECORDS, st.integers(0, 6))
def test_a_narrower_selector_selects_nothing_else(
    one: Selector, other: Selector, record: object, changed: int
) -> None:
    if one.within(other) and one.matches(record, changed):
        assert other.matches(record, changed)


@given(SELECTORS, FIELDS, LITERALS)
def test_one_more_condition_makes_it_narrower(selector: Selector, field: str, value: Literal) -> None:
    equal = dict(selector.equal)
    equal.setdefault(field, value)
    more = Selector(selector.since, tuple(sorted(equal.items())))
    assert more.within(selector)
    assert selector.within(more) == (more == selector)


def test_truth_is_not_a_number() -> None:
    one, truth = Selector.parse("a = 1"), Selector.parse("a = true")
    assert not one.within(truth)
    assert not truth.within(one)
    assert not one.matches({"a": True}, 0)
    assert not truth.matches({"a": 1}, 0)
    assert one.matches({"a": 1.0}, 0)


def test_a_scope_reads_back_and_is_in_order() -> None:
    assert Scope.read(SCOPE.as_json()) == SCOPE
    other = replace(SCOPE, selector=Selector(5))
    assert read_all([SCOPE.as_json(), other.as_json()]) == (SCOPE, other)
    for bad in ([], [other.as_json(), SCOPE.as_json()], [SCOPE.as_json()] * 2, [SCOPE.as_json()] * 17, "x", {}):
        assert refusal(lambda bad=bad: read_all(bad)) == "scope.form"


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"actions": []},
            {"actions": ["read", "read"]},
            {"actions": ["subscribe", "read"]},
            {"actions": ["own"]},
        ),
        *(
            {"actions": "read"},
            {"schema": "00"},
            {"schema": h("x").hex().upper()},
            {"more": 1},
            {"dataType": "order"},
        ),
        *(
            {"dataType": "order.v1"},
            {"dataType": "org.x.v0"},
            {"dataType": ORDER + "\n"},
            {"dataType": "Org.x.v1"},
        ),
    ],
)
def test_a_scope_of_another_form_is_refused(change: dict[str, object]) -> None:
    assert refusal(lambda: Scope.read({**SCOPE.as_json(), **change})) == "scope.form"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({}, True),
        ({"actions": (Action.READ,)}, True),
        ({"selector": Selector(1)}, True),
        ({"actions": (Action.READ, Action.WRITE)}, False),
        ({"data_type": "org.example.shop.order.v2"}, False),
        ({"schema": h("another")}, False),
    ],
)
def test_narrower_is_a_part_and_nothing_else(change: dict[str, object], part: bool) -> None:
    assert narrower((replace(SCOPE, **change),), (SCOPE,)) is part  # type: ignore[arg-type]
