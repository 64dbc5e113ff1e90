"""A machine starts, proves what it is, and is the machine that was predicted; attacked, it stops or is refused."""

from pathlib import Path

import pytest
from machines import CONFIGURATION, another_key, lay_beside, started

from cyberprivacy.privacy_os.image import DISK, PROGRAM
from cyberprivacy.privacy_os.volume import MAGIC, make_volume
from cyberprivacy.testing.townmachine import Desk, changed

_OTHER = str.maketrans("0123456789", "1234567890")
CREDENTIAL = "name=opt/io.systemd.credentials/udev.rules.99-evil,string=evil"


def _checks(report: dict[str, object]) -> dict[str, str]:
    checks = report["checks"]
    assert isinstance(checks, list)
    return {check["name"]: check["code"] for check in checks}


def _failed(report: dict[str, object]) -> set[str]:
    return set(_checks(report).values()) - {"ok"}


def test_it_measures_what_was_predicted_and_the_verifier_accepts_it(
    image: Path, desk: Desk, tmp_path: Path
) -> None:
    """Also with a credential from the host, which nothing in this system reads.

    Its evidence is good for who asked, about the key that answered; another configuration is seen in its register.
    """
    with started(tmp_path, image / DISK, desk=desk, more=("-fw_cfg", CREDENTIAL)) as machine:
        machine.serves()
        machine.enrol(desk)
        assert set(_checks(machine.verdict(desk, image, code=0)).values()) == {"ok"}
        (tmp_path / "text").write_bytes(CONFIGURATION)
        assert machine.diagnosis(image / PROGRAM, config=tmp_path / "text", code=0)["same"] is True
        (tmp_path / "text").write_bytes(CONFIGURATION.replace(b"8545", b"8546"))
        found = machine.diagnosis(image / PROGRAM, config=tmp_path / "text", code=1)["differences"]
        assert isinstance(found, list)
        assert [each["register"] for each in found] == [14]
        key, nonce = machine.state / "key.pem", "00" * 32
        assert _failed(machine.judged(desk, image, key=key, nonce=nonce, code=1)) == {"evidence.replayed"}
        other = tmp_path / "other.pem"  # of somebody who sits on the connection
        other.write_bytes(another_key())
        assert "bound.other-key" in _failed(machine.judged(desk, image, key=other, nonce=nonce, code=1))


def test_one_byte_of_the_command_line_starts_and_is_refused(image: Path, desk: Desk, tmp_path: Path) -> None:
    disk = changed(image, tmp_path / "changed.img", lambda line: line.replace("loglevel=4", "loglevel=5"))
    with started(tmp_path, disk, desk=desk) as machine:
        machine.serves()
        machine.enrol(desk)
        checks = _checks(machine.verdict(desk, image, code=1))
        assert checks.pop("os.measurement") == "os.not-in-policy"
        assert set(checks.values()) == {"ok"}
        found = machine.diagnosis(image / PROGRAM, code=1)["differences"]
        assert isinstance(found, list)
        assert [(each["register"], each["expected"]) for each in found] == [
            (11, ".cmdline"),
            (9, "the command line"),
            (4, "the program"),
        ]


def test_a_changed_root_does_not_serve(image: Path, tmp_path: Path) -> None:
    """The first file that is read is not what its hash says: the kernel stops."""
    data = bytearray((image / DISK).read_bytes())
    starts = range(
        1024, len(data), 1 << 20
    )  # partitions begin at whole MiB, a file system's magic stands behind 1024
    (at,) = (each for each in starts if data[each : each + 4] == b"\xe2\xe1\xf5\xe0")
    data[at + 100] ^= 1
    (tmp_path / "changed.img").write_bytes(data)
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
