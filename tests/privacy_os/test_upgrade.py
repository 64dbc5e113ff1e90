"""An update of the image: the data go along, nobody signs anything, and there is no way back.

Nor is there one for a host that keeps copies of the disk, from before the update and from the middle of it.
"""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from machines import PATIENCE, Machine
from places import OPEN, Place

from cyberprivacy.privacy_os.data_disk import HEAD_AT, HEADER_AT
from cyberprivacy.privacy_os.emulator import ADDRESS
from cyberprivacy.privacy_os.image import PROGRAM, measurements
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import Town
from cyberprivacy.testing.townmachine import HOST, changed

CHECKOUT = Path(__file__).resolve().parents[2]
ANVIL = CHECKOUT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


def _next(line: str) -> str:
    return line.replace("privacy.version=1", "privacy.version=2")


def _prepared(place: Place, story: Story, coming: dict[str, object]) -> None:
    """The machine has handed its disk on to the coming image: not before the chain accepts that."""
    with place.on() as (machine, process):
        machine.serves()
        machine.tell("/upgrade", json.dumps(coming).encode())
    with place.on() as (machine, process):
        assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
        assert "not prepared for another image: the chain does not accept it now" in machine.console()
    story.announce(f"0x{coming['measurement']}")
    with place.on() as (machine, process):
        assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
        assert "the data disk will open for version 2" in machine.console()


def _held_in_the_midst(place: Place, machine: Machine) -> bytes:
    """Hold the machine when it has written its own slot, before it says that the disk is open; a copy of the disk."""
    hands = machine.hands()
    with place.data.open("rb", buffering=0) as file:
        records = HEADER_AT - HEAD_AT
        first = os.pread(file.fileno(), records, HEAD_AT)
        until = time.monotonic() + PATIENCE
        while os.pread(file.fileno(), records, HEAD_AT) == first:
            assert time.monotonic() < until
            time.sleep(0.002)
    hands.freeze()
    hands.close()
    return place.data.read_bytes()


def _goes_on(machine: Machine) -> None:
    hands = machine.hands()
    hands.goes_on()
    hands.close()


def test_the_next_image_takes_over_and_the_one_before_opens_nothing(image: Path, tmp_path: Path) -> None:
    line, program = measurements((image / PROGRAM).read_bytes())["command_line"], (image / PROGRAM).read_bytes()
    assert isinstance(line, str)
    coming = measurements(program.replace(line.encode(), _next(line).encode()))
    with Town(tmp_path / "town", ANVIL) as town:
        story = Story(town, CHECKOUT / "examples", cache=tmp_path / "debs")
        story.law("guestbook")
        text = f"address {ADDRESS}\ngateway {HOST}\nchain http://{HOST}:{town.chain.port}\n"
        text += f"dao {story.dao['governor']}\ndata tpm\n"
        place = replace(Place.new(tmp_path, image), text=text.encode(), outward=True)
        _prepared(place, story, coming)
        newer, before = replace(place, disk=changed(image, tmp_path / "next.img", _next)), place.data.read_bytes()
        with replace(newer, hands=True).on() as (machine, process):
            midst = _held_in_the_midst(place, machine)
            assert OPEN not in machine.console()
            _goes_on(machine)
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
        place.data.write_bytes(before)
        assert "unlock: no slot of the data disk opens" in place.stops()
        place.data.write_bytes(midst)
        with newer.on() as (machine, process):
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
