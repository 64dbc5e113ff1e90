"""What a bundle keeps for users is judged, and shown to those who vote on it."""

import json
from pathlib import Path

import pytest

from cyberprivacy.review.data import judge
from cyberprivacy.review.tree import read_tree

TYPE = "example.guestbook.message.v1"
GOOD = {"type": "object", "title": "Message", "properties": {"text": {"type": "string", "title": "Text"}}}


def found(folder: Path, schema: object, name: str = TYPE) -> list[tuple[str, int, str]]:
    (folder / "types").mkdir()
    (folder / "types" / f"{name}.json").write_text(json.dumps(schema))
    lines = {("data",): 8, ("data", 0): 9}
    return [(one.code, one.line, one.what) for one in judge(read_tree(folder), (TYPE,), lines)]


def test_a_good_type_is_pointed_out_with_its_fields(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == [("data.declares", 9, f"{TYPE}: text")]


def test_a_type_that_nobody_votes_on_is_refused(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD, "example.guestbook.secret.v1") == [
        ("data.schema", 9, f"there is no types/{TYPE}.json"),
        ("data.unnamed", 8, "types/example.guestbook.secret.v1.json"),
    ]


def test_what_else_is_in_the_folder_is_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "types" / "more").mkdir(parents=True)
    for name in ("index.d.ts", "more/x.json"):
        (tmp_path / "types" / name).write_text("{}")
    assert judge(read_tree(tmp_path), (), {}) == ()


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"type": "array"}, "data.schema"),
        ({**GOOD, "description": "x" * 70_000}, "data.schema"),
        ({**GOOD, "properties": {"text": {"type": "string"}}}, "data.title"),
    ],
)
def test_what_people_cannot_judge_is_refused_at_its_line(tmp_path: Path, schema: object, code: str) -> None:
    refused = [one for one in found(tmp_path, schema) if one[0] != "data.declares"]
    assert [one[:2] for one in refused] == [(code, 9)]
