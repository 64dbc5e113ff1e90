"""The example that nobody wrote for us: real wheels, two stages, a database made at build time."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.image import BuiltImage
from cyberprivacy.build.pin import pin_bases
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.review.lint import lint

pytestmark = pytest.mark.engines
EXAMPLE = Path(__file__).parents[3] / "examples/datasette"


@pytest.fixture
def image(tmp_path: Path, base, builder) -> BuiltImage:
    """The example, pinned to today's base, through the real gate, built."""
    tree = tmp_path / "datasette"
    shutil.copytree(EXAMPLE, tree)
    pin_bases(tree, {"cyberprivacy/python": base[1]})
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    linted = lint(open_verified(TreeBlocks(tree).root, tree))
    [made] = builder(cache=platformdirs.user_cache_path("cyberprivacy") / "test-inputs").build(linted)
    return made


@pytest.fixture
def podman() -> Iterator[list[str]]:
    """podman with its own storage, at a path that is short enough for its sockets."""
    place = tempfile.mkdtemp(prefix="cp-")
    command = [
        "podman",
        f"--root={place}/p",
        f"--runroot={place}/r",
        "--cgroup-manager=cgroupfs",
        "--runtime=runc",
    ]
    yield command
    subprocess.run([*command, "rm", "-af", "-t0"], check=False, capture_output=True)
    subprocess.run([*command, "rmi", "-af"], check=False, capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def test_it_serves_its_database_as_nobody_without_a_network_on_a_read_only_root(
    image: BuiltImage, podman: list[str], tmp_path: Path
) -> None:
    assert read_archive(image.archive).manifest.digest == image.digest
    loaded = subprocess.run([*podman, "load", "-qi", image.archive], capture_output=True, text=True, check=True)
    settings = tmp_path / "settings"
    settings.mkdir(mode=0o755)
    (settings / "metadata.json").write_text('{"title": "Planets"}')
    options = [
        "--network=none",
        "--read-only",
        "--read-only-tmpfs=false",
        "--tmpfs=/tmp:size=16m",
        "--cap-drop=all",
    ]
    options += ["--security-opt=no-new-privileges", "--user=10001", "--memory=256m", f"-v={settings}:/settings:ro"]
    options += ["--ulimit=nofile=1024:1024", "--ulimit=nproc=256:256", "--name=planets"]
    subprocess.run([*podman, "run", "-d", *options, loaded.stdout.split()[-1]], check=True, capture_output=True)
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8001{}').read().decode())"
    rows = json.loads(answer(podman, ask.format("/planets/planets.json?_shape=array")))
    assert [row["name"] for row in rows][:3] == ["Mercury", "Venus", "Earth"]
    assert "Planets" in answer(podman, ask.format("/"))
    assert answer(podman, "import os; print(os.getuid())").strip() == "10001"


def answer(podman: list[str], code: str) -> str:
    """What code in the container prints; asked again while the application starts."""
    deadline = time.monotonic() + 60
    while True:
        command = [*podman, "exec", "planets", "python3", "-c", code]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)
