"""docs/tutorial-data.md: its commands, typed in their order; its clicks are those of tests/flow/test_shop.py."""

import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from test_sessions import say
from tests.guides import commands

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(line: str, port: int) -> Iterator[None]:
    """An application, as the page starts it."""
    script, *more = shlex.split(line.removeprefix("uv run python "))
    process = subprocess.Popen([sys.executable, ROOT / script, *more], stdout=subprocess.PIPE, env=os.environ)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            assert process.poll() is None
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "password").write_text("long enough")
    shop, purchases, bazaar, *typed = commands("tutorial-data.md")
    granted = ""
    with serving(shop, 8401), serving(purchases, 8402), serving(bazaar, 8403):
        for line in typed:
            said = say(shlex.split(line.replace("GRANT", granted))[1:])
            assert said.code == 0, (line, said)
            if " my grant " in line:
                granted = said.out.split()[0]
            if " my revoke " in line:
                assert "erased there, with a signed receipt" in said.out
    assert "erased" in said.out
    assert (tmp_path / "export.udi.zip").exists()
