"""The page that shows the vault: each of its commands, typed in its order."""

import re
import shlex
from pathlib import Path

import pytest
from test_sessions import say, serving
from tests.guides import commands

ROOT = Path(__file__).resolve().parents[2]


def test_every_command_of_the_page_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "types").symlink_to(ROOT / "examples" / "notes" / "types")
    (tmp_path / "password").write_text("long enough")
    heard = ""
    lines = commands("how-to/try-the-vault.md")
    first, second = [line for line in lines if " vault serve " in line]
    with (
        serving(shlex.split(first.replace(":8300", ":0"))[1:]) as site,
        serving(shlex.split(second.replace(":8301", ":0"))[1:]) as other,
    ):
        for line in [each for each in lines if each not in (first, second)]:
            if echo := re.fullmatch(r"echo '(.*)' > (\S+)", line):
                Path(echo[2]).write_text(echo[1])
                continue
            if " my erase " in line:  # the page asks for an account that is not frozen
                say(
                    shlex.split(f"cyberprivacy my sign-in {site} --new --key me.json --password-file password")[1:]
                )
            typed = line.replace("http://127.0.0.1:8300", site).replace("http://127.0.0.1:8301", other)
            said = say(shlex.split(typed)[1:])
            assert said.code == 0, (line, said)
            if "--move" in line:
                assert said.out.startswith("done: 2 came, 0 were there, 0 were not taken"), said
            heard += said.out
    assert (tmp_path / "export.udi.zip").exists()
    assert "erased" in said.out
    heard = ""


def test_a_security_application_is_taken_as_a_guardian_and_does_nothing_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "password").write_text("long enough")
    serve, *typed = commands("how-to/recover-a-key.md")
    assert say(["key", "new", "me.json", "--password-file", "password"]).code == 0
    with serving(["vault", "serve", "--data", "./vault", "--listen", "127.0.0.1:0"]) as vault:
        begin = ["my", "sign-in", vault, "--new", "--key", "me.json", "--password-file", "password"]
        assert say(begin).code == 0
        own = serve.replace("http://127.0.0.1:8300", vault).replace(":8400", ":0")
        with serving(shlex.split(own)[1:]) as security:
            words = {"http://127.0.0.1:8300": vault, "http://127.0.0.1:8400": security}
            for shown in typed:
                line = shown
                for word, meant in words.items():
                    line = line.replace(word, meant)
                said = say(shlex.split(line)[1:])
                assert said.code == 0, (line, said)
                if " enrol " in line:
                    words |= {"CARD": found(r"guardian1:\S+", said.out)}
                    assert "▀" in said.out, "the phone's secret as a picture"
                else:
                    words |= {"ACCOUNT": found(r"[0-9a-f]{64}", said.out)}
            refused = say(["security", "freeze", "--paper", "paper.json"])
            assert (refused.code, "security.not-guardian" in refused.err) == (1, True)
    assert (tmp_path / "paper.json").stat().st_mode & 0o077 == 0


def found(form: str, text: str) -> str:
    match = re.search(form, text)
    return match[0] if match else ""


ODD = [
    None,
    [],
    {},
    {"id": "ab" * 16, "paper": "cd" * 16, "phone": "otpauth://totp/\x1b[2J", "card": "guardian1:"},
]


@pytest.mark.parametrize("said", ODD)
def test_what_is_no_security_application_reaches_neither_terminal_nor_file(
    said: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cyberprivacy.vault.client.connection.Connection.ask", lambda *_, **__: said)
    paper = tmp_path / "paper.json"
    words = ["http://127.0.0.1:9", "http://127.0.0.1:9", "--account", "ab" * 32, "--paper", str(paper)]
    done = say(["security", "enrol", *words])
    assert (done.code, "security.answer" in done.err, "\x1b" in done.out + done.err) == (3, True, False)
    assert not paper.exists()
