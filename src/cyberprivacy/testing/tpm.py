"""A root of trust for development: an authority that anybody can make, and that certifies a software TPM.

Nothing in the installed program imports this module by itself. What it certifies passes the production
verifier, unmodified, only for a caller who names this very root by hand (`--allow-development`).
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
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

from cyberprivacy.attest.authority import Authority, usage
from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, fingerprint
from cyberprivacy.attest.enrolment import EK_PURPOSE
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.attest.tpm2 import ALG_SHA256, Public, PublicKey, sized
from cyberprivacy.attest.tpmcommands import PLATFORM, Tpm
from cyberprivacy.attest.tpmendorsement import PIECE, endorsement_key
from cyberprivacy.errors import Misuse

ROOT_FILE: Final = "development-root.pem"
KEY_FILE: Final = "development-root.key"
LIFETIME: Final = timedelta(days=90)

CC_NV_DEFINE: Final = 0x12A
CC_NV_WRITE: Final = 0x137
NV_ATTRIBUTES: Final = 1 << 0 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 25 | 1 << 30
"""Written by the platform, read by anybody, never locked. Source: Part 2, 13.4 (TPMA_NV)."""


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
        builder = builder.add_extension(usage(authority=True), critical=True)
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
        since = int((now or datetime.now(UTC)).timestamp()) - 300
        validity = (since, since + int(LIFETIME.total_seconds()))
        serial = x509.random_serial_number()
        return self.authority.sign(key.key, hardware=None, validity=validity, serial=serial)

    @property
    def authority(self) -> Authority:
        """The root as it vouches for keys that it was asked for in the proper way."""
        return Authority(self._key, (self.certificate,))


@dataclass(frozen=True, kw_only=True)
class FakeVendor:
    """A maker of TPMs: a root, an issuer below it, and the certificates of endorsement keys.

    Attributes:
        root, issuer: its certificates.
        key: the issuer's.
    """

    root: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def new(cls, *, now: datetime | None = None, marked: bool = True) -> Self:
        """A new maker.

        Args:
            now: when.
            marked: whether its root says that it is for development; only tests of what that means leave it out.
        """
        above, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
        name, below = _name("Maker of TPMs that prove nothing"), _name("Maker of TPMs that prove nothing, issuer")
        builder = _builder(name, name, above.public_key(), now)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        if marked:
            mark = x509.UnrecognizedExtension(DEVELOPMENT_MARK, b"\x05\x00")
            builder = builder.add_extension(mark, critical=True)
        root = builder.sign(above, hashes.SHA384())
        builder = _builder(below, name, key.public_key(), now)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return cls(root=root, issuer=builder.sign(above, hashes.SHA384()), key=key)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the root's public key (SubjectPublicKeyInfo), 32 bytes."""
        return fingerprint(self.root)

    @property
    def issuers(self) -> tuple[bytes, bytes]:
        """What its certificates leave out: issuer and root, in DER."""
        return self.issuer.public_bytes(Encoding.DER), self.root.public_bytes(Encoding.DER)

    def certify(self, key: PublicKey, *, purpose: str | None = EK_PURPOSE, now: datetime | None = None) -> bytes:
        """The certificate that leaves the factory with a TPM, in DER."""
        builder = _builder(x509.Name([]), self.issuer.subject, key, now)
        model = x509.DirectoryName(_name("a TPM that proves nothing"))
        builder = builder.add_extension(x509.SubjectAlternativeName([model]), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if purpose is not None:
            extended = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)])
            builder = builder.add_extension(extended, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def provision(self, tpm: Tpm, index: int, template: bytes) -> Public:
        """Certify the endorsement key of a TPM, and leave the certificate at its index, as a factory does.

        Returns:
            The endorsement key.
        """
        handle, key = endorsement_key(tpm, template)
        tpm.flush(handle)
        self.leave(tpm, index, self.certify(key.key))
        return key

    @staticmethod
    def leave(tpm: Tpm, index: int, certificate: bytes) -> None:
        """Write bytes to an index of a TPM's memory.

        Source: TCG TPM 2.0 Library, Part 3, 31.3 (TPM2_NV_DefineSpace), 31.7 (TPM2_NV_Write); Part 2, 13.4.
        """
        area = struct.pack(">IHIHH", index, ALG_SHA256, NV_ATTRIBUTES, 0, len(certificate))
        tpm.command(CC_NV_DEFINE, (PLATFORM,), sized(b"") + sized(area))
        for at in range(0, len(certificate), PIECE):
            piece = sized(certificate[at : at + PIECE]) + struct.pack(">H", at)
            tpm.command(CC_NV_WRITE, (PLATFORM, index), piece)


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
