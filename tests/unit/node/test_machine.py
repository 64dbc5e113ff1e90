"""A machine shows the newest good certificates of its attestation key, and never forgets good ones for bad ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.node import files
from cyberprivacy.node.machine import CERTIFICATES, Machine
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

pytestmark = pytest.mark.engines


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def shown(machine: Machine) -> bytes:
    return machine.quote(bytes(64)).fields["certificates"]


def certified(folder: Path) -> bytes:
    """What a new root says of the machine's key."""
    public = (folder / "tpm" / "attestation-key.pub").read_bytes()
    return DevelopmentRoot.new().certify(Public.parse(public))


def test_renewed_certificates_are_shown_without_a_restart(machine: Machine, tmp_path: Path) -> None:
    assert shown(machine) == b""
    for _ in range(3):
        new = certified(tmp_path)
        files.replace(tmp_path / "tpm" / CERTIFICATES, new)
        assert shown(machine) == new


@pytest.mark.parametrize("kind", ["half", "nothing", "another key"])
def test_bad_certificates_do_not_take_the_place_of_good_ones(machine: Machine, tmp_path: Path, kind: str) -> None:
    file, good = tmp_path / "tpm" / CERTIFICATES, certified(tmp_path)
    file.write_bytes(good)
    assert shown(machine) == good
    other = PaperTpm(events=()).under(DevelopmentRoot.new()).certificates
    file.write_bytes({"half": good[:-1], "nothing": b"", "another key": other}[kind])
    with capture_logs() as logs:
        assert [shown(machine), shown(machine)] == [good, good]
    code = "evidence.other-key" if kind == "another key" else "evidence.chain"
    assert [each["code"] for each in logs] == [code]  # said once, not at each visit
    new = certified(tmp_path)
    file.write_bytes(new)
    assert shown(machine) == new


def test_certificates_that_are_gone_or_cannot_be_read_stay_as_they_were(machine: Machine, tmp_path: Path) -> None:
    file, good = tmp_path / "tpm" / CERTIFICATES, certified(tmp_path)
    file.write_bytes(good)
    assert shown(machine) == good
    file.unlink()
    assert shown(machine) == good
    file.mkdir()
    with capture_logs() as logs:
        assert shown(machine) == good
    assert [each["code"] for each in logs] == ["node.certificates"]
