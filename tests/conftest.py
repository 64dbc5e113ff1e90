"""What tests of several rooms need."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

settings.register_profile("quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What lands is judged on cases that anybody can run again; who looks for new ones runs "quick" or "deep".
settings.register_profile(
    "ci", parent=settings.get_profile("quick"), max_examples=25, derandomize=True, database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") == "true" else "quick"))


TOGETHER = ("tests/faults/", "tests/kubernetes/test_waves")
"""Beginnings of files that share what takes long to make: a town; two clusters."""


class ByFile(LoadFileScheduling):
    """A worker for each file, but one for files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in TOGETHER if nodeid.startswith(each)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Which worker gets which tests."""
    return ByFile(config, log)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of vectors that other implementations agree on.

    It lies beside the project, or where CYBERPRIVACY_VECTORS says. Without it these tests are skipped, but not in
    CI, where a test that does not run is a failure.
    """
    folder = Path(
        os.environ.get("CYBERPRIVACY_VECTORS") or Path(__file__).resolve().parents[2] / "shared" / "vectors"
    )
    if folder.is_dir():
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail(f"no vectors at {folder}")
    pytest.skip(f"no vectors at {folder}; set CYBERPRIVACY_VECTORS")
