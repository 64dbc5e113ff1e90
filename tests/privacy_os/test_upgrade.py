"""An update of the image: the data go along, nobody signs anything, and there is no way back."""

import json
from dataclasses import replace
from pathlib import Path

from machines import PATIENCE
from places import OPEN, Place

from cyberprivacy.privacy_os.emulator import ADDRESS
from cyberprivacy.privacy_os.image import PROGRAM, measurements
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import Town
from cyberprivacy.testing.townmachine import HOST, changed

CHECKOUT = Path(__file__).resolve().parents[2]
ANVIL = CHECKOUT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


def _next(line: str) -> str:
    return line.replace("privacy.version=1", "privacy.version=2")


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
        with replace(place, disk=changed(image, tmp_path / "next.img", _next)).on() as (machine, process):
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
        assert "unlock: no slot of the data disk opens" in place.stops()
