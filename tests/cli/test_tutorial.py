"""docs/tutorial.md is run as it stands: its `sh` blocks in one shell, against a chain and a node of its own.

A `text` block says what the block before it prints: each of its lines must come, in this order, where … stands
for anything.
"""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from cyberprivacy.testing.townnode import sweep

pytestmark = [pytest.mark.flow, pytest.mark.timeout(760)]

PROJECT = Path(__file__).resolve().parents[2]
TUTORIAL = PROJECT / "docs" / "tutorial.md"
PORTS = ("8545", "8443", "8080", "8081")
LONGEST = 640
"""Seconds; it takes 150 where nothing else runs."""
FENCE = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Step:
    """Commands of the tutorial, what they should print, and where they stand."""

    line: int
    commands: str
    prints: str = ""


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    for block in FENCE.finditer(text):
        kind, body = block.groups()
        if kind == "sh":
            found.append(Step(text.count("\n", 0, block.start()) + 2, body))
        else:
            found[-1].prints = body
    return found


def missing(expected: str, said: str) -> str:
    """The first expected line that did not come in its turn; "" if all came."""
    rest = [" ".join(line.split()) for line in said.splitlines()]
    for line in filter(None, (" ".join(each.split()) for each in expected.splitlines())):
        form = re.compile(".*".join(map(re.escape, line.split("…"))))
        place = next((place for place, each in enumerate(rest) if form.search(each)), None)
        if place is None:
            return line
        rest = rest[place + 1 :]
    return ""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that looks like a checkout; whatever the tutorial leaves running is ended."""
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    (tmp_path / ".venv").symlink_to(Path(os.environ.get("VIRTUAL_ENV", PROJECT / ".venv")))
    yield tmp_path
    config = tmp_path / ".tutorial" / "node.toml"
    if config.exists():
        sweep(config)


def test_every_command_of_the_tutorial_does_what_the_tutorial_says(place: Path) -> None:
    text = TUTORIAL.read_text()
    for port in PORTS:
        text = text.replace(port, free_port())
    told = steps(text)
    said = play(told, place)
    for step in told:
        where = f"docs/tutorial.md:{step.line}"
        assert step.line in said, f"{where}: a command failed or never ended:\n{said[0]}"
        assert not missing(step.prints, said[step.line]), (
            f"{where}: no line like {missing(step.prints, said[step.line])!r} in\n{said[step.line]}"
        )


def play(told: list[Step], place: Path) -> dict[int, str]:
    """Run the steps until one fails; what each that ended well printed, by its line."""
    script = "".join(f"{step.commands}printf '\\n@@ {step.line}\\n'\n" for step in told)
    log = place / "said.txt"
    with log.open("wb") as screen:
        shell = subprocess.Popen(
            ["bash", "-eu", "-c", script],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):  # what it said until then tells why
                shell.wait(timeout=LONGEST)
        finally:
            end(shell)
    said = re.split(r"^@@ (\d+)$", log.read_text(errors="replace"), flags=re.MULTILINE)
    return {int(line): words for words, line in zip(said[::2], said[1::2], strict=False)} | {0: said[-1]}


def end(shell: subprocess.Popen[bytes]) -> None:
    """End the shell and what it left running, each in order."""
    try:
        os.killpg(shell.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    shell.wait(timeout=30)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def test_a_line_with_an_ellipsis_stands_for_any_line_like_it() -> None:
    said = dedent("""\
        one  0xab is  live
        two
        three
    """)
    assert not missing("one 0x… is live\nthree\n", said)
    assert missing("three\ntwo\n", said) == "two"
