"""A few seconds of fuzzing of every reader; `make fuzz` takes its time. In processes of their own, as atheris ends them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
FUZZ = Path(__file__).parents[2] / "fuzz"
pytestmark = pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python")

BROKEN = f"""
import sys
sys.path.insert(0, {str(FUZZ)!r})
import fuzz, targets
fuzz.TARGETS = {{"policy": targets.Target(lambda data: data.decode(), targets.Misuse, lambda: iter([b"a"]))}}
sys.argv = ["fuzz", "policy", "5", sys.argv[1]]
fuzz.main()
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs Python with these words; what it leaves behind goes with the test."""
    there = {**os.environ, "TMPDIR": str(tmp_path)}

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, *words)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, env=there)

    return python


def test_no_reader_raises_anything_but_its_refusal(run: Run, tmp_path: Path) -> None:
    done = run(str(FUZZ / "fuzz.py"), "all", "4", str(tmp_path / "corpus"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert not list((tmp_path / "corpus").glob("finding-*"))
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert tried is not None
    assert int(tried[1]) > 500


def test_a_reader_that_raises_something_else_is_found(run: Run, tmp_path: Path) -> None:
    done = run("-c", BROKEN, str(tmp_path / "corpus"))
    assert done.returncode != 0
    assert "UnicodeDecodeError" in done.stderr + done.stdout
    assert list((tmp_path / "corpus").glob("finding-*"))


def test_every_reader_of_bytes_from_outside_is_a_target(run: Run) -> None:
    listed = run(str(FUZZ / "fuzz.py")).stdout.split()
    assert {
        "snp-report",
        "certificates",
        "tdx-quote",
        "tdx-collateral",
        "ccel",
        "tpm2",
        "attestation",
        "policy",
    } <= set(listed)
