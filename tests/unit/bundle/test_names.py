import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle.names import Siblings, safe_name
from cyberprivacy.bundle.refusals import BadBundle


@pytest.mark.parametrize(
    "name",
    ["a", "Dockerfile", ".gitignore", "a b", "ünïcödé", "日本語", "a.b.c", "-rf", "CONtent", "console", "$x"],
)
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert safe_name(name.encode(), 255) == name


@given(st.binary(max_size=20))
def test_a_name_that_is_let_through_is_one_component_and_comes_back(raw: bytes) -> None:
    try:
        name = safe_name(raw, 255)
    except BadBundle as refusal:
        assert refusal.code == "bundle.name"
        return
    assert name.encode() == raw
    assert "/" not in name
    assert "\0" not in name
    assert name not in ("", ".", "..")
    assert name.isprintable() or " " in name or not name.isascii()


def test_names_alike_to_some_reader_are_refused_and_others_are_not() -> None:
    siblings = Siblings(255)
    assert [siblings.add(name) for name in (b"a", b"b", b"a.txt")] == ["a", "b", "a.txt"]
    for alike in ("A", "B", "A.TXT", "\uff41"):
        with pytest.raises(BadBundle):
            siblings.add(alike.encode())
