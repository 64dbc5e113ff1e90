"""Data disks that a test makes for itself: cut off while it is made, not blank, shut by an opened chassis."""

import time
from dataclasses import replace
from pathlib import Path

from machines import PATIENCE
from places import ALONE, MADE, OPEN, Place


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


def test_an_opened_chassis_shuts_it_for_good_and_every_copy_of_it(image: Path, tmp_path: Path) -> None:
    place = replace(Place.new(tmp_path, image), text=ALONE + b"chassis disk\n", hands=True)
    with place.on() as (machine, process):
        assert process.wait_for("an opened chassis shuts the data disk", PATIENCE) is not None, machine.console()
        copy = place.data.read_bytes()
        hands = machine.hands()
        hands.does("system_powerdown")
        assert process.wait_for("keys are erased; the data disk is shut for good", PATIENCE), machine.console()
        hands.close()
    assert "unlock: no slot of the data disk opens" in place.stops()
    place.data.write_bytes(copy)
    assert "unlock: no slot of the data disk opens" in place.stops()
