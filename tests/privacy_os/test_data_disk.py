"""The data disk in real machines: it outlasts a start, opens nowhere else, and is never written over."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from machines import Machine
from places import ALONE, BLOCK, MADE, SIZE, Place

from cyberprivacy.privacy_os.data_disk import DATA_AT, HEADER_AT
from cyberprivacy.testing.townmachine import Desk

OFF = 60.0
"""Seconds in which a machine that has said its last word is off."""


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


def test_on_another_tpm_it_does_not_open_and_on_its_own_all_that_was_kept_is_there(
    made: tuple[Place, str], tmp_path: Path
) -> None:
    place, key = made[0].moved(tmp_path), made[1]
    assert "unlock: no slot of the data disk opens" in place.stops("another")
    with place.on() as (machine, _):  # and nothing was done to it
        machine.serves()
        assert MADE not in machine.console()
        assert _key(machine) == key


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


def test_a_disk_that_does_not_answer_holds_no_opened_chassis_up(made: tuple[Place, str], tmp_path: Path) -> None:
    """Its host takes a byte a second from it: the machine says so, and is off all the same."""
    with replace(made[0].moved(tmp_path), hands=True).on() as (machine, process):
        machine.serves()  # the node begins to write
        hands = machine.hands()
        others = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
        hands.does("block_set_io_throttle", device="data", bps=1, **others)
        hands.does("system_powerdown")
        assert machine.stops().startswith(
            "the chassis was opened: keys are erased; the data disk does NOT answer, and its key goes with the power"
        )
        hands.close()
        assert process.wait_for("never said", OFF) is None
