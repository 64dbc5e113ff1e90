"""A private CA and a server certificate for the loopback address, made with no other tool."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cyberprivacy.build.oci import replace

YEARS: Final = timedelta(days=3650)
YEAR: Final = timedelta(days=365)
EARLY: Final = timedelta(days=30)


def renew(folder: Path, public: Path, now: datetime | None = None) -> bool:
    """Make what is missing or about to expire; whether anything was made.

    What is made last is removed first, so that a crash between any two lines leaves nothing that looks whole and
    does not fit together.

    Args:
        folder: gets "ca.key" and "server.key" (mode 0600), "server.crt".
        public: gets "ca.crt" and nothing else.
        now: another time than this machine's.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    public.mkdir(parents=True, exist_ok=True)
    now = now or datetime.now(UTC)
    authority, server = public / "ca.crt", folder / "server.crt"
    if not (folder / "ca.key").exists() or _due(authority, now):
        for last in (server, folder / "ca.key"):
            last.unlink(missing_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        replace(authority, _certificate(key, key, now, server=False))
        replace(folder / "ca.key", _pem(key), mode=0o600)
    if (folder / "server.key").exists() and not _due(server, now):
        return False
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - written above
    key = ec.generate_private_key(ec.SECP256R1())
    server.unlink(missing_ok=True)
    replace(folder / "server.key", _pem(key), mode=0o600)
    replace(server, _certificate(key, signer, now, server=True))
    return True


def _due(certificate: Path, now: datetime) -> bool:
    return not certificate.exists() or _expires(certificate) < now + EARLY


def _expires(certificate: Path) -> datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, now: datetime, *, server: bool
) -> bytes:
    made = (
        x509.CertificateBuilder()
        .subject_name(_named("127.0.0.1" if server else "cyberprivacy embedded registry"))
        .issuer_name(_named("cyberprivacy embedded registry"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + (YEAR if server else YEARS))
        .add_extension(x509.BasicConstraints(ca=not server, path_length=None if server else 0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if server:
        names = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
