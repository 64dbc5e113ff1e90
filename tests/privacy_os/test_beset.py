"""One honest machine under everything that its host can do without changing it: what has an effect, and what not."""

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from forging import forged
from hands import places, private_key
from machines import (
    CONFIGURATION,
    Machine,
    another_key,
    changed_root,
    codes,
    cyberprivacy,
    failed,
    pem,
    started,
)
from tables import writing_table

from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.privacy_os.image import DISK, PROGRAM
from cyberprivacy.testing.townmachine import Desk

MEMORY = 1024
TYPED = b"\x03\x04\x1aroot\r\n\x00\x7finit=/bin/sh\r\n"
"""What ends, stops or logs in elsewhere. Not Escape: it opens firmware's menu, which is the host's own."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("beset")


@pytest.fixture(scope="module")
def attacks(image: Path, folder: Path) -> tuple[str, ...]:
    """Words for QEMU: a credential; a table with code; a stick with the same names, which is not what its hash says."""
    (folder / "table").write_bytes(writing_table(b"\nEVIL\n"))
    (folder / "stick.img").write_bytes(changed_root(image))
    return (
        *("-fw_cfg", "name=opt/io.systemd.credentials/udev.rules.99-evil,string=evil"),
        *("-acpitable", f"sig=SSDT,rev=2,data={folder / 'table'}"),
        *("-drive", f"if=none,id=stick,format=raw,readonly=on,file={folder / 'stick.img'}"),
        *("-device", "qemu-xhci,id=usb", "-device", "usb-storage,bus=usb.0,drive=stick,bootindex=0"),
        "-no-shutdown",  # what a machine leaves in memory when it is off can be read
    )


@pytest.fixture(scope="module")
def machine(image: Path, desk: Desk, folder: Path, attacks: tuple[str, ...]) -> Iterator[Machine]:
    """It is typed at from its first line to its last."""
    with started(folder, image / DISK, desk=desk, more=attacks, hands=True) as machine:
        hands = machine.hands()
        machine.serves(lambda _: hands.types(TYPED))
        hands.close()
        machine.enrol(desk)
        yield machine


@pytest.fixture(scope="module")
def year_off(image: Path, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Another machine with the same image: its clock was set back, its TPM has every bank that it may have."""
    now, folder = datetime.now(UTC) - timedelta(days=365), tmp_path_factory.mktemp("year")
    clock = ("-rtc", f"base={now:%Y-%m-%dT%H:%M:%S}")
    SoftwareTpm(folder / "state" / "tpm").close()
    with started(folder, image / DISK, desk=desk, more=clock) as machine:
        machine.serves()
        machine.enrol(desk)
        yield machine


def test_it_measures_what_was_predicted_and_the_verifier_accepts_it(
    machine: Machine, image: Path, desk: Desk, tmp_path: Path
) -> None:
    assert set(codes(machine.verdict(desk, image, code=0)).values()) == {"ok"}
    (tmp_path / "text").write_bytes(CONFIGURATION)
    assert machine.diagnosis(image / PROGRAM, config=tmp_path / "text", code=0)["same"] is True


def test_another_configuration_is_seen_in_its_register(machine: Machine, image: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(CONFIGURATION.replace(b"8545", b"8546"))
    found = machine.diagnosis(image / PROGRAM, config=tmp_path / "text", code=1)["differences"]
    assert isinstance(found, list)
    assert [each["register"] for each in found] == [14]


def test_evidence_is_good_for_who_asked_and_about_the_key_that_answered(
    machine: Machine, image: Path, desk: Desk, tmp_path: Path
) -> None:
    machine.verdict(desk, image, code=0)
    key, nonce = machine.state / "key.pem", "00" * 32
    assert failed(machine.judged(desk, image, key=key, nonce=nonce, code=1)) == {"evidence.replayed"}
    other = tmp_path / "other.pem"  # of somebody who sits on the connection
    other.write_bytes(another_key())
    assert "bound.other-key" in failed(machine.judged(desk, image, key=other, nonce=nonce, code=1))


def test_evidence_of_another_machine_with_the_same_image_is_refused(
    machine: Machine, year_off: Machine, image: Path, desk: Desk
) -> None:
    """Its program and its TPM are honest, and it was asked with this nonce; but it is not the machine that answers."""
    asked = year_off.asked()
    key = year_off.state / "asked.pem"
    key.write_bytes(pem(machine.key()))
    assert "bound.other-key" in failed(year_off.judged(desk, image, key=key, nonce=asked, code=1))


def test_a_clock_that_is_a_year_off_is_refused(year_off: Machine, image: Path, desk: Desk) -> None:
    """It starts, and serves; its evidence is of another time, and nothing else is wrong with it."""
    assert failed(year_off.verdict(desk, image, code=1)) == {"bound.expired", "evidence.old"}


def test_a_tpm_that_its_host_can_reset_says_what_its_host_wants(
    machine: Machine, image: Path, desk: Desk, tmp_path: Path
) -> None:
    """No machine runs: registers of a TPM that begins again take the log of an honest start, and are quoted.

    A TPM proves what was started on the machine that resets it together with itself, and on no other.
    """
    state = tmp_path / "state"
    shutil.copytree(machine.state / "tpm", state / "tpm", ignore=shutil.ignore_patterns(".lock"))
    nonce, key = secrets.token_hex(32), ec.generate_private_key(ec.SECP256R1()).public_key()
    (state / "key.pem").write_bytes(pem(key))
    (state / "evidence.json").write_bytes(
        forged(state, machine.boot_log().read_bytes(), desk, key=key, nonce=nonce)
    )
    words = (*desk.asked(image, level="measured-boot"), "--key", state / "key.pem", "--nonce", nonce)
    report = cyberprivacy("verify", state / "evidence.json", *words, "--role", "machine")
    assert set(codes(report).values()) == {"ok"}


def test_nothing_listens_but_the_door_and_the_front_of_the_node(machine: Machine) -> None:
    """The front's port is open once the node has come that far; the registry is for the machine itself."""
    outside = {door for door in machine.listening() if "127.0.0.1:" not in door}
    assert outside | {"tcp 10.0.2.15:443"} == {"tcp 10.0.2.15:443", "tcp 10.0.2.15:8443"}


def test_what_is_typed_and_the_kernels_key_have_no_effect(machine: Machine, image: Path, desk: Desk) -> None:
    """`o` would switch it off, `b` would start it anew."""
    hands = machine.hands()
    hands.types(TYPED)
    for letter in "ob":
        hands.commands(letter)
    hands.close()
    assert set(codes(machine.verdict(desk, image, code=0)).values()) == {"ok"}
    assert machine.on


def test_a_table_of_the_host_is_not_loaded(machine: Machine) -> None:
    """The same table writes in the machine of `test_start` whose command line does not forbid it."""
    assert "EVIL" not in machine.console()


def test_its_host_reads_its_memory_and_finds_its_key(machine: Machine) -> None:
    """Nothing prevents it but a processor that encrypts memory: what this machine proves is worth "development"."""
    hands = machine.hands()
    assert private_key(hands.memory(MEMORY), machine.key()) is not None
    hands.close()


def test_a_copy_of_it_that_is_set_going_again_is_accepted(
    machine: Machine, image: Path, desk: Desk, folder: Path, attacks: tuple[str, ...]
) -> None:
    """Held, copied with its TPM, and gone on; the copy answers with the same key. No verifier can know."""
    hands, copy = machine.hands(), folder / "copy"
    hands.freeze()
    hands.copies(copy)
    hands.goes_on()
    hands.close()
    assert set(codes(machine.verdict(desk, image, code=0)).values()) == {"ok"}
    twin_folder = folder / "twin"
    twin_folder.mkdir()
    words = (*attacks, "-incoming", f"exec:cat <{copy}")
    with started(twin_folder, image / DISK, more=words, hands=True) as twin:
        hands = twin.hands()
        hands.goes_on()
        hands.close()
        assert set(codes(twin.verdict(desk, image, code=0)).values()) == {"ok"}
        assert twin.key() == machine.key()


def test_the_opened_chassis_erases_its_keys_and_switches_it_off(machine: Machine) -> None:
    """The last of these tests: the machine is off. Its memory is read once more, by who has found the key in it."""
    hands, key = machine.hands(), machine.key()
    found = private_key(hands.memory(MEMORY), key)
    assert found is not None
    hands.does("system_powerdown")  # an ACPI button, as a chassis switch is one
    hands.is_off(60)
    assert "privacy-os: stopped: the chassis was opened: keys are erased" in machine.console()
    assert places(hands.memory(MEMORY), found) == 0
    hands.close()
