# ruff: noqa: INP001  a script, not a package
"""Break each rule of the contracts once, and see that a test notices.

    python contracts/mutants.py            all of them, two in parallel
    python contracts/mutants.py 3 17       only those with these numbers
    python contracts/mutants.py --share 3  a third of them: which one follows from the contracts and their tests
    python contracts/mutants.py --jobs 4

Each mutant lives in its own temporary copy, so the work tree is never touched; the copy holds only the tests
that should notice and what they import, and is compiled without the optimizer: compiling is where the time
goes. The same tests must pass on the unbroken contracts first. A mutant counts as killed only when a test
failed: one that does not compile, or that no longer applies, is an error of this file. Needs `npm ci` here.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from mutants_list import MUTANTS, Mutant
from mutants_market import MARKET

HERE: Final = Path(__file__).resolve().parent
FORGE: Final = HERE / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
FEW_RUNS: Final = {
    "FOUNDRY_OPTIMIZER": "false",
    "FOUNDRY_DENY": "never",  # without the optimizer the compiler warns of code size
    "FOUNDRY_FUZZ_RUNS": "64",
    "FOUNDRY_EXTRA_OUTPUT": "[]",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant.

    Attributes:
        killed: a test failed.
        what: the first test that failed, or what is wrong with the mutant.
        seconds: how long it took, compilation included.
    """

    killed: bool
    what: str
    seconds: float


def judge(mutant: Mutant) -> Verdict:
    """Run the tests of one mutant in a copy of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        _lay_out(copy, mutant.tests)
        file = copy / "src" / f"{mutant.file}.sol"
        text = file.read_text() if file.exists() else ""
        if text.count(mutant.old) != 1:
            return Verdict(False, f"applies {text.count(mutant.old)} times instead of once", 0)
        file.write_text(text.replace(mutant.old, mutant.new))
        passed, what = _test(copy)
    killed = not passed and what.startswith("test")
    return Verdict(killed, "SURVIVED" if passed else what, time.monotonic() - started)


def unbroken(tests: str) -> Verdict:
    """Run the same tests without a mutant: `killed` is false if they pass, as they must."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        _lay_out(Path(folder), tests)
        passed, what = _test(Path(folder))
    return Verdict(not passed, what, time.monotonic() - started)


def _test(copy: Path) -> tuple[bool, str]:
    """Whether all tests pass; else the first that failed, or why they did not run."""
    done = subprocess.run(
        [FORGE, "test", "--offline", "--fail-fast"],
        cwd=copy,
        env={**os.environ, **FEW_RUNS},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("[FAIL")]
    if failed:
        return False, failed[0].rpartition("] ")[2].partition("(")[0]
    return done.returncode == 0, f"did not run: {(done.stderr or done.stdout)[-300:]}"


def _lay_out(copy: Path, tests: str) -> None:
    wanted = [HERE / "test" / f"{test}.t.sol" for test in tests.split()]
    taken: set[Path] = set()
    while wanted:
        file = wanted.pop()
        if file in taken:
            continue
        taken.add(file)
        (copy / file.relative_to(HERE)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy / file.relative_to(HERE))
        wanted += [(file.parent / each).resolve() for each in re.findall(r'from "(\.[^"]+)"', file.read_text())]
    for name in ("foundry.toml", "solc"):
        shutil.copy(HERE / name, copy / name)
    (copy / "node_modules").symlink_to(HERE / "node_modules")


def turn(share: int) -> int:
    """Which of so many shares it is: a change of any contract or test may bring another one."""
    digest = sha256()
    for file in sorted((*(HERE / "src").rglob("*.sol"), *(HERE / "test").rglob("*.sol"))):
        digest.update(sha256(file.read_bytes()).digest())
    return int.from_bytes(digest.digest()) % share


def main(arguments: Iterable[str] | None = None) -> int:
    """Judge the mutants; 0 if every one was killed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("numbers", nargs="*", type=int, help="only these mutants")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--share", type=int, default=1, help="only one in so many")
    given = options.parse_args(None if arguments is None else list(arguments))
    everything = (*MUTANTS, *MARKET)
    chosen = [(n, m) for n, m in enumerate(everything, 1) if not given.numbers or n in given.numbers]
    if given.share > 1:
        chosen = chosen[turn(given.share) :: given.share]
        sys.stdout.write(f"{len(chosen)} of {len(everything)} mutants; `make mutants` runs all\n")
    started, alive = time.monotonic(), 0
    with ThreadPoolExecutor(given.jobs) as pool:
        suites = sorted({mutant.tests for _, mutant in chosen})
        for tests, verdict in zip(suites, pool.map(unbroken, suites), strict=True):
            if verdict.killed:
                sys.exit(f"{tests}: fails without any mutant: {verdict.what}")
        verdicts = pool.map(judge, (mutant for _, mutant in chosen))
        for (number, mutant), verdict in zip(chosen, verdicts, strict=True):
            alive += not verdict.killed
            mark = "killed" if verdict.killed else "ALIVE "
            line = f"{number:3} {mark} {verdict.seconds:5.1f} s  {mutant.file}: {mutant.rule}  <- {verdict.what}"
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    took = time.monotonic() - started
    sys.stdout.write(f"{len(chosen) - alive} of {len(chosen)} mutants killed in {took:.0f} s\n")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
