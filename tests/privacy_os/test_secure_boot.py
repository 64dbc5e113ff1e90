"""Firmware with our own keys starts what they signed, and nothing else; what it measures of them was known before."""

import json
from pathlib import Path

import pytest
from machines import Machine, cyberprivacy, started
from owners import make_keys, signed

from cyberprivacy.attest import bootlog
from cyberprivacy.cli.os_sign import keys_in
from cyberprivacy.privacy_os.image import DISK, MEASUREMENTS, PROGRAM
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.testing.townmachine import Desk

REFUSED = "Access Denied"
"""What OVMF says of a program that its keys do not allow. Source: EDK II, BdsDxe."""
PATIENCE = 120.0


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("firmware") / "keys", "other")


def _refused(machine: Machine) -> None:
    machine.says(REFUSED, PATIENCE)
    assert "privacy-os:" not in machine.console()


def test_signed_by_ours_it_starts_and_measures_what_was_computed_of_the_unsigned_image(
    image: Path, desk: Desk, keys: Path, tmp_path: Path
) -> None:
    made = signed(image, keys, "db", tmp_path / "signed")
    programs = [Program((each / PROGRAM).read_bytes()) for each in (image, made)]
    assert programs[0].data != programs[1].data
    assert programs[0].authenticode() == programs[1].authenticode()
    predicted = cyberprivacy("os", "secure-boot", keys)["pcr"]
    with started(tmp_path, made / DISK, desk=desk, keys=keys_in(keys)) as machine:
        machine.serves()
        log = bootlog.read(machine.boot_log().read_bytes())
        assert {"7": log.replay()[7].hex()} == predicted
        assert log.facts()["boot_secure"] == "on"
        machine.enrol(desk)
        asked = {"measurement": json.loads((image / MEASUREMENTS).read_text())["measurement_secure_boot"]}
        (tmp_path / MEASUREMENTS).write_text(json.dumps(asked))
        assert machine.verdict(desk, tmp_path, code=0)["verdict"] == "accept"


def test_not_signed_it_does_not_start(image: Path, keys: Path, tmp_path: Path) -> None:
    with started(tmp_path, image / DISK, keys=keys_in(keys)) as machine:
        _refused(machine)


def test_signed_by_another_it_does_not_start(image: Path, keys: Path, tmp_path: Path) -> None:
    made = signed(image, keys, "other", tmp_path / "signed")
    with started(tmp_path, made / DISK, keys=keys_in(keys)) as machine:
        _refused(machine)
