"""A machine that was changed, or given more than its image, stops or is refused."""

import json
from pathlib import Path

import pytest
from forging import another_first_process
from machines import CONFIGURATION, changed_root, codes, failed, lay_beside, started
from tables import writing_table

from cyberprivacy.privacy_os.image import DISK, MEASUREMENTS, PROGRAM
from cyberprivacy.privacy_os.partitions import ALIGNED, SECTOR
from cyberprivacy.privacy_os.volume import MAGIC, make_volume
from cyberprivacy.testing.townmachine import Desk, changed

TABLES = "acpi_no_static_ssdt"
_OTHER = str.maketrans("0123456789", "1234567890")


def test_one_byte_of_the_command_line_starts_and_is_refused(image: Path, desk: Desk, tmp_path: Path) -> None:
    """The byte makes a word unknown that keeps tables of the host out: their code runs."""
    disk = changed(image, tmp_path / "changed.img", lambda line: line.replace(TABLES, TABLES[:-1] + "x"))
    (tmp_path / "table").write_bytes(writing_table(b"\nEVIL\n"))
    table = ("-acpitable", f"sig=SSDT,rev=2,data={tmp_path / 'table'}")
    with started(tmp_path, disk, desk=desk, more=table) as machine:
        machine.serves()
        assert "EVIL" in machine.console()
        machine.enrol(desk)
        checks = codes(machine.verdict(desk, image, code=1))
        assert checks.pop("os.measurement") == "os.not-in-policy"
        assert set(checks.values()) == {"ok"}
        found = machine.diagnosis(image / PROGRAM, code=1)["differences"]
        assert isinstance(found, list)
        assert [(each["register"], each["expected"]) for each in found] == [
            (11, ".cmdline"),
            (9, "the command line"),
            (4, "the program"),
        ]


def test_what_the_network_starts_instead_is_refused(image: Path, desk: Desk, tmp_path: Path) -> None:
    """The disk starts nothing any more, and firmware takes what the network offers: an image of somebody else."""
    line = json.loads((image / MEASUREMENTS).read_text())["command_line"].encode()
    program = (image / PROGRAM).read_bytes()
    (tmp_path / "offered.efi").write_bytes(program.replace(line, line.replace(b"loglevel=4", b"loglevel=5")))
    disk = bytearray((image / DISK).read_bytes())
    disk[ALIGNED * SECTOR : (ALIGNED + 1) * SECTOR] = bytes(
        SECTOR
    )  # the head of the system partition's file system
    (tmp_path / "disk.img").write_bytes(disk)
    with started(tmp_path, tmp_path / "disk.img", desk=desk, offered=tmp_path / "offered.efi") as machine:
        machine.serves()
        machine.enrol(desk)
        assert failed(machine.verdict(desk, image, code=1)) == {"os.not-in-policy"}


def test_another_first_process_in_an_extra_archive_is_refused(image: Path, desk: Desk, tmp_path: Path) -> None:
    """An archive laid beside the image replaces the first process, by one that does not look what was added."""
    disk = tmp_path / "added.img"
    lay_beside(image / DISK, disk, "EFI/BOOT/BOOTX64.EFI.extra.d/evil.addon.efi", another_first_process())
    with started(tmp_path, disk, desk=desk) as machine:
        machine.serves()
        machine.enrol(desk)
        assert failed(machine.verdict(desk, image, code=1)) == {"os.not-in-policy"}
        found = machine.diagnosis(image / PROGRAM, code=1)["differences"]
        assert isinstance(found, list)
        assert 12 in [each["register"] for each in found]


def test_a_changed_root_does_not_serve(image: Path, tmp_path: Path) -> None:
    """The first file that is read is not what its hash says: the kernel stops."""
    (tmp_path / "changed.img").write_bytes(changed_root(image))
    with started(tmp_path, tmp_path / "changed.img") as machine:
        assert "privacy-os: configuration is measured" in machine.off()


def test_another_root_is_not_taken(image: Path, tmp_path: Path) -> None:
    """The hash of the root on the command line is another: there is no such disk."""
    disk = changed(image, tmp_path / "changed.img", lambda line: line[:77].translate(_OTHER) + line[77:])
    with started(tmp_path, disk) as machine:
        assert "root is verified" not in machine.off()


def test_a_longer_command_line_from_the_host_stops_it(image: Path, tmp_path: Path) -> None:
    words = "type=11,value=io.systemd.stub.kernel-cmdline-extra=init=/usr/bin/python3.11"
    with started(tmp_path, image / DISK, more=("-smbios", words)) as machine:
        assert machine.stops() == "this start was given more than the image (register 12)"


@pytest.mark.parametrize(
    ("place", "register"),
    [("EFI/BOOT/BOOTX64.EFI.extra.d/evil.cred", 12), ("EFI/BOOT/BOOTX64.EFI.extra.d/evil.sysext.raw", 13)],
    ids=["credential", "extension"],
)
def test_what_is_laid_beside_the_image_stops_it(image: Path, tmp_path: Path, place: str, register: int) -> None:
    """The boot stub takes what lies beside it on the system partition, and measures it."""
    disk = tmp_path / "added.img"
    lay_beside(image / DISK, disk, place)
    with started(tmp_path, disk) as machine:
        assert machine.stops() == f"this start was given more than the image (register {register})"


def test_a_second_disk_with_this_root_stops_it(image: Path, tmp_path: Path) -> None:
    with started(tmp_path, image / DISK, disks=(image / DISK,)) as machine:
        assert machine.stops() == "more than one disk with this root"


@pytest.mark.parametrize(
    ("volumes", "why"),
    [
        ((make_volume(CONFIGURATION), make_volume(CONFIGURATION)), "more than one configuration volume"),
        (
            (
                (MAGIC + (len(CONFIGURATION) + 14).to_bytes(4, "big") + CONFIGURATION + b"shell /bin/sh\n").ljust(
                    1 << 20, b"\0"
                ),
            ),
            "line 5 of the configuration: an unknown key",
        ),
    ],
    ids=["second volume", "unknown key"],
)
def test_a_configuration_that_is_not_one_stops_it(
    image: Path, tmp_path: Path, volumes: tuple[bytes, ...], why: str
) -> None:
    with started(tmp_path, image / DISK, texts=volumes) as machine:
        assert machine.stops() == why
