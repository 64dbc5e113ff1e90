"""The contracts keep their own promises: forge's tests, invariants and gas, and what Python was given of them."""

import os
import subprocess
import sys
from pathlib import Path

CONTRACTS = Path(__file__).parents[2] / "contracts"
FORGE = CONTRACTS / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"


def forge(*arguments: str) -> None:
    done = subprocess.run(
        [FORGE, *arguments, "--offline"],
        cwd=CONTRACTS,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    failures = [line for line in done.stdout.splitlines() if line.startswith("[FAIL")]
    assert done.returncode == 0, "\n".join([*failures, done.stdout[-2000:], done.stderr[-2000:]])


def test_every_promise_of_the_contracts_holds() -> None:
    """Directed tests, fuzz tests, and the invariants I1 to I8 with a guided handler."""
    forge("test")


def test_gas_is_what_git_says() -> None:
    """A step that became dearer or cheaper must be seen in a review: run `forge snapshot` and commit it."""
    forge("snapshot", "--match-contract", "GasTest", "--check", ".gas-snapshot")


def test_sources_are_in_house_format() -> None:
    forge_fmt = subprocess.run(
        [FORGE, "fmt", "--check"], cwd=CONTRACTS, capture_output=True, text=True, check=False
    )
    assert forge_fmt.returncode == 0, forge_fmt.stdout[-2000:]


def test_artifacts_and_storage_layout_are_those_of_the_sources() -> None:
    """What Python binds to is what the compiler makes of these sources; a slot that moved fails here."""
    done = subprocess.run(
        [sys.executable, CONTRACTS / "build.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sources_are_short() -> None:
    long = {
        str(file.relative_to(CONTRACTS)): lines
        for folder in ("src", "test")
        for file in (CONTRACTS / folder).rglob("*.sol")
        if (lines := len(file.read_text().splitlines())) > 300
    }
    assert not long
