"""`lint`, `measure` and `bundle diff` as people and scripts meet them: text, --json, exit codes."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from good_bundle import DOCKERFILE, MANIFEST, edited, write

from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cli import run
from cyberprivacy.review.rules import RULES


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_lint_says_yes_with_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(write(tmp_path))]) == 0
    assert "passes" in capsys.readouterr().out


def test_lint_says_no_with_exit_code_1_and_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"Dockerfile": edited(DOCKERFILE, ("USER 10001", "VOLUME /x"))})
    assert run(["lint", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "Dockerfile:5: " in text
    assert "[dockerfile.volume]" in text
    assert "[dockerfile.user-root]" in text
    assert run(["lint", str(tmp_path), "--json"]) == 1
    found = answer(capsys)
    assert found["passes"] is False
    assert [one["code"] for one in found["findings"]] == ["dockerfile.volume", "dockerfile.user-root"]  # type: ignore[attr-defined]


def test_lint_prints_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--rules", "--json"]) == 0
    rows = answer(capsys)["rules"]
    assert [row["code"] for row in rows] == list(RULES)  # type: ignore[attr-defined]
    assert run(["lint", "--rules"]) == 0


def test_histories_and_caches_of_tools_are_left_out_as_in_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {".git/config": b"\0", "app/__pycache__/a.pyc": b"\0"})
    assert run(["lint", str(tmp_path), "--json"]) == 0
    assert answer(capsys) == {"passes": True, "findings": []}


def test_measure_counts_against_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(tmp_path / "old")
    new = write(tmp_path / "new", {"app/more.py": "one\ntwo\n"})
    assert run(["measure", str(new), "--against", str(old), "--json"]) == 0
    found = answer(capsys)
    assert found["lines"] == 2
    assert found["files"] == [
        {"path": "app/more.py", "lines": 2, "factor": 1, "reason": "2 lines, 2 tokens, 6 bytes"}
    ]


def test_a_statement_is_the_same_for_a_directory_and_its_cid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, store = write(tmp_path / "tree"), tmp_path / "store"
    cid = str(pack(tree, store=FolderStore(store)).cid)
    statements = []
    for source in (str(tree), cid, f"ipfs://{cid}"):
        assert run(["measure", source, "--statement", "--store", str(store)]) == 0
        captured = capsys.readouterr()
        assert f"report: 0x{sha256(captured.out.encode()).hexdigest()}" in captured.err
        statements.append(captured.out)
    assert len(set(statements)) == 1
    assert json.loads(statements[0])["subject"][0]["name"] == f"ipfs://{cid}"


def test_measure_takes_the_parent_of_the_manifest_as_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    parent = str(pack(write(tmp_path / "old"), store=FolderStore(store)).cid)
    manifest = edited(MANIFEST, ("release: 1", "release: 2"), ("parent: null", f"parent: {parent}"))
    new = write(tmp_path / "new", {"cyberprivacy.yaml": manifest})
    assert run(["measure", str(new), "--store", str(store), "--json"]) == 0
    assert [row["path"] for row in answer(capsys)["files"]] == ["cyberprivacy.yaml"]  # type: ignore[attr-defined]


def test_diff_shows_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(tmp_path / "old")
    new = write(tmp_path / "new", {"app/main.py": "print('bye')\n"})
    assert run(["bundle", "diff", str(old), str(new)]) == 0
    text = capsys.readouterr().out
    assert "-print('hello')\n+print('bye')" in text
    assert run(["bundle", "diff", str(old), str(new), "--json"]) == 0
    (change,) = answer(capsys)["changes"]  # type: ignore[misc]
    assert (change["kind"], change["path"], change["lines"]) == ("changed", "app/main.py", 1)


def test_what_is_neither_a_directory_nor_a_cid_is_misuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint", str(tmp_path / "no"), "--json"]) == 2
    assert answer(capsys)["error"] == "review.source"
