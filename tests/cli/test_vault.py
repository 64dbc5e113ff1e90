"""The page that shows the vault: each of its commands, typed in its order."""

import re
import shlex
from pathlib import Path

import pytest
from test_sessions import say, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "try-the-vault.md"


def test_every_command_of_the_page_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "types").symlink_to(ROOT / "examples" / "notes" / "types")
    (tmp_path / "password").write_text("long enough")
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    heard = ""
    serve, *typed = [line for block in blocks for line in block.splitlines()]
    with serving(shlex.split(serve.replace(":8300", ":0"))[1:]) as site:
        for line in typed:
            if echo := re.fullmatch(r"echo '(.*)' > (\S+)", line):
                Path(echo[2]).write_text(echo[1])
                continue
            if " my erase " in line:  # the page asks for an account that is not frozen
                say(
                    shlex.split(f"cyberprivacy my sign-in {site} --new --key me.json --password-file password")[1:]
                )
            said = say(shlex.split(line.replace("http://127.0.0.1:8300", site))[1:])
            assert said.code == 0, (line, said)
            heard += said.out
    assert (tmp_path / "export.udi.zip").exists()
    assert "erased" in said.out
    assert "143500  (of 2 numbers, average 71750.000)" in heard
