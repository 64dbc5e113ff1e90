"""What the operating system refuses ends as any other refusal: a code, facts, a hint, and the right exit code."""

import errno
import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from cyberprivacy import cli
from cyberprivacy.cli.system import HINTS, refusal_of

FAILURES = {
    "os.enospc": (3, OSError(errno.ENOSPC, "No space left on device", "/x")),
    "os.edquot": (3, OSError(errno.EDQUOT, "Disk quota exceeded")),
    "os.eagain": (3, BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")),
    "os.econnrefused": (3, ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")),
    "os.eaddrinuse": (3, OSError(errno.EADDRINUSE, "Address already in use")),
    "os.etimedout": (3, TimeoutError("timed out")),
    "os.name": (3, socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
    "os.tls": (3, ssl.SSLError(1, "wrong version number")),
    "os.enoent": (2, FileNotFoundError(errno.ENOENT, "No such file or directory", b"/x")),
    "os.enotdir": (2, NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x", None, "/y")),
    "os.eacces": (2, PermissionError(errno.EACCES, "Permission denied", 7)),
    "os.error": (2, OSError("something that has no number")),
}


@pytest.mark.parametrize("code", FAILURES)
def test_a_failure_of_the_system_is_misuse_or_try_later_and_has_a_code(code: str) -> None:
    exit_code, failure = FAILURES[code]
    refusal = refusal_of(failure)
    assert (refusal.code, refusal.exit_code) == (code, exit_code)
    assert refusal.facts["reason"]


def test_the_system_names_the_files(tmp_path: Path) -> None:
    with pytest.raises(OSError) as failure:  # noqa: PT011  (any of them)
        os.rename(tmp_path / "a", os.fsencode(tmp_path / "b"))  # noqa: PTH104
    facts = refusal_of(failure.value).facts
    assert (facts["path"], facts["other"]) == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_every_hint_is_for_a_failure_that_has_a_name() -> None:
    assert all(errno.errorcode[number] and hint for number, hint in HINTS.items())


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line whose only command reads a directory as a file."""

    def line(_: str) -> object:
        return lambda *_, **__: Path("/").read_bytes()

    monkeypatch.setattr(cli, "command_line", line)


@pytest.mark.usefixtures("broken")
def test_a_command_that_the_system_stops_answers_a_program_with_a_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["any", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["error"], said["facts"]["path"]) == ("os.eisdir", "/")
    assert said["hint"]


@pytest.mark.usefixtures("broken")
def test_and_a_person_with_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["any"]) == 2
    assert "[os.eisdir]" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["lint", "--rules", "--json"], ["bundle", "ls", "typo", "--json"]])
def test_a_result_that_the_disk_does_not_take_is_no_success_and_no_traceback(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "cyberprivacy", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == (3 if "--rules" in words else 2)
    assert ("os.enospc" if "--rules" in words else "cid.form") in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "ignored" not in ended.stderr
