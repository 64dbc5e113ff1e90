"""Pinning changes digests of base images, and nothing else."""

from pathlib import Path

import pytest

from cyberprivacy.build.pin import pin_bases
from cyberprivacy.bundle import manifest
from cyberprivacy.errors import Misuse, Untrusted

ZEROS, ONES = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
MANIFEST = f"""cyberprivacy: 1
name: probe
version: 1.0.0
release: 1
parent: null
pipeline: 1
images:
  web: {{dockerfile: Dockerfile}}
inputs:
  bases:
    - {{repository: cyberprivacy/python, digest: "{ZEROS}"}}
    - repository: example.com/other
      digest: {ZEROS}
public: {{service: web, port: 80}}
"""
DOCKERFILE = (
    f"FROM cyberprivacy/python@{ZEROS} AS a\nFROM my.cyberprivacy/python@{ZEROS}\nFROM example.com/other@{ZEROS}\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "cyberprivacy.yaml").write_text(MANIFEST)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def test_every_mention_of_a_base_gets_its_digest_and_no_other(tree: Path) -> None:
    twos = f"sha256:{'2' * 64}"
    changed = pin_bases(tree, {"cyberprivacy/python": ONES, "example.com/other": twos, "unused": ZEROS})
    assert {path.name for path in changed} == {"cyberprivacy.yaml", "Dockerfile"}
    assert (tree / "Dockerfile").read_text() == (
        f"FROM cyberprivacy/python@{ONES} AS a\nFROM my.cyberprivacy/python@{ZEROS}\nFROM example.com/other@{twos}\n"
    )
    parsed = manifest.parse((tree / "cyberprivacy.yaml").read_bytes())
    assert {base.repository: base.digest for base in parsed.bases} == {
        "cyberprivacy/python": ONES,
        "example.com/other": twos,
    }


def test_pinning_again_changes_nothing(tree: Path) -> None:
    digests = {"cyberprivacy/python": ONES, "example.com/other": ONES}
    pin_bases(tree, digests)
    assert pin_bases(tree, digests) == ()


def test_a_base_without_a_known_digest_is_misuse_and_nothing_changes(tree: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        pin_bases(tree, {"cyberprivacy/python": ONES})
    assert refusal.value.code == "pin.base"
    assert (tree / "Dockerfile").read_text() == DOCKERFILE


def test_a_digest_of_another_form_is_refused(tree: Path) -> None:
    with pytest.raises(Untrusted):
        pin_bases(tree, {"cyberprivacy/python": "sha256:1", "example.com/other": ONES})
    assert (tree / "Dockerfile").read_text() == DOCKERFILE


def test_a_directory_without_a_manifest_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        pin_bases(tmp_path, {})
    assert refusal.value.code == "pin.directory"
