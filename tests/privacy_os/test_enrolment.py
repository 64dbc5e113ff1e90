"""Firmware that has no keys yet takes ours from a stick, by itself; from then on it starts what they signed."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from machines import CONFIGURATION, PATIENCE, Machine, cyberprivacy, locked_tools
from owners import NAMES, make_keys, signed

from cyberprivacy.attest import bootlog
from cyberprivacy.build.debian import unpack
from cyberprivacy.privacy_os.disk import ALIGNED, SECTOR, make_disk, system_partition
from cyberprivacy.privacy_os.emulator import SERVING, Settings, running
from cyberprivacy.privacy_os.enrolling import AUTO
from cyberprivacy.privacy_os.image import DISK
from cyberprivacy.privacy_os.sources import STUB
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port

MANAGER = "./usr/lib/systemd/boot/efi/systemd-bootx64.efi"
ENROLLED = "Custom Secure Boot keys successfully enrolled"
"""What systemd-boot says."""
REFUSED = "Access Denied"
LEAST = 32 << 20
"""With fewer bytes a FAT16 is a FAT12 to whoever counts clusters, as firmware does."""
TIME = 300.0


def _manager(deb: bytes) -> bytes:
    with unpack(deb) as tree:
        for member in tree:
            if member.name == MANAGER and (file := tree.extractfile(member)) is not None:
                return file.read()
    raise AssertionError(MANAGER)


def _stick(auth: Path, to: Path) -> Path:
    """A disk with systemd-boot and the keys, as docs/how-to/build-the-os.md says."""
    start = f"/work/stick.img@@{ALIGNED * SECTOR}"
    with locked_tools() as (sources, box):
        system = system_partition(box, _manager(sources.build[STUB]) + bytes(LEAST))
        (box.work / "stick.img").write_bytes(make_disk(system, bytes(ALIGNED), sha256(b"stick").digest()))
        (box.work / "loader.conf").write_text("secure-boot-enroll force\n")
        box.run("mmd", "-i", start, "::/loader", "::/loader/keys", f"::/{AUTO}")
        box.run("mcopy", "-i", start, "/work/loader.conf", "::/loader/loader.conf")
        for name in NAMES:
            shutil.copyfile(auth / f"{name}.auth", box.work / f"{name}.auth")
            box.run("mcopy", "-i", start, f"/work/{name}.auth", f"::/{AUTO}/{name}.auth")
        shutil.move(box.work / "stick.img", to)
    return to


@pytest.mark.timeout(1200)
def test_firmware_takes_our_keys_from_a_stick_and_then_starts_only_what_they_signed(
    image: Path, tmp_path: Path
) -> None:
    keys, state = make_keys(tmp_path / "keys"), tmp_path / "state"
    said = cyberprivacy("os", "secure-boot", keys, "--auth", tmp_path / "auth", "--private", keys)
    made = signed(image, keys, "db", tmp_path / "signed")
    (tmp_path / "machine.img").write_bytes(make_volume(CONFIGURATION))
    stick = Settings(disk=_stick(tmp_path / "auth", tmp_path / "stick.img"), volumes=(), state=state, setup=True)
    state.mkdir()
    with running(stick) as process:
        assert process.wait_for(ENROLLED, TIME) is not None, (state / "console.log").read_text(errors="replace")
        assert process.wait_for("never said", TIME) is None  # it starts anew, which ends it here
    with running(replace(stick, disk=image / DISK)) as process:
        assert process.wait_for(REFUSED, TIME) is not None
    port = free_port()
    machine = replace(stick, disk=made / DISK, volumes=(tmp_path / "machine.img",), port=port)
    with running(machine) as process:
        seen = Machine(process, port, state)
        assert process.wait_for(SERVING, PATIENCE) is not None, seen.console()
        log = bootlog.read(seen.door("/boot-log"))
        seen.close()
    assert ({"7": log.replay()[7].hex()}, log.facts()["boot_secure"]) == (said["pcr"], "on")
