"""What a bundle keeps for users is judged, and shown to those who vote on it."""

import json
from pathlib import Path

import pytest

from cyberprivacy.bundle.manifest import Data
from cyberprivacy.review.data import judge
from cyberprivacy.review.tree import read_tree

TYPE = "example.guestbook.message.v1"
GOOD = {"type": "object", "title": "Message", "properties": {"text": {"type": "string", "title": "Text"}}}


def found(folder: Path, schema: object, path: str = "message.json") -> list[tuple[str, int, str]]:
    (folder / "message.json").write_text(json.dumps(schema))
    lines = {("data", TYPE): 9}
    return [(one.code, one.line, one.what) for one in judge(read_tree(folder), (Data(TYPE, path),), lines)]


def test_a_good_type_is_pointed_out_with_its_fields(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == [("data.declares", 9, f"{TYPE}: text")]


@pytest.mark.parametrize(
    ("schema", "path", "code"),
    [
        (GOOD, "none.json", "data.schema"),
        ({"type": "array"}, "message.json", "data.schema"),
        ({**GOOD, "description": "x" * 70_000}, "message.json", "data.schema"),
        ({**GOOD, "properties": {"text": {"type": "string"}}}, "message.json", "data.title"),
    ],
)
def test_what_people_cannot_judge_is_refused_at_its_line(
    tmp_path: Path, schema: object, path: str, code: str
) -> None:
    refused = [one for one in found(tmp_path, schema, path) if one[0] != "data.declares"]
    assert [one[:2] for one in refused] == [(code, 9)]
