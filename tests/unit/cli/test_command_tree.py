"""What holds for every command: it explains itself, it is found, and no secret can be typed into it."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
import typer
import typer.main

from cyberprivacy.cli import ROOMS, command_line, run

SERVICES = {
    ("bundle", "serve"),
    ("node", "start"),
    ("dev", "chain"),
    ("conformance", "answer"),
    ("vault", "serve"),
    ("security", "serve"),
    ("witness", "serve"),
    ("os", "boot"),
    ("os", "key-node"),
}
"""Commands that run until they are stopped, and have no result to print."""

PUBLIC = {None, *(f"CYBERPRIVACY_{name}" for name in ("RPC", "DAO", "FACTORY", "MARKET", "AMD", "INTEL"))}
"""What commands read from the environment: addresses that everybody may know."""


def commands(known: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree, by the words that reach it."""
    for name, command in getattr(known, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


LINE = typer.main.get_command(command_line())
TREE = dict(commands(LINE))


def typed(*words: str) -> int:
    """The exit code of a whole command line; all of it is put together once, and not for each."""
    with pytest.raises(SystemExit) as end:
        LINE.main(words, prog_name="cyberprivacy")
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(params=TREE, ids=" ".join)
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


def test_every_command_explains_itself_with_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*words, "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Example" in said
    assert f"cyberprivacy {' '.join(words)}" in said.partition("Example")[2]


def test_a_file_in_an_example_is_shown_line_by_line(words: tuple[str, ...]) -> None:
    shown = (TREE[words].epilog or "").split("\n\n")
    assert all(each.startswith("\b\n") for each in shown if "\n  " in f"\n{each}")


def test_every_command_can_answer_a_program(words: tuple[str, ...]) -> None:
    assert "--json" in options(words) or words in SERVICES


def test_no_command_takes_a_secret_as_an_argument(words: tuple[str, ...]) -> None:
    secret = {"--password", "--private-key", "--secret", "--mnemonic", "--seed"}
    assert not secret & options(words)
    assert {getattr(each, "envvar", None) for each in TREE[words].params} <= PUBLIC


def test_an_unknown_option_is_misuse(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(*words, "--no-such-option") == 2
    assert "No such option" in capsys.readouterr().err


def options(words: tuple[str, ...]) -> set[str]:
    return {name for each in TREE[words].params for name in each.opts}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_adds_the_words_that_it_is_opened_for_and_no_other(
    room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cyberprivacy.cli as line

    alone = typer.Typer()
    alone.callback()(lambda: None)
    monkeypatch.setattr(line, "app", alone)
    import_module(f"cyberprivacy.cli.{room}").register(alone)
    assert set(typer.main.get_command(alone).commands) == set(ROOMS[room])  # type: ignore[attr-defined]


def test_the_rooms_name_every_command() -> None:
    assert {words[0] for words in TREE} == {word for known in ROOMS.values() for word in known}


def test_the_version_is_told_without_opening_a_room(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"cyberprivacy {version('cyberprivacy')}\n"


def test_commands_that_sign_nothing_start_without_what_signs() -> None:
    """It takes half a second to load, and raises the limit of recursion that hostile JSON must hit."""
    looking = (
        "import sys; from cyberprivacy.cli import command_line; command_line(); assert 'eth_account' not in sys.modules;"
        "from cyberprivacy.proposal import ethaccount; ethaccount.load(); assert sys.getrecursionlimit() == 1000"
    )
    subprocess.run([sys.executable, "-c", looking], check=True)


def test_the_whole_line_ends_as_its_parts_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["log", "show", "--no-such-option"]) == typed("log", "show", "--no-such-option") == 2
    assert run(["log", "show", "--help"]) == typed("log", "show", "--help") == 0
    assert capsys.readouterr().out.count("Usage: cyberprivacy log show") == 2
