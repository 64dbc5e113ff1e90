"""A data disk over starts, power cuts and upgrades: a real software TPM, a file as the disk.

This kernel may have no device mapper; what is encrypted is a file here that says under which key it was written.
With the kernel's own: tests/privacy_os/test_data_disk.py.
"""

import hmac
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmcounter import CC_NV_INCREMENT
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.data_disk import LEAST, DataDisk
from cyberprivacy.privacy_os.head import BadHead, Head
from cyberprivacy.privacy_os.keypart import NoPart
from cyberprivacy.privacy_os.slots import Locked
from cyberprivacy.privacy_os.unlocking import unlock
from cyberprivacy.privacy_os.upgrade import Image

pytestmark = pytest.mark.engines

IMAGE, CONFIGURATION = 11, 14


class PowerCutError(Exception):
    """Nothing more happens."""


class Paper:
    """Says under which key something was written; counts how often it was begun anew."""

    def __init__(self, path: Path) -> None:
        self._path, self.made = path, 0

    def make(self, _partition: Path, key: bytes) -> bytes:
        self.made += 1
        self._path.write_bytes(hmac.digest(key, b"", "sha256"))
        return b"LUKS" * 1000

    def open(self, _partition: Path, key: bytes, _header: bytes, _place: Path) -> None:
        if self._path.read_bytes() != hmac.digest(key, b"", "sha256"):
            raise Untrusted("another key", code="os.data-locked")


class Part:
    """A key service that knows one machine."""

    def __init__(self, part: bytes) -> None:
        self._part = part

    def fetch(self, disk: bytes) -> bytes:
        assert len(disk) == 16
        return self._part


class Machine:
    """A TPM and a disk, which starts again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.disk = folder, folder / "vdc"
        with self.disk.open("wb") as file:
            file.truncate(LEAST)
        self.vessel, self._engine = Paper(folder / "written"), None
        self.dies_counting = ""

    def exchange(self, command: bytes) -> bytes:
        assert self._engine is not None
        counts = command[6:10] == CC_NV_INCREMENT.to_bytes(4, "big")
        if counts and self.dies_counting == "before":
            raise PowerCutError
        answer = self._engine.exchange(command)
        if counts and self.dies_counting == "after":
            raise PowerCutError
        return answer

    def starts(
        self,
        image: bytes = b"1",
        configuration: bytes = b"c",
        *,
        chip: str = "chip",
        part: bytes = b"",
        coming: bytes = b"",
    ) -> Head:
        """A start of an image with a configuration, up to the open disk."""
        self._engine = SoftwareTpm(self._folder / chip)
        try:
            tpm = Tpm(self)
            for register, taken in ((IMAGE, image), (CONFIGURATION, configuration)):
                tpm.extend(register, taken * 32)
            disk = DataDisk.at(self.disk)
            assert disk is not None
            following = Image(2, bytes(32), sha256(bytes(32) + coming * 32).digest()) if coming else None
            who = Part(part) if part else NoPart()
            return unlock(tpm, disk, who, self.vessel, self._folder, coming=lambda: following)
        finally:
            self._engine.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The power goes in the middle of this many writes from now."""
    left, write = [-1], os.pwrite

    def pwrite(device: int, data: bytes, at: int) -> int:
        left[0] -= 1
        if not left[0]:
            write(device, data[:512], at)  # a sector is whole, or is not
            raise PowerCutError
        return write(device, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    yield left
    left[0] = -1


def test_a_blank_disk_is_made_once_and_opens_from_then_on(machine: Machine) -> None:
    first = machine.starts(part=b"p")
    assert machine.starts(part=b"p") == first
    assert machine.vessel.made == 1


@pytest.mark.parametrize("write", range(1, 6))
def test_power_cut_while_it_is_made(machine: Machine, cut: list[int], write: int) -> None:
    cut[0] = write
    with pytest.raises(PowerCutError):
        machine.starts()
    cut[0] = -1
    made = machine.vessel.made
    head = machine.starts()
    assert machine.vessel.made == made + 1
    assert machine.starts() == head


def test_another_image_configuration_tpm_or_part_opens_nothing_and_harms_nothing(machine: Machine) -> None:
    machine.starts(part=b"p")
    before = machine.disk.read_bytes()
    for other in ({"image": b"2"}, {"configuration": b"d"}, {"chip": "other"}):
        with pytest.raises(Locked) as refusal:
            machine.starts(part=b"p", **other)  # type: ignore[arg-type]
        assert refusal.value.code == "os.data-locked"
    for part in (b"q", b""):
        with pytest.raises(BadHead):
            machine.starts(part=part)
    assert machine.disk.read_bytes() == before
    machine.starts(part=b"p")
    assert machine.vessel.made == 1


def test_a_partition_table_that_was_damaged_is_written_again_and_no_data_is_lost(machine: Machine) -> None:
    head = machine.starts()
    with machine.disk.open("r+b") as file:
        file.write(bytes(4096))
    assert machine.starts() == head
    assert machine.vessel.made == 1


def test_a_changed_head_makes_no_blank_disk(machine: Machine) -> None:
    machine.starts()
    with machine.disk.open("r+b") as file:
        file.seek(1 << 20)
        file.write(bytes(1 << 18))
    with pytest.raises(BadHead):
        machine.starts()
    assert machine.vessel.made == 1


def test_the_next_image_takes_over_and_the_one_before_never_comes_back(machine: Machine) -> None:
    machine.starts(b"1")
    with pytest.raises(Locked):
        machine.starts(b"2")
    machine.starts(b"1", coming=b"2")
    assert len(machine.starts(b"1").slots) == 2  # until the next image starts, this one may
    old = machine.disk.read_bytes()
    assert len(machine.starts(b"2").slots) == 1
    new = machine.disk.read_bytes()
    for data in (new, old):  # also not with all that it had
        machine.disk.write_bytes(data)
        with pytest.raises(Locked):
            machine.starts(b"1")
    machine.disk.write_bytes(new)
    machine.starts(b"2", coming=b"3")
    machine.starts(b"3")
    for image in (b"1", b"2"):
        with pytest.raises(Locked):
            machine.starts(image)
    assert machine.vessel.made == 1


def test_a_third_image_opens_nothing_that_was_left_for_the_second(machine: Machine) -> None:
    machine.starts(b"1")
    machine.starts(b"1", coming=b"2")
    with pytest.raises(Locked):
        machine.starts(b"3")
    with pytest.raises(Locked):
        machine.starts(b"2", b"d")
    machine.starts(b"2")


@pytest.mark.parametrize("when", ["before", "after"])
def test_power_cut_while_an_image_takes_over(machine: Machine, when: str) -> None:
    machine.starts(b"1")
    machine.starts(b"1", coming=b"2")
    machine.dies_counting = when
    with pytest.raises(PowerCutError):
        machine.starts(b"2")
    machine.dies_counting = ""
    _taken_over(machine)


@pytest.mark.parametrize("write", [1, 2])
def test_power_cut_while_the_head_of_an_image_is_written(machine: Machine, cut: list[int], write: int) -> None:
    machine.starts(b"1")
    machine.starts(b"1", coming=b"2")
    cut[0] = write
    with pytest.raises(PowerCutError):
        machine.starts(b"2")
    cut[0] = -1
    _taken_over(machine)


def _taken_over(machine: Machine) -> None:
    """The next image goes on where it was; the one before does not come back."""
    assert len(machine.starts(b"2").slots) == 1
    with pytest.raises(Locked):
        machine.starts(b"1")
    assert machine.vessel.made == 1


def test_power_cut_while_the_next_image_is_prepared_for(machine: Machine, cut: list[int]) -> None:
    head = machine.starts(b"1")
    cut[0] = 1
    with pytest.raises(PowerCutError):
        machine.starts(b"1", coming=b"2")
    cut[0] = -1
    assert machine.starts(b"1") == head
