import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cyberprivacy.strict_yaml import MAX_DEPTH, MAX_DOCUMENTS, BadYaml, load, load_all

LIMIT = 64 << 10


def refusal(text: str | bytes) -> BadYaml:
    with pytest.raises(BadYaml) as caught:
        load(text if isinstance(text, bytes) else text.encode(), limit=LIMIT)
    return caught.value


def test_an_ordinary_document_is_read_as_its_author_meant_it() -> None:
    document = """
# a comment
name: guestbook
version: 1.0.0
image: "sha256:00"
address: 10.0.0.1:8080
memory: 64Mi
command: [python3, -m, http.server, '8080', "yes"]
replicas: 2
least: -1
hidden: true
parent: null
nothing:
text: |
  one
  two
nested: {a: {b: [1, {c: d}]}}
"""
    assert load(document.encode(), limit=LIMIT) == {
        "name": "guestbook",
        "version": "1.0.0",
        "image": "sha256:00",
        "address": "10.0.0.1:8080",
        "memory": "64Mi",
        "command": ["python3", "-m", "http.server", "8080", "yes"],
        "replicas": 2,
        "least": -1,
        "hidden": True,
        "parent": None,
        "nothing": None,
        "text": "one\ntwo\n",
        "nested": {"a": {"b": [1, {"c": "d"}]}},
    }


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("yaml.anchor", "a: &x 1"),
        ("yaml.anchor", "a: [&x b, *x]"),
        ("yaml.anchor", "a: *x"),
        ("yaml.anchor", "? *x\n: 1"),
        ("yaml.tag", "a: !!str 1"),
        ("yaml.tag", "a: ! x"),
        ("yaml.tag", "!!python/object/apply:os.system [id]"),
        ("yaml.tag", "!!set {a, b}"),
        ("yaml.merge", "<<: {a: 1}"),
        ("yaml.duplicate", "a: 1\nb: 2\na: 3"),
        ("yaml.duplicate", 'a: 1\n"a": 3'),
        ("yaml.duplicate", "{a: {b: 1, b: 2}}"),
        ("yaml.key", "1: a"),
        ("yaml.key", "true: a"),
        ("yaml.key", "null: a"),
        ("yaml.key", "[a]: b"),
        ("yaml.key", "? {a: b}\n: c"),
        ("yaml.documents", "a\n---\nb"),
        ("yaml.directive", "%YAML 1.1\n---\na"),
        ("yaml.directive", "%TAG ! tag:x,2000:\n---\na"),
        ("yaml.directive", "%FOO bar\n---\na"),
        ("yaml.empty", ""),
        ("yaml.empty", "# nothing"),
        ("yaml.float", "1.5"),
        ("yaml.float", "1e3"),
        ("yaml.float", ".5"),
        ("yaml.float", ".inf"),
        ("yaml.float", ".NaN"),
        ("yaml.integer", "9223372036854775808"),
        ("yaml.integer", "1" + "0" * 5000),
        ("yaml.encoding", "a: \u200bb"),
        ("yaml.encoding", "a: \u202eb"),
        ("yaml.encoding", "\ufeffa: b"),
        ("yaml.encoding", "a: b\r\n"),
        ("yaml.encoding", "a:\tb"),
        ("yaml.encoding", "a: b\u2028c: d"),
        ("yaml.encoding", "a: b\x85c: d"),
        ("yaml.encoding", 'a: "\\ud800"'),
        ("yaml.form", 'a: "\\Uffffffff"'),
        ("yaml.form", "a: b: c"),
        ("yaml.form", "a: 'b"),
        ("yaml.form", "[a, b"),
        ("yaml.form", "a: @b"),
        ("yaml.depth", "[" * 40 + "]" * 40),
        ("yaml.depth", "- " * 40 + "a"),
    ],
)
def test_what_readers_may_take_differently_is_refused(code: str, text: str) -> None:
    assert refusal(text).code == code


@pytest.mark.parametrize(
    "word",
    [
        "y",
        "N",
        "yes",
        "No",
        "ON",
        "off",
        "010",
        "-07",
        "0b1",
        "0x1F",
        "0o17",
        "1_000",
        "12:30",
        "190:20:30",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "=",
        "1.5_0",
    ],
)
def test_a_word_that_yaml_1_1_reads_otherwise_must_be_quoted(word: str) -> None:
    assert refusal(f"a: {word}").code == "yaml.ambiguous"
    assert load(f"a: '{word}'".encode(), limit=LIMIT) == {"a": word}


def test_utf_16_and_broken_utf_8_are_refused() -> None:
    assert refusal("a: b".encode("utf-16")).code == "yaml.encoding"
    assert refusal(b"a: \xff").code == "yaml.encoding"


def test_a_document_over_its_limit_is_refused_unread() -> None:
    with pytest.raises(BadYaml) as caught:
        load(b"a" * 101, limit=100)
    assert caught.value.code == "yaml.size"


def test_a_refusal_says_where() -> None:
    error = refusal("a: 1\nb:\n  c: &x 1\n")
    assert (error.facts["line"], error.facts["column"]) == (3, 6)


def test_several_documents_are_read_in_order() -> None:
    assert load_all(b"---\na: 1\n---\n- b\n---\n", limit=LIMIT) == [{"a": 1}, ["b"], None]
    assert load_all(b"", limit=LIMIT) == []
    with pytest.raises(BadYaml) as caught:
        load_all(b"--- a\n" * (MAX_DOCUMENTS + 1), limit=LIMIT)
    assert caught.value.code == "yaml.documents"


def test_nesting_up_to_the_limit_is_read() -> None:
    assert load(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit=LIMIT)


texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63) + 1, (1 << 63) - 1) | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=12,
)


def quoted(value: object) -> str:
    """The judge's writer: flow style, every text in double quotes with escapes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            escaped = "".join(
                c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value
            )
            return f'"{escaped}"'
        case list():
            return "[" + ", ".join(map(quoted, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)}: {quoted(item)}" for key, item in value.items()) + "}"
    raise AssertionError


@given(values)
def test_every_value_comes_back(value: object) -> None:
    assert load(quoted(value).encode(), limit=LIMIT) == value


@given(st.text(alphabet=st.sampled_from("ab01:-?#&*!|>'\"%@`{}[],. \n\\~<=yesnoU"), max_size=60))
def test_any_text_is_refused_or_means_what_a_yaml_1_2_reader_sees(text: str) -> None:
    """The judge is ruamel's own safe loader, in YAML 1.2."""
    try:
        found = load(text.encode(), limit=LIMIT)
    except BadYaml as error:
        assert re.fullmatch(r"yaml\.[a-z]+", error.code)
        return
    assert found == YAML(typ="safe", pure=True).load(text)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        load_all(data, limit=LIMIT)
    except BadYaml as error:
        assert error.code.startswith("yaml.")


def test_this_projects_own_yaml_is_in_the_strict_part(tmp_path: Path) -> None:
    for file in Path(__file__).parents[2].glob("examples/*/cyberprivacy.yaml"):
        load(file.read_bytes(), limit=LIMIT)
