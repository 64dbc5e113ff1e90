"""A root of trust for development: an authority that anybody can make, and that certifies a software TPM.

Nothing in the installed program imports this module by itself. What it certifies passes the production
verifier, unmodified, only for a caller who names this very root by hand (`--allow-development`).
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, fingerprint
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.quote import AK_PURPOSE
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.attest.tpm2 import Public, PublicKey
from cyberprivacy.errors import Misuse

ROOT_FILE: Final = "development-root.pem"
KEY_FILE: Final = "development-root.key"
LIFETIME: Final = timedelta(days=90)


class DevelopmentRoot:
    """An authority with its key in a directory (mode 0600) and its certificate beside it."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key, self.certificate = key, certificate

    @classmethod
    def at(cls, folder: Path, *, now: datetime | None = None) -> Self:
        """The root that is kept in `folder`; made when there is none.

        Raises:
            Misuse: what is there is not a development root ("development.root").
        """
        key_file, root_file = folder / KEY_FILE, folder / ROOT_FILE
        if not key_file.exists():
            made = cls.new(now=now)
            made.keep(folder)
            return made
        try:
            key = load_pem_private_key(key_file.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(root_file.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise Misuse("not a development root", code="development.root", path=str(folder)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise Misuse("key and certificate do not belong together", code="development.root", path=str(folder))
        return cls(key, certificate)

    def keep(self, folder: Path) -> None:
        """Write key and certificate into a folder; the key last, so that a key is never without its root."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ROOT_FILE).write_bytes(self.pem)
        secret = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)

    @classmethod
    def new(cls, *, now: datetime | None = None) -> Self:
        """A new root that is written nowhere."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("CyberPrivacy development root: proves nothing")
        builder = _builder(name, name, key.public_key(), now)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(sign_certificates=True), critical=True)
        # Critical: software that does not know the mark must not take this root for one of a vendor.
        mark = x509.UnrecognizedExtension(DEVELOPMENT_MARK, b"\x05\x00")
        return cls(key, builder.add_extension(mark, critical=True).sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        """The root's certificate, which verifiers name by hand."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of its public key (SubjectPublicKeyInfo), 32 bytes."""
        return fingerprint(self.certificate)

    def certify(self, key: Public, *, now: datetime | None = None) -> bytes:
        """Certify an attestation key, asking for no proof of anything.

        Returns:
            The certificate and the root's, in DER, one after the other.
        """
        builder = _builder(_name("development TPM"), self.certificate.subject, key.key, now)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(sign_certificates=False), critical=True)
        purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier(AK_PURPOSE)])
        leaf = builder.add_extension(purpose, critical=False).sign(self._key, hashes.SHA256())
        return leaf.public_bytes(Encoding.DER) + self.certificate.public_bytes(Encoding.DER)


def development_attester(state: Path, events: Sequence[Event], root: DevelopmentRoot) -> SoftwareAttester:
    """A software TPM with its state in a directory, which took these events, certified by this root.

    Raises:
        Misuse: swtpm is not installed ("tpm.missing").
        TryLater: it does not start.
    """
    attester = SoftwareAttester(state, events)
    return attester.certified(root.certify(attester.public))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    now: datetime | None,
) -> x509.CertificateBuilder:
    since = (now or datetime.now(UTC)) - timedelta(minutes=5)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(since).not_valid_after(since + LIFETIME)
