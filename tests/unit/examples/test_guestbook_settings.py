"""What the guestbook's administrators may turn is turned, and what they may ask says no names."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.examples.test_guestbook import Book, bundle

from cyberprivacy.admin.register import Register
from cyberprivacy.admin.statistics import contributions
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.bundle.manifest import parse
from cyberprivacy.proposal.release import Address
from cyberprivacy.review.lint import findings


def declared(folder: Path) -> Administration:
    manifest = parse((folder / "cyberprivacy.yaml").read_bytes())
    assert manifest.admin is not None
    return manifest.admin


def told(folder: Path, **changes: object) -> bytes:
    """What a node writes, from the defaults of the release's own manifest."""
    values = Register(Address("0x")).present(declared(folder), 0)
    for room in values.values():
        room.update(
            {name.replace("_", "-"): value for name, value in changes.items() if name.replace("_", "-") in room}
        )
    return json.dumps(values).encode()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "parameters.json"


@pytest.fixture
def book(tmp_path: Path, settings: Path) -> Iterator[Book]:
    folder = bundle("1.1.0", tmp_path)
    settings.write_bytes(told(folder))
    book = Book(folder, tmp_path, "--settings", str(settings))
    for number in range(5):
        assert book.form(name=f"name {number % 2}", text=f"n{number}")[0] == 303
    yield book
    assert book.end() == 0


def texts(book: Book, query: str = "") -> list[str]:
    return [each["text"] for each in book.messages(query)["messages"]]


def test_a_page_has_as_many_messages_as_was_set_without_a_restart(book, settings, tmp_path):
    assert texts(book) == ["n4", "n3", "n2", "n1", "n0"]
    settings.write_bytes(told(tmp_path / "1.1.0", per_page=2))
    assert texts(book) == ["n4", "n3"]
    assert book.ask("GET", "/")[1].count("<article") == 2


def test_those_with_most_hearts_stand_first_when_that_was_chosen_page_by_page(book, settings, tmp_path):
    for entry in (1, 1, 3):
        assert book.ask("POST", f"/api/messages/{entry}/hearts", "")[0] == 200
    settings.write_bytes(told(tmp_path / "1.1.0", per_page=2, order="hearts"))
    first = book.messages()
    assert [each["text"] for each in first["messages"]] == ["n0", "n2"]
    assert texts(book, f"?before={first['next']}") == ["n4", "n3"]


def test_the_node_is_told_how_much_each_has_written_and_no_names(book):
    status, said = book.ask("GET", "/.well-known/cyberprivacy/statistics/messages-per-day")
    assert status == 200
    assert "name" not in said
    assert sorted(contributions(said.encode())) == [2, 3]
    assert book.ask("GET", "/.well-known/cyberprivacy/statistics/names")[0] == 404


def test_the_statistic_that_is_declared_is_the_one_that_is_answered(tmp_path):
    (one,) = declared(bundle("1.1.0", tmp_path)).statistics
    assert f"statistics/{one.name}" in (tmp_path / "1.1.0/app/main.py").read_text()


def test_the_gate_shows_what_1_1_0_lets_administrators_do_and_refuses_no_more_than_in_1_0_0(tmp_path):
    old, new = (findings(bundle(version, tmp_path)) for version in ("1.0.0", "1.1.0"))
    assert {one.code for one in old if one.refuses} >= {one.code for one in new if one.refuses} - {
        "manifest.parent"
    }
    shown = [one.what.partition(":")[0] for one in new if one.code == "admin.declares"]
    assert shown[1:] == [
        "administrators' delay", "parameter per-page", "algorithm order", "statistic messages-per-day",
    ]  # fmt: skip
    assert all(one.line for one in new if one.code == "admin.declares")
