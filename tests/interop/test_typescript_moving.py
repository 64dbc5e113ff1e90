"""The TypeScript SDK moves a person from one vault to another, by one signature."""

import json
import subprocess
from pathlib import Path

import pytest
from keeping import ORDER
from sdk import FOLDER
from served import Served

pytestmark = pytest.mark.interop


def test_a_person_moves_by_one_signature(built: str, tmp_path: Path) -> None:
    places = [Served(name, tmp_path / name) for name in ("shop", "book")]
    try:
        for each in places:
            each.start()
        command = [built, "dist/test/moving.js", *(each.url for each in places), "test:vault", ORDER]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout)
    finally:
        for each in places:
            each.kill()
    assert (said["transfer"]["state"], said["transfer"]["count"], said["transfer"]["mode"]) == ("done", 1, "move")
    assert "the records move" in said["text"]
    assert said["receipt"]["countersignature"]
