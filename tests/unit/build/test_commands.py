"""`pin`, `base build` and `build`, as people type them."""

import json
import shutil
from pathlib import Path

import platformdirs
import pytest

from cyberprivacy.cli import build, run

EXAMPLES = Path(__file__).parents[3] / "examples"
ONES = f"sha256:{'1' * 64}"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "guestbook" / "1.0.0", tmp_path / "sources"))


def test_pin_says_what_it_changed(sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "pin",
        str(sources),
        "--bases",
        str(tmp_path / "none"),
        "--base",
        f"cyberprivacy/python={ONES}",
        "--json",
    ]
    assert run(words) == 0
    changed = json.loads(capsys.readouterr().out)["changed"]
    assert {Path(path).name for path in changed} == {"cyberprivacy.yaml", "Dockerfile"}
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == []


def test_pin_without_a_known_base_is_misuse(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pin", str(sources), "--bases", str(tmp_path / "none"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "pin.base"


@pytest.mark.engines
def test_from_sources_to_digests_in_three_commands(
    sources: Path, tmp_path: Path, base, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    debs = platformdirs.user_cache_path("cyberprivacy") / "debian"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "debian").symlink_to(debs)
    renewed = base[0].parent / "renewed.lock"
    lock = renewed if renewed.exists() else EXAMPLES / "base-images/python/base.lock"
    bases = ["--bases", str(tmp_path / "bases"), "--json"]
    assert run(["base", "build", "--lock", str(lock), *bases]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == base[1]
    assert run(["pin", str(sources), *bases]) == 0
    capsys.readouterr()
    assert run(["build", str(sources), *bases]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["images"].keys() == {"web"}
    shutil.rmtree(tmp_path / "cache" / "build")
    assert run(["build", str(sources), *bases]) == 0
    assert json.loads(capsys.readouterr().out) == first
