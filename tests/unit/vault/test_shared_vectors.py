"""The shared vectors: they are what the generator makes, our code agrees about each, and they say no often enough."""

import json
from pathlib import Path

import pytest
from judges import JUDGES, answer
from make import FILES
from making.layout import Case, Group, write

FOLDER = Path(__file__).parents[3] / "sdk" / "vectors" / "v1"


def test_every_file_is_made_and_no_other_lies_there() -> None:
    assert {each.stem for each in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_what_is_committed_is_what_the_generator_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_bytes() == write(name, FILES[name]())


@pytest.mark.parametrize("name", FILES)
def test_our_code_agrees_about_every_case(name: str) -> None:
    file = json.loads((FOLDER / f"{name}.json").read_bytes())
    judged = 0
    for group in file["testGroups"]:
        for test in group["tests"]:
            wanted = {"code": test["code"]} if "code" in test else {"code": "", "found": test["found"]}
            assert answer(group["type"], group, test) == wanted, test["comment"]
            assert test["result"] == ("invalid" if "code" in test else "valid")
            judged += 1
            assert test["tcId"] == judged
    assert judged == file["numberOfTests"]


def test_every_judge_is_needed() -> None:
    files = [json.loads(each.read_bytes()) for each in FOLDER.iterdir()]
    assert {group["type"] for file in files for group in file["testGroups"]} == set(JUDGES)


def test_a_file_that_says_yes_too_often_is_not_written() -> None:
    with pytest.raises(ValueError, match="less than half"):
        write("x", [Group("X", {}, [Case("a", {}), Case("b", {}), Case("c", {}, code="x")])])
    with pytest.raises(ValueError, match="one comment"):
        write("x", [Group("X", {}, [Case("a", {}, code="x"), Case("a", {}, code="x")])])
