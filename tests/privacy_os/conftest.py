"""An image, made once from the locks, and a desk. Minutes long: `make test-os`."""

import os
from pathlib import Path

import pytest
from machines import cyberprivacy

from cyberprivacy.cli.privacy_os import CACHE
from cyberprivacy.privacy_os.emulator import virtualised
from cyberprivacy.testing.townmachine import Desk

STORY = "test_story"
BEHIND = 5
"""Niceness: a third of what another gets."""


def pytest_report_header() -> str:
    return f"machines: {'virtualised (KVM)' if virtualised() else 'emulated (TCG)'}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The story takes longest by far, so it sets how long all take: what runs beside it gives way."""
    os.setpriority(os.PRIO_PROCESS, 0, 0 if item.path.stem == STORY else BEHIND)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image; OS_IMAGE=DIR takes one that is made."""
    if made := os.environ.get("OS_IMAGE"):
        return Path(made).resolve()
    folder = tmp_path_factory.mktemp("image")
    cyberprivacy("os", "build", "--to", folder, "--cache", CACHE)
    return folder


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("people") / "desk", cyberprivacy)
