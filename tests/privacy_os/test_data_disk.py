"""The data disk in real machines: it outlasts a start, opens nowhere else, and is never written over."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from machines import CONFIGURATION, PATIENCE, Machine

from cyberprivacy.privacy_os.data_disk import DATA_AT, HEADER_AT
from cyberprivacy.privacy_os.emulator import Running, Settings, running
from cyberprivacy.privacy_os.image import DISK
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.townmachine import Desk

SIZE = 96 << 20
OPEN = "privacy-os: the data disk is open"
MADE = "privacy-os: the data disk is blank"
ALONE = CONFIGURATION + b"data tpm\n"
BLOCK = 4096
SUPERBLOCK = b"integrt\0"


@dataclass(frozen=True)
class Place:
    """Where a machine stands: its disks and its TPM. It is switched on as often as a test likes."""

    folder: Path
    disk: Path
    text: bytes = ALONE

    @classmethod
    def new(cls, folder: Path, image: Path) -> "Place":
        made = cls(folder, image / DISK)
        with made.data.open("wb") as file:
            file.truncate(SIZE)
        return made

    @property
    def data(self) -> Path:
        return self.folder / "data.img"

    def moved(self, to: Path) -> "Place":
        """A copy of everything that the machine keeps."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        return replace(self, folder=to)

    @contextmanager
    def on(self, state: str = "state") -> Iterator[tuple[Machine, Running]]:
        (self.folder / "machine.img").write_bytes(make_volume(self.text))
        port, volumes = free_port(), (self.folder / "machine.img",)
        settings = Settings(disk=self.disk, volumes=volumes, data=self.data, state=self.folder / state, port=port)
        with running(settings) as process:
            machine = Machine(process, port, self.folder / state)
            try:
                yield machine, process
            finally:
                machine.close()

    def stops(self, state: str = "state") -> str:
        """Why it switches itself off, once it is switched on."""
        with self.on(state) as (machine, _):
            return machine.stops()

    def begun(self) -> bool:
        """Whether dm-integrity has written its superblock."""
        with self.data.open("rb") as file:
            file.seek(DATA_AT)
            return file.read(len(SUPERBLOCK)) == SUPERBLOCK

    def flip(self, start: int, end: int) -> None:
        """Change a bit in each block."""
        with self.data.open("r+b") as file:
            for at in range(start, end, BLOCK):
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes((byte[0] ^ 1,)))


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
