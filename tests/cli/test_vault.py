"""The page that shows the vault: each of its commands, typed in its order."""

import re
import shlex
from pathlib import Path

import pytest
from test_sessions import say, serving

from cyberprivacy.cli.keys import Signing
from cyberprivacy.cli.mysession import SignerWallet
from cyberprivacy.vault.client.account import Account
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "try-the-vault.md"


def keeps(site: str) -> None:
    """What an application does for whoever is signed in there."""
    signing = Signing(Path("me.json"), Path("password"), "", "")
    with Connection(site) as vault:
        opened = Person(vault, SignerWallet.of(signing)).sign_in("notes")
    with Connection(site, opened["token"]) as vault:
        Account(vault).create("example.notes.note.v1", {"text": "buy milk"})


def test_every_command_of_the_page_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "types").symlink_to(ROOT / "examples" / "notes" / "types")
    (tmp_path / "password").write_text("long enough")
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    first, second = [line for line in lines if " vault serve " in line]
    with (
        serving(shlex.split(first.replace(":8300", ":0"))[1:]) as site,
        serving(shlex.split(second.replace(":8301", ":0"))[1:]) as other,
    ):
        for line in [each for each in lines if each not in (first, second)]:
            if " my data " in line:
                keeps(site)
            if " my erase " in line:  # the page asks for an account that is not frozen
                say(
                    shlex.split(f"cyberprivacy my sign-in {site} --new --key me.json --password-file password")[1:]
                )
            typed = line.replace("http://127.0.0.1:8300", site).replace("http://127.0.0.1:8301", other)
            said = say(shlex.split(typed)[1:])
            assert said.code == 0, (line, said)
            if "--move" in line:
                assert said.out.startswith("done: 1 came, 0 were there, 0 were not taken"), said
    assert (tmp_path / "export.udi.zip").exists()
    assert "erased" in said.out
