"""The whole story inside the machine, as `make demo-os` tells it: some ten minutes under emulation."""

from pathlib import Path

import pytest
from machines import cyberprivacy


@pytest.mark.timeout(2400)
def test_a_machine_runs_what_was_decided_and_proves_it_and_a_changed_one_is_refused(
    image: Path, tmp_path: Path
) -> None:
    said = cyberprivacy("demo", "os", "--image", image, "--folder", tmp_path / "demo")
    assert said["predicted"] == said["quoted"]
    assert said["changed image"] == "rejected"
    assert str(said["after a power cut"]).startswith("the same node, 0x")
    assert str(said["key node"]).startswith("ONE node")
    doors = str(said["listens"]).split(", ")
    assert [door for door in doors if "127.0.0.1:" not in door] == ["tcp 10.0.2.15:443", "tcp 10.0.2.15:8443"]
    assert len([door for door in doors if "127.0.0.1:" in door]) == 1  # the registry, for the engines beside it
