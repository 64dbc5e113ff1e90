"""Cases for every verifier: ours agrees with all of them, itself and in the place of another one."""

import gzip
import json
import sys
from collections import Counter
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cyberprivacy.attest.conformance import BadCase, Case, Said, cases, pack
from cyberprivacy.attest.policy import BadPolicy
from cyberprivacy.attest.report import Answer
from cyberprivacy.cli import command_line
from cyberprivacy.cli import conformance as command
from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.testing.conformance import everything

FILE = Path(str(resources.files("cyberprivacy.attest"))) / "cases" / "evidence.jsonl.gz"
CASES = tuple(cases(FILE.read_bytes()))
PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "conformance.md").read_text()
OURS = f"{sys.executable} -c 'from cyberprivacy.cli import main; main()' conformance answer"


def run(*words: str) -> Any:
    return CliRunner().invoke(command_line("conformance"), ["conformance", *words])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_our_verifier_judges_each_case_exactly_as_expected(case: Case) -> None:
    assert case.judge() == case.expect


def test_there_are_enough_of_each_kind_and_most_are_refused() -> None:
    kinds = Counter(case.evidence.kind for case in CASES)
    assert all(kinds[kind] >= 20 for kind in ("tpm2", "sev-snp", "tdx"))
    words = Counter(case.expect.verdict for case in CASES if case.expect)
    assert set(words) == set(Answer)
    assert len(CASES) >= 60
    assert 2 * (len(CASES) - words[Answer.ACCEPT]) >= len(CASES)
    assert f"{len(CASES)} of them, {len(CASES) - words[Answer.ACCEPT]} of which" in PAGE
    assert FILE.stat().st_size < 1 << 20


def test_what_is_made_anew_is_the_same_but_for_its_keys() -> None:
    def plain(case: Case) -> tuple[object, ...]:
        policy = dict(case.policy)
        for name in ("measurements", "hardware", "snp"):  # the names of measurements and chips come from keys
            policy.pop(name, None)
        return case.id, case.about, case.at, policy, case.expect

    made = tuple(everything())
    assert [plain(case) for case in made] == [plain(case) for case in CASES]
    assert all(case.judge() == case.expect for case in made)


def test_a_case_is_what_its_line_says() -> None:
    for case in CASES:
        assert Case.read(case.line(told=True)) == case
        assert Case.read(case.line(told=False)) == replace(case, expect=None)
    assert tuple(cases(pack(CASES))) == tuple(cases(b"".join(case.line(told=True) for case in CASES))) == CASES


def test_our_program_stands_its_own_trial(tmp_path: Path) -> None:
    assert run("cases", str(tmp_path / "new" / "folder")).exit_code == 0
    file = str(tmp_path / "new" / "folder" / FILE.name)
    assert run("run", file, "--exact").exit_code == 0
    other = run("run", file, "--exact", "--command", OURS, "--json")
    assert other.exit_code == 0, other.output
    assert json.loads(other.stdout) == {"cases": len(CASES), "right": len(CASES), "wrong": []}


def speaker(tmp_path: Path, body: str) -> str:
    """Another verifier, which does as it is told."""
    (tmp_path / "other.py").write_text(f"import json, sys\n{body}\n")
    return f"{sys.executable} {tmp_path / 'other.py'}"


EACH = "for line in sys.stdin:\n    case = json.loads(line)\n    print(json.dumps({'id': case['id'], **ANSWER}))"


def test_a_verifier_that_accepts_everything_is_found_out(tmp_path: Path) -> None:
    other = speaker(tmp_path, EACH.replace("ANSWER", "{'verdict': 'accept', 'codes': []}"))
    result = run("run", str(FILE), "--command", other, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["right"] == sum(case.expect.verdict is Answer.ACCEPT for case in CASES if case.expect)
    assert "tdx.debug" in {each["id"] for each in document["wrong"]}


def test_a_verifier_with_words_of_its_own_agrees_where_it_matters(tmp_path: Path) -> None:
    only = tmp_path / "one.jsonl"
    only.write_bytes(next(case for case in CASES if case.id == "tdx.version-3").line(told=True))
    other = speaker(tmp_path, EACH.replace("ANSWER", "{'verdict': 'reject', 'codes': []}"))
    assert run("run", str(only), "--command", other).exit_code == 0
    assert run("run", str(only), "--command", other, "--exact").exit_code == 1


def test_what_is_expected_is_not_told(tmp_path: Path) -> None:
    body = "sys.exit(any('expect' in json.loads(line) for line in sys.stdin))"
    assert run("run", str(FILE), "--command", speaker(tmp_path, body)).exit_code == 1  # no answers, and no failure


@pytest.mark.parametrize(
    ("body", "code", "ended"),
    [
        ("sys.exit(7)", "conformance.failed", 3),
        ("print('{}')", "conformance.form", 2),
        ("print(json.dumps({'id': 'a', 'verdict': 'fine', 'codes': []}))", "conformance.form", 2),
        (
            "[print(json.dumps({'id': 'a', 'verdict': 'accept', 'codes': []})) for _ in '12']",
            "conformance.form",
            2,
        ),
        ("print('x' * (2 << 20))", "conformance.form", 2),
        ("[sys.stdout.write('x' * (1 << 20)) for _ in range(20)]", "conformance.failed", 3),
    ],
)
def test_a_verifier_that_does_not_answer_is_named(tmp_path: Path, body: str, code: str, ended: int) -> None:
    error = run("run", str(FILE), "--command", speaker(tmp_path, body)).exception
    assert isinstance(error, CyberPrivacyError)
    assert (error.code, error.exit_code) == (code, ended)


def test_a_verifier_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONGEST", 0.3)
    other = speaker(tmp_path, "import os, time\nos.close(1)\ntime.sleep(60)")
    error = run("run", str(FILE), "--command", other).exception
    assert isinstance(error, CyberPrivacyError)
    assert error.code == "conformance.failed"


@pytest.mark.parametrize("words", ["/nowhere/verifier", "", "'"])
def test_a_command_that_does_not_start_is_misuse(words: str) -> None:
    if not words:
        words = " "
    error = run("run", str(FILE), "--command", words).exception
    assert isinstance(error, CyberPrivacyError)
    assert error.code == "conformance.command"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        CASES[0].line(told=False),
        CASES[0].line(told=True) * 2,
        gzip.compress(CASES[0].line(told=True))[:-9],
        gzip.compress(b"\n" * (65 << 20)),
        b"[" * 100_000,
    ],
    ids=["nothing", "an object", "no expectation", "twice", "cut off", "a bomb", "depth"],
)
def test_a_file_of_another_form_is_misuse(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "cases").write_bytes(data)
    error = run("run", str(tmp_path / "cases")).exception
    assert isinstance(error, BadCase)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_a_case_or_an_answer_by_accident(data: bytes) -> None:
    for reader in (Case.read, Said.read):
        with pytest.raises(BadCase):
            reader(data)


def test_a_case_names_its_roots_in_one_place() -> None:
    with pytest.raises(BadPolicy):
        replace(CASES[0], policy={"roots": {}}).judge()
    with pytest.raises((BadPolicy, Untrusted)):
        replace(CASES[0], policy={"least": "best"}).judge()
