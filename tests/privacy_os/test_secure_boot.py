"""Firmware with our own keys starts what they signed, and nothing else; what it measures of them was known before."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from machines import Machine, cyberprivacy, started

from cyberprivacy.attest import bootlog
from cyberprivacy.cli.os_sign import keys_in
from cyberprivacy.privacy_os.image import DISK, MEASUREMENTS, PROGRAM
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.testing.townmachine import Desk

REFUSED = "Access Denied"
"""What OVMF says of a program that its keys do not allow. Source: EDK II, BdsDxe."""
PATIENCE = 120.0


def _key(folder: Path, name: str) -> None:
    """A key and its certificate, as anybody makes them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    named, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = made.not_valid_after(now + timedelta(days=3650)).sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("PK", "KEK", "db", "other"):
        _key(folder, name)
    return folder


def _signed(image: Path, keys: Path, name: str, to: Path) -> Path:
    words = ("--key", keys / f"{name}.key", "--certificate", keys / f"{name}.pem", "--to", to)
    cyberprivacy("os", "sign", image, *words)
    return to


def _refused(machine: Machine) -> None:
    machine.says(REFUSED, PATIENCE)
    assert "privacy-os:" not in machine.console()


def test_signed_by_ours_it_starts_and_measures_what_was_computed_of_the_unsigned_image(
    image: Path, desk: Desk, keys: Path, tmp_path: Path
) -> None:
    signed = _signed(image, keys, "db", tmp_path / "signed")
    programs = [Program((each / PROGRAM).read_bytes()) for each in (image, signed)]
    assert programs[0].data != programs[1].data
    assert programs[0].authenticode() == programs[1].authenticode()
    predicted = cyberprivacy("os", "secure-boot", keys)["pcr"]
    with started(tmp_path, signed / DISK, desk=desk, keys=keys_in(keys)) as machine:
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
    signed = _signed(image, keys, "other", tmp_path / "signed")
    with started(tmp_path, signed / DISK, keys=keys_in(keys)) as machine:
        _refused(machine)
