"""Sessions at the command line, as text: each `*.txt` beside this file is a test.

```text
# what this is about
$ cyberprivacy lint bad              the command; words are split as a shell does, $NAME is what was kept
? 1                                  how it ends; 0 if nothing is said
out Dockerfile:3                     stdout has this, blanks aside
err …                                stderr has this
not out …                            (or not err) has it nowhere
json findings.0.code x.y             stdout is one JSON document with this value at this place
keep NAME                            what it printed, as $NAME from here on
& cyberprivacy bundle serve …        runs until the session ends; $SERVED is the address that it tells
-- bad/Dockerfile --                 a file that the session starts with, up to the next such line
```
"""

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import pytest

from cyberprivacy.cli import run

SESSIONS = sorted(Path(__file__).parent.glob("*.txt"))
FILE = re.compile(r"^-- (\S+) --\n", re.MULTILINE)


@dataclass
class Said:
    """How a command ended and what it printed."""

    code: int = 0
    out: str = ""
    err: str = ""


@dataclass
class Session:
    """What holds from one line to the next."""

    kept: dict[str, str] = field(default_factory=dict)
    last: Said = field(default_factory=Said)
    judged: bool = True
    running: ExitStack = field(default_factory=ExitStack)

    def play(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        rest = Template(rest.strip()).safe_substitute(self.kept)
        if word in ("$", "&"):
            self.close()
            program, *arguments = shlex.split(rest)
            assert program == "cyberprivacy"
            if word == "&":
                self.kept["SERVED"] = self.running.enter_context(serving(arguments))
            else:
                self.last, self.judged = say(arguments), False
        else:
            self.judge(word, rest)

    def judge(self, word: str, rest: str) -> None:
        match word:
            case "?":
                assert self.last.code == int(rest), self.last
                self.judged = True
            case "out" | "err":
                assert squeezed(rest) in squeezed(getattr(self.last, word)), self.last
            case "not":
                where, _, what = rest.partition(" ")
                assert squeezed(what) not in squeezed(getattr(self.last, where)), self.last
            case "json":
                place, _, value = rest.partition(" ")
                assert str(at(json.loads(self.last.out), place)) == value, self.last
            case "keep":
                self.kept[rest] = self.last.out.strip()
            case _:
                raise AssertionError(f"no such line in a session: {word}")

    def close(self) -> None:
        """A command whose end nobody mentions has ended well."""
        assert self.judged or self.last.code == 0, self.last


def squeezed(text: str) -> str:
    return " ".join(text.split())


def at(value: Any, place: str) -> Any:
    for step in place.split("."):
        value = value[int(step) if isinstance(value, list) else step]
    return value


def say(arguments: list[str]) -> Said:
    """Type a command, in this process: a new one takes a second."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        io.TextIOWrapper(out, encoding="utf-8", write_through=True) as screen,
        io.TextIOWrapper(err, encoding="utf-8", write_through=True) as beside,
        redirect_stdout(screen),
        redirect_stderr(beside),
    ):
        code = run(arguments)
        return Said(code, out.getvalue().decode(), err.getvalue().decode())


@contextmanager
def serving(arguments: list[str]) -> Iterator[str]:
    """A command that runs beside the others; the address that its first line tells."""
    command = [sys.executable, "-m", "cyberprivacy", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()
            found = re.search(r"http://[0-9.:]+", told)
            assert found, told
            yield found[0]
        finally:
            process.terminate()


@pytest.mark.parametrize("session", SESSIONS, ids=lambda path: path.stem)
def test_session(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CYBERPRIVACY_RPC", "CYBERPRIVACY_DAO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    script, *files = FILE.split(session.read_text())
    home = tmp_path / "home"
    home.mkdir()
    for name, content in zip(files[::2], files[1::2], strict=True):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    monkeypatch.chdir(home)
    it = Session()
    with it.running:
        for number, line in enumerate(script.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                try:
                    it.play(line)
                except AssertionError as wrong:
                    raise AssertionError(f"{session.name}:{number}: {line}\n{wrong}") from None
        it.close()
