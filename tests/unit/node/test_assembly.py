"""Nodes of one machine stay out of each other's way."""

from pathlib import Path

import pytest

from cyberprivacy.errors import TryLater
from cyberprivacy.node import assembly
from cyberprivacy.node.assembly import leave, slot


@pytest.fixture(autouse=True)
def volatile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assembly, "VOLATILE", tmp_path / "run")
    return tmp_path / "run"


def node(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_two_nodes_never_share_a_number_and_each_keeps_its_own(tmp_path: Path) -> None:
    one, two = node(tmp_path, "one"), node(tmp_path, "two")
    assert (slot(one), slot(two), slot(one), slot(two)) == (0, 1, 0, 1)


def test_a_number_survives_a_reboot(tmp_path: Path, volatile: Path) -> None:
    one, two = node(tmp_path, "one"), node(tmp_path, "two")
    slot(one), slot(two)
    for place in (volatile / "slots").iterdir():
        place.unlink()
    assert slot(two) == 1


def test_a_number_that_somebody_took_meanwhile_is_refused(tmp_path: Path) -> None:
    one, two = node(tmp_path, "one"), node(tmp_path, "two")
    slot(one)
    leave(one)
    assert slot(two) == 0
    with pytest.raises(TryLater) as refusal:
        slot(one)
    assert refusal.value.code == "node.slot"


def test_the_number_of_a_node_that_is_gone_is_free(tmp_path: Path) -> None:
    one, two = node(tmp_path, "one"), node(tmp_path, "two")
    slot(one)
    (one / "slot").unlink()
    one.rmdir()
    assert slot(two) == 0
