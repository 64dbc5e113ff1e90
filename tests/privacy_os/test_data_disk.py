"""The data disk in real machines: it outlasts a start, opens nowhere else, and is never written over."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from machines import PATIENCE, Machine
from places import ALONE, BLOCK, MADE, OPEN, SIZE, Place

from cyberprivacy.privacy_os.data_disk import DATA_AT, HEADER_AT
from cyberprivacy.testing.townmachine import Desk


def _key(machine: Machine) -> str:
    """The attestation key, which a machine makes once and keeps."""
    return str(json.loads(machine.door("/enrolment"))["attestation"])


@pytest.fixture(scope="module")
def made(image: Path, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """A machine that has made its data disk, and its key."""
    place = Place.new(tmp_path_factory.mktemp("made"), image)
    desk.provision(place.folder / "state" / "tpm")
    with place.on() as (machine, _):
        machine.serves()
        assert MADE in machine.console()
        return place, _key(machine)


def test_a_restart_keeps_what_was_kept(made: tuple[Place, str], tmp_path: Path) -> None:
    place, key = made
    with place.moved(tmp_path).on() as (machine, _):
        machine.serves()
        assert MADE not in machine.console()
        assert _key(machine) == key


def test_on_another_tpm_it_does_not_open(made: tuple[Place, str], tmp_path: Path) -> None:
    place = made[0].moved(tmp_path)
    assert "unlock: no slot of the data disk opens" in place.stops("another")
    with place.on() as (_, process):
        assert process.wait_for(OPEN, PATIENCE) is not None  # and nothing was done to it


def test_with_another_configuration_it_does_not_open(made: tuple[Place, str], tmp_path: Path) -> None:
    place = replace(made[0].moved(tmp_path), text=ALONE + b"bundles http://10.0.2.2:1\n")
    assert "unlock: no slot of the data disk opens" in place.stops()


def test_a_changed_header_is_refused(made: tuple[Place, str], tmp_path: Path) -> None:
    place = made[0].moved(tmp_path)
    place.flip(HEADER_AT, HEADER_AT + BLOCK)
    assert "unlock: what says how data is encrypted was changed" in place.stops()


def test_a_changed_block_is_noticed(made: tuple[Place, str], tmp_path: Path) -> None:
    """It cannot be read; without a code for each block, it would be read as garbage."""
    place = made[0].moved(tmp_path)
    place.flip(DATA_AT + BLOCK, SIZE - (2 << 20))
    assert "cannot be mounted (reason='Input/output error')" in place.stops()


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
