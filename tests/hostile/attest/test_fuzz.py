"""A few seconds of fuzzing of every reader; `make fuzz` takes its time. In processes of their own, as atheris ends them."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

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


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=120)


def test_no_reader_raises_anything_but_its_refusal(tmp_path: Path) -> None:
    done = run(str(FUZZ / "fuzz.py"), "all", "4", str(tmp_path))
    assert done.returncode == 0, done.stderr[-4000:]
    assert not list(tmp_path.glob("finding-*"))
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert tried is not None
    assert int(tried[1]) > 500


def test_a_reader_that_raises_something_else_is_found(tmp_path: Path) -> None:
    done = run("-c", BROKEN, str(tmp_path))
    assert done.returncode != 0
    assert "UnicodeDecodeError" in done.stderr + done.stdout
    assert list(tmp_path.glob("finding-*"))


def test_every_reader_of_bytes_from_outside_is_a_target() -> None:
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
