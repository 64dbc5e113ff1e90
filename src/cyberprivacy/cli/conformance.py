"""`conformance`: hold a verifier of evidence against cases that everybody should judge alike."""

import json
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from cyberprivacy.attest.conformance import MAX_FILE, BadCase, Case, Said, cases, lines
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse, TryLater

OURS: Final = "evidence.jsonl.gz"
"""The file of cases that comes with the program."""
MAX_ANSWERS: Final = 16 << 20
LONGEST: Final = 600.0
"""Seconds that another verifier may take for all cases."""

_RUN: Final = """Example: cyberprivacy conformance run evidence.jsonl.gz --command "my-verifier --json-lines".

The command gets one case a line on stdin and writes one answer a line to stdout; docs/spec/conformance.md has
both forms. Exit codes: 0 all as expected, 1 not."""


def register(_app: typer.Typer) -> None:
    """Add `conformance …`."""
    from cyberprivacy.cli import group

    conformance = group("conformance", "Hold a verifier of evidence against cases that all should judge alike.")
    conformance.command("run", epilog=_RUN)(run)
    conformance.command("cases", epilog="Example: cyberprivacy conformance cases .")(write_cases)
    conformance.command("answer", epilog="Example: cyberprivacy conformance answer < cases.jsonl")(answer)


def run(
    file: Annotated[Path, typer.Argument(metavar="CASES.jsonl[.gz]", help="As `conformance cases` writes them.")],
    *,
    command: Annotated[str, typer.Option(metavar="COMMAND", help="Try this verifier instead of ours.")] = "",
    exact: Annotated[
        bool, typer.Option("--exact", help="Word and reason codes must be the same, not only accept or not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge all cases, and print those that are judged otherwise than expected."""
    asked = tuple(cases(_read(file)))
    if not asked or any(case.expect is None for case in asked):
        raise BadCase("the file has no cases, or some that do not say what is right", path=str(file))
    said = _theirs(command, asked) if command else {case.id: case.judge() for case in asked}
    wrong = [(case, said.get(case.id)) for case in asked if not _right(case, said.get(case.id), exact=exact)]
    document = {
        "cases": len(asked),
        "right": len(asked) - len(wrong),
        "wrong": [
            {
                "id": case.id,
                "about": case.about,
                "expected": None if case.expect is None else case.expect.document(),
                "answered": None if got is None else got.document(),
            }
            for case, got in wrong
        ],
    }
    out.result(document, _shown(len(asked), wrong), as_json=as_json)
    if wrong:
        raise typer.Exit(1)


def write_cases(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the file.")],
    as_json: Json = False,
) -> None:
    """Write the cases that come with this program; prints the path."""
    data = (resources.files("cyberprivacy.attest") / "cases" / OURS).read_bytes()
    path = folder / OURS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise Misuse(
            "the file cannot be written", code="conformance.file", path=str(path), reason=error.strerror
        ) from error
    out.result({"path": str(path), "cases": sum(1 for _ in cases(data))}, str(path), as_json=as_json)


def answer() -> None:
    """Judge the cases on stdin, one a line, and write one answer a line: ours as the other verifier."""
    data = sys.stdin.buffer.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise BadCase("too many cases", limit=MAX_FILE)
    for line in lines(data):
        sys.stdout.write(json.dumps(Case.read(line).judge().document()) + "\n")


def _right(case: Case, said: Said | None, *, exact: bool) -> bool:
    return case.expect is not None and said is not None and said.agrees(case.expect, exact=exact)


def _shown(count: int, wrong: Iterable[tuple[Case, Said | None]]) -> Table | Text:
    rows = [
        (
            case.id,
            "" if case.expect is None else _words(case.expect),
            "no answer" if got is None else _words(got),
            case.about,
        )
        for case, got in wrong
    ]
    if not rows:
        return Text(f"all {count} cases are judged as expected")
    return table(("case", "expected", "answered", "what it is"), rows, title=f"{len(rows)} of {count} are wrong")


def _words(said: Said) -> str:
    return " ".join((said.verdict.value, *said.codes))


def _theirs(command: str, asked: Iterable[Case]) -> dict[str, Said]:
    """What another verifier answers. It does not get to see what is expected."""
    answers: dict[str, Said] = {}
    for line in lines(_spoken(command, b"".join(case.line(told=False) for case in asked))):
        said = Said.read(line)
        if said.id in answers:
            raise BadCase("a case is answered twice", case=said.id)
        answers[said.id] = said
    return answers


def _spoken(command: str, questions: bytes) -> bytes:
    """All that a command writes to stdout, at most 16 MiB in ten minutes.

    Raises:
        Misuse: it cannot be started ("conformance.command").
        TryLater: it fails, writes too much, or takes too long ("conformance.failed").
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Misuse("not a command", code="conformance.command", reason=str(error)) from None
    with tempfile.TemporaryFile() as questioned:
        questioned.write(questions)
        questioned.seek(0)
        try:
            other = subprocess.Popen(words, stdin=questioned, stdout=subprocess.PIPE)
        except (OSError, IndexError) as error:
            raise Misuse("the command does not start", code="conformance.command", reason=str(error)) from None
        with other, _Ending(other):
            spoken = b"" if other.stdout is None else other.stdout.read(MAX_ANSWERS + 1)
            if len(spoken) > MAX_ANSWERS:
                other.kill()
            other.wait()  # here, where somebody still ends it when it takes too long
    if other.returncode != 0:
        raise TryLater(
            "the other verifier did not end well, writes too much or takes too long",
            code="conformance.failed",
            hint="Try it with one line of the file.",
            status=other.returncode,
            limits=(MAX_ANSWERS, LONGEST),
        )
    return spoken


class _Ending:
    """Ends a process that takes too long."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._timer = threading.Timer(LONGEST, process.kill)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise Misuse(
            "the file cannot be read", code="conformance.file", path=str(path), reason=error.strerror
        ) from error
    if len(data) > MAX_FILE:
        raise BadCase("the file is too large", path=str(path), limit=MAX_FILE)
    return data
