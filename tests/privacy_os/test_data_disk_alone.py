"""Data disks that a test makes for itself: cut off while it is made, not blank."""

import time
from pathlib import Path

from machines import PATIENCE
from places import MADE, OPEN, Place


def test_power_cut_while_it_is_made(image: Path, tmp_path: Path) -> None:
    """At its beginning, and again once dm-integrity has begun to write codes."""
    place = Place.new(tmp_path, image)
    with place.on() as (machine, process):
        assert process.wait_for(MADE, PATIENCE) is not None, machine.console()
    with place.on() as (machine, process):
        until = time.monotonic() + PATIENCE
        while not place.begun():
            assert process.on, machine.console()
            assert time.monotonic() < until
            time.sleep(0.2)
        assert OPEN not in machine.console()
    with place.on() as (machine, process):
        assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
        assert MADE in machine.console()


def test_a_disk_with_something_else_is_left_alone(image: Path, tmp_path: Path) -> None:
    place = Place.new(tmp_path, image)
    with place.data.open("r+b") as file:
        file.seek(512)
        file.write(b"somebody's data")
    before = place.data.read_bytes()
    assert "unlock: no disk is blank or a data disk of ours" in place.stops()
    assert place.data.read_bytes() == before
