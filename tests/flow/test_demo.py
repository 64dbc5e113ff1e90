"""The demo is what a newcomer runs first: it must tell its story to the end."""

import os
import subprocess
from pathlib import Path

import pytest

from cyberprivacy.testing.town import free_port

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.flow
@pytest.mark.timeout(600)
def test_make_demo_tells_the_whole_story(tmp_path: Path) -> None:
    words = f"--folder {tmp_path / 'demo'} --port {free_port()}"
    ended = subprocess.run(
        ["make", "demo", f"DEMO={words}"],
        cwd=PROJECT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "requests, 0 failed" in ended.stdout
    assert "accepted, level development" in ended.stdout
    assert "release 2 is live" in ended.stdout
