"""The script that pages import is the one that the SDK makes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cyberprivacy.vault.web import SCRIPT

SDK = Path(__file__).parents[2] / "sdk/typescript"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        not (SDK / "node_modules/.bin/esbuild").exists() or not shutil.which("node"), reason="no esbuild"
    ),
]


def test_the_committed_script_is_what_the_sdk_makes(tmp_path: Path) -> None:
    made = tmp_path / "page.js"
    command = ["npm", "run", "--silent", "bundle", "--", f"--outfile={made}", "--log-level=error"]
    subprocess.run(command, cwd=SDK, check=True, timeout=60)
    assert made.read_bytes() == SCRIPT.read_bytes(), "run `npm run bundle` in sdk/typescript"
