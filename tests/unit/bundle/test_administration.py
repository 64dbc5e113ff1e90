"""What a bundle says that administrators may do is read strictly."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import pattern
from cyberprivacy.bundle.declared import (
    Choice,
    DecimalNumber,
    FromRecords,
    Role,
    Switch,
    WholeNumber,
    Words,
    units,
)
from cyberprivacy.bundle.manifest import BadManifest, parse

ADMIN = """
admin:
  administrators:
    - "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    - {contract: "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", role: "0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"}
  delay: 60
  parameters:
    per-page: {type: integer, least: 1, most: 50, default: 20, unit: messages, doc: On one page}
    fee: {type: decimal, places: 2, least: "-0.50", most: "2.50", default: "1.00", doc: Fee}
    open: {type: boolean, default: true, doc: Open}
    tone: {type: choice, choices: [warm, cool], default: warm, doc: Colours}
    motto: {type: text, pattern: "[A-Za-z0-9 ]{0,40}", default: "Hello", doc: Words}
  algorithms:
    order: {choices: [newest, hearts], default: newest, doc: Order}
  statistics:
    ages: {query: histogram, least: 0, most: 120, bins: [18, 40], epsilon: "0.5", budget: "1.0", period: 86400, least-count: 20, doc: Ages}
"""
MANIFEST = """cyberprivacy: 1
name: a
version: "1"
release: 1
parent: null
pipeline: 1
images:
  web: {dockerfile: Dockerfile}
public: {service: web, port: 80}
"""


def read(old: str = "", new: str = ""):
    assert old in ADMIN
    return parse((MANIFEST + ADMIN.replace(old, new, 1)).encode()).admin


def test_a_whole_declaration_is_read():
    declared = read()
    assert declared is not None
    assert declared.administrators == (
        "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        Role("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", b"\x5a" * 32),
    )
    kinds = [each.kind for each in declared.parameters]
    assert kinds[:4] == [WholeNumber(1, 50), DecimalNumber(2, -50, 250), Switch(), Choice(("warm", "cool"))]
    assert isinstance(kinds[4], Words)
    assert [each.default for each in declared.parameters] == ["20", "1.00", "true", "warm", "Hello"]
    (asked,) = declared.statistics
    assert (asked.query, asked.bins, asked.epsilon, asked.budget) == ("histogram", (18, 40), 500, 1000)
    assert declared.delay == 60


OF = "of: {type: example.shop.order.v1, take: sum, field: price, within: 86400}, "


def test_a_statistic_of_records_is_read():
    declared = read("ages: {", "ages: {" + OF)
    assert declared is not None
    (asked,) = declared.statistics
    assert asked.of == FromRecords("example.shop.order.v1", "sum", "price", 86_400)
    assert str(asked.of) == "sum of price in example.shop.order.v1 of the last 86400 seconds"
    plain = read("ages: {", "ages: {of: {type: example.shop.order.v1, take: records}, ")
    assert plain is not None
    assert plain.statistics[0].of == FromRecords("example.shop.order.v1", "records", "", 0)


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("manifest.value", "example.shop.order.v1", "order"),
        ("manifest.value", "take: sum", "take: each"),
        ("manifest.value", "field: price", "field: a.b"),
        ("manifest.value", "within: 86400", "within: 59"),
        ("manifest.field", "field: price, ", ""),
        ("manifest.unknown", "take: sum", "take: records"),
        ("manifest.unknown", "within", "who: everybody, within"),
    ],
)
def test_a_statistic_of_anything_else_is_refused(code, old, new):
    assert old in OF
    with pytest.raises(BadManifest) as refused:
        read("ages: {", "ages: {" + OF.replace(old, new, 1))
    assert refused.value.code == code


def test_a_bundle_without_the_section_has_no_administrators():
    assert parse(MANIFEST.encode()).admin is None


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("manifest.unknown", "delay: 60", "delay: 60\n  backdoor: true"),
        ("manifest.unknown", "type: boolean,", "type: boolean, least: 1,"),
        ("manifest.value", "delay: 60", "delay: 604801"),
        ("manifest.value", "delay: 60", "delay: -1"),
        ("manifest.value", "180aa3", "180aA3"),
        ("manifest.value", "0x5a5a", "0x5A5A"),
        ("manifest.value", "type: boolean", "type: shell"),
        ("manifest.value", "per-page", "Per_Page"),
        ("manifest.repeated", "order:", "open:"),
        ("manifest.repeated", "[warm, cool]", "[warm, warm]"),
        ("manifest.field", "choices: [newest, hearts], ", ""),
        ("manifest.field", "choices: [newest, hearts]", "choices: []"),
        ("manifest.value", 'most: "2.50"', 'most: "2.5"'),
        ("manifest.yaml", 'most: "2.50"', "most: 2.50"),
        ("manifest.value", "{0,40}", "{0,401}"),
        ("manifest.value", "[A-Za-z0-9 ]{0,40}", "(a+)+"),
        ("manifest.value", "[A-Za-z0-9 ]{0,40}", ".*"),
        ("manifest.value", 'epsilon: "0.5"', 'epsilon: "0.0"'),
        ("manifest.value", 'epsilon: "0.5"', 'epsilon: "10.001"'),
        ("manifest.value", "period: 86400", "period: 60"),
        ("manifest.value", "query: histogram", "query: select"),
        ("manifest.value", "doc: Ages", "doc: ''"),
        ("manifest.field", "  administrators:\n", "  administrator:\n"),
    ],
)
def test_anything_else_is_refused(code, old, new):
    with pytest.raises(BadManifest) as caught:
        read(old, new)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            WholeNumber(-5, 50),
            ["0", "-5", "50"],
            ["51", "-6", "007", "+1", "1.0", "-0", "", " 1", "1\n", "\u0661"],
        ),
        (DecimalNumber(2, 0, 250), ["0.00", "2.50"], ["2.51", "2.5", "-0.00", "1", "1,00", "1e0", "1.00\n"]),
        (Switch(), ["true", "false"], ["True", "1", "yes", ""]),
        (Choice(("a", "b")), ["a"], ["c", "", "a\n"]),
        (Words(pattern.parse("[a-z]{1,3}-[0-9]{2}")), ["ab-12"], ["ab-1", "abcd-12", "ab-12\n", "AB-12"]),
    ],
)
def test_a_value_has_one_spelling_inside_its_bounds(kind, good, bad):
    for text in good:
        kind.read(text)
    for text in bad:
        with pytest.raises(ValueError, match=r"."):
            kind.read(text)


@given(st.integers(-(10**9), 10**9), st.integers(1, 6))
def test_a_decimal_reads_back_what_it_shows(number, places):
    assert units(DecimalNumber(places, 0, 0).shown(number), places) == number


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "[ab]", "[a-c]"]), st.integers(0, 3), st.integers(1, 3)),
        min_size=1,
        max_size=6,
    ),
    st.text(alphabet="abcd", max_size=12),
)
def test_a_pattern_means_what_a_regular_expression_means(pieces, text):
    source = "".join(f"{piece}{{{min(one, two)},{max(one, two)}}}" for piece, one, two in pieces)
    assert pattern.parse(source).matches(text) == bool(re.fullmatch(source, text))


def test_no_pattern_is_slow_on_any_text():
    worst = pattern.parse("[a]{0,200}" * 32)
    assert not worst.matches("a" * 399 + "b")
