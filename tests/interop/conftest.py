"""What tests against other implementations need."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from sdk import FOLDER, TypeScript


@pytest.fixture(scope="session")
def npm() -> str:
    found = shutil.which("npm")
    if found is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the SDK's packages are not here: deploy/install-debian.sh installs them")
    return found


@pytest.fixture(scope="session")
def built(npm: str, testrun_uid: str) -> str:
    """Compile once in a run, whichever worker comes first; the program that runs it."""
    (FOLDER / "dist").mkdir(exist_ok=True)
    with (FOLDER / "dist" / ".built").open("a+") as built_by:
        fcntl.flock(built_by, fcntl.LOCK_EX)
        built_by.seek(0)
        if built_by.read() != testrun_uid:
            subprocess.run([npm, "run", "-s", "build"], cwd=FOLDER, check=True, timeout=100)
            built_by.truncate(0)
            built_by.write(testrun_uid)
    node = shutil.which("node")
    assert node is not None
    return node


@pytest.fixture(scope="session")
def theirs(built: str) -> Iterator[TypeScript]:
    with TypeScript(built) as sdk:
        yield sdk
