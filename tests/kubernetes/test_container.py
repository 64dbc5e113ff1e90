"""The image of a node, as a person makes it: the same wherever it is made, and in a registry by its digest."""

import json
import subprocess
import sys
from pathlib import Path

from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.privacy_os.container import REPOSITORY
from cyberprivacy.testing.kubernetes.machine import Machine


def typed(*words: str, code: int = 0) -> dict[str, str]:
    command = [sys.executable, "-m", "cyberprivacy", "os", "container", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout))


def test_made_twice_it_is_the_same_and_its_registry_has_it(machine: Machine, tmp_path: Path) -> None:
    here = typed("--to", str(tmp_path / "here"), "--push", f"http://{machine.registry}")
    there = typed("--to", str(tmp_path / "there"))
    assert here["image"] == there["image"]
    assert here["reference"] == f"{machine.registry}/{REPOSITORY}@{here['image']}"
    assert LayoutBases(tmp_path / "there").manifest(REPOSITORY, here["image"]) is not None


def test_credentials_for_no_registry_are_refused(tmp_path: Path) -> None:
    refused = typed("--to", str(tmp_path / "image"), "--auth", str(tmp_path / "auth.json"), code=2)
    assert refused["error"] == "os.push"
    assert not (tmp_path / "image").exists()


def test_a_full_disk_is_told_and_leaves_no_half_image(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)], check=True)
    try:
        assert "error" in typed("--to", str(place / "image"), code=3)
        assert not (place / "image" / "index.json").exists()
    finally:
        subprocess.run(["umount", str(place)], check=True)
