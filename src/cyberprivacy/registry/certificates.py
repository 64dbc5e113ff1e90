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


def renew(folder: Path, public: Path) -> None:
    """Make what is missing or about to expire.

    Args:
        folder: gets "ca.key" and "server.key" (mode 0600), "server.crt".
        public: gets "ca.crt" and nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    public.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority = public / "ca.crt"
    if not authority.exists() or not (folder / "ca.key").exists() or _expires(authority) < now + EARLY:
        key = ec.generate_private_key(ec.SECP256R1())
        replace(folder / "ca.key", _pem(key), mode=0o600)
        replace(authority, _certificate(key, key, now, server=False))
        (folder / "server.crt").unlink(missing_ok=True)
    server = folder / "server.crt"
    if not server.exists() or not (folder / "server.key").exists() or _expires(server) < now + EARLY:
        signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - written above
        key = ec.generate_private_key(ec.SECP256R1())
        replace(folder / "server.key", _pem(key), mode=0o600)
        replace(server, _certificate(key, signer, now, server=True))


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
