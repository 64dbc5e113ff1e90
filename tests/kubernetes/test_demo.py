"""`demo kubernetes` as a newcomer types it: the chart's nodes in pods, a release, an update, a node that goes.

It has a cluster of its own; the tests beside it have others.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from cyberprivacy.testing.checkout import PROJECT

pytestmark = [pytest.mark.flow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it keeps everything."""
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o711)
    return folder / "kept"


@pytest.fixture(scope="module")
def told(folder: Path) -> Mapping[str, str]:
    """What it said at its end."""
    words = [sys.executable, "-m", "cyberprivacy", "demo", "kubernetes", "--json", "--folder", str(folder)]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return dict(json.loads(done.stdout))


def test_the_nodes_within_the_cluster_are_believed_as_far_as_its_operator_is(told: Mapping[str, str]) -> None:
    assert told["verify"] == "accepted, level operator-trusted"


@pytest.mark.parametrize("while_what", ["during the update", "while a node was replaced"])
def test_no_request_is_lost(told: Mapping[str, str], while_what: str) -> None:
    asked, _, failed = told[while_what].partition(" requests, ")
    assert (int(asked) > 100, failed) == (True, "0 failed")


def test_nothing_of_it_runs_or_is_mounted_any_more(told: Mapping[str, str], folder: Path) -> None:
    assert told["application"].startswith("https://10.96.")
    assert [words for words in running() if str(folder).encode() in words] == []
    assert [line for line in Path("/proc/mounts").read_text().splitlines() if f"{folder}/" in line] == []


def running() -> Iterator[bytes]:
    """The command lines of every process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()
