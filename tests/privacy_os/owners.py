"""Somebody with Secure Boot keys of their own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from machines import cyberprivacy

NAMES = ("PK", "KEK", "db")


def make_keys(folder: Path, *more: str) -> Path:
    """The three keys and their certificates, as anybody makes them; and `more`."""
    folder.mkdir()
    for name in (*NAMES, *more):
        _key(folder, name)
    return folder


def _key(folder: Path, name: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    named, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = made.not_valid_after(now + timedelta(days=3650)).sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


def signed(image: Path, keys: Path, name: str, to: Path) -> Path:
    """The image, signed by one of the keys."""
    words = ("--key", keys / f"{name}.key", "--certificate", keys / f"{name}.pem", "--to", to)
    cyberprivacy("os", "sign", image, *words)
    return to
