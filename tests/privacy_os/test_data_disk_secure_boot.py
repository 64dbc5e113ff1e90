"""A data disk that was made under Secure Boot, with a part of its key at a key node: what firmware allows is in it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from keynodes import serving
from machines import CONFIGURATION, PATIENCE
from owners import make_keys, signed
from places import MADE, OPEN, Place

from cyberprivacy.cli.os_sign import keys_in
from cyberprivacy.privacy_os.image import MEASUREMENTS
from cyberprivacy.testing.townmachine import Desk


@pytest.mark.timeout(1200)
def test_what_was_made_under_secure_boot_opens_under_these_keys_only(
    image: Path, desk: Desk, tmp_path: Path
) -> None:
    """The same signed image on the same TPM; the chain accepts what it measures with Secure Boot, and without."""
    keys, others = make_keys(tmp_path / "keys"), make_keys(tmp_path / "others")
    (others / "db.pem").write_bytes((keys / "db.pem").read_bytes())  # they let the same image start
    said = json.loads((image / MEASUREMENTS).read_text())
    accepted = {bytes.fromhex(said[name]) for name in ("measurement", "measurement_secure_boot")}
    desk.provision(tmp_path / "state" / "tpm")
    with serving(tmp_path / "node", desk, accepted) as line:
        place = Place.new(tmp_path, signed(image, keys, "db", tmp_path / "signed"))
        place = replace(place, text=CONFIGURATION + line.encode(), outward=True, keys=keys_in(keys))
        for made in (True, False):
            with place.on() as (machine, process):
                assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
                assert (MADE in machine.console()) == made
        for firmware in (None, keys_in(others)):
            assert "unlock: no slot of the data disk opens" in replace(place, keys=firmware).stops()
        with place.on() as (machine, process):
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
