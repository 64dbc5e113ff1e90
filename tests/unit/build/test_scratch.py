"""Folders of work in progress: private, cleared away when their maker is gone, and in nobody's way."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cyberprivacy.build.scratch import prefix, scratch


def test_many_who_come_and_go_at_the_same_time_never_meet(tmp_path: Path) -> None:
    def come_and_go(_: int) -> None:
        for _ in range(100):
            with scratch(tmp_path) as place:
                (place / "file").touch()

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(come_and_go, range(4)))
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_maker_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / f"{prefix(tmp_path)}0123"
    left.mkdir()
    with scratch(tmp_path):
        assert not left.exists()
