"""`make bench` keeps the raw data of this room's measurements beside those of the others."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench/bundle.py"


def test_a_measurement_keeps_its_raw_data_unasked(tmp_path: Path) -> None:
    script = shutil.copy(BENCH, tmp_path)
    words = ["--files", "3", "--rounds", "1", "--folder", str(tmp_path)]
    said = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, check=True).stdout
    kept = json.loads((tmp_path / "results" / "bundle.json").read_text())
    assert "ratio" in said
    assert {len(seconds) for seconds in kept["raw"].values()} == {1}
    assert kept["files"] == 7
