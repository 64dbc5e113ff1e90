"""A machine that asks a key node for its part: it proves itself before anything on it is open."""

import json
from dataclasses import replace
from pathlib import Path

from keynodes import serving
from machines import CONFIGURATION, PATIENCE
from places import OPEN, Place

from cyberprivacy.privacy_os.image import MEASUREMENTS
from cyberprivacy.testing.townmachine import Desk


def test_a_machine_opens_its_disk_while_its_software_stands(image: Path, desk: Desk, tmp_path: Path) -> None:
    """Made and opened with the part of the key node; shut once the chain does not accept the software any more."""
    accepted = {bytes.fromhex(json.loads((image / MEASUREMENTS).read_text())["measurement"])}
    desk.provision(tmp_path / "state" / "tpm")
    with serving(tmp_path / "keys", desk, accepted) as line:
        place = replace(Place.new(tmp_path, image), text=CONFIGURATION + line.encode(), outward=True)
        with place.on() as (machine, process):
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
            assert "is with ONE key node" in machine.console()
        accepted.clear()
        assert "unlock: the key node refuses" in place.stops()
        assert len(list((tmp_path / "keys" / "parts").iterdir())) == 1
