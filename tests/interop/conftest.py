"""What tests against other implementations need."""

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
def built(npm: str) -> str:
    """Compile once; the program that runs it."""
    subprocess.run([npm, "run", "-s", "build"], cwd=FOLDER, check=True, timeout=100)
    node = shutil.which("node")
    assert node is not None
    return node


@pytest.fixture(scope="session")
def theirs(built: str) -> Iterator[TypeScript]:
    with TypeScript(built) as sdk:
        yield sdk
