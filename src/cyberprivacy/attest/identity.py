"""The keys of a node: born in memory, shown to nobody, written nowhere.

The node key (Ed25519) signs statements; its id is what the chain lists. The TLS key (P-256) answers users;
a new one is born with every certificate, which lives minutes or hours. Evidence binds both.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cyberprivacy.errors import Misuse

SHORTEST: Final = 60
LONGEST: Final = 24 * 3600
EARLY: Final = 60
"""Seconds by which a certificate begins before its birth, for visitors whose clocks are late."""


def node_id(public: bytes) -> bytes:
    """The id of a node: SHA-256 of the DER SubjectPublicKeyInfo of its Ed25519 key (32 raw bytes); 32 bytes.

    It is what the provider lists as `nodeKey` in the Clusters contract.

    Raises:
        ValueError: not 32 bytes.
    """
    key = Ed25519PublicKey.from_public_bytes(public)
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 key (32 raw bytes) made this signature (64 bytes) over the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class NodeKey:
    """The key with which a node signs what it states."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def born(cls) -> Self:
        """A new key, in memory only."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def unsealed(cls, seed: bytes) -> Self:
        """The key of a seed (32 bytes) that a TPM has just given back to this very software.

        Raises:
            ValueError: not 32 bytes.
        """
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def seed(self) -> bytes:
        """The 32 secret bytes, for sealing to a TPM; they go nowhere else."""
        return self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    @property
    def public(self) -> bytes:
        """The public key, 32 raw bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def id(self) -> bytes:
        """The node id, 32 bytes."""
        return node_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes. Source: RFC 8032."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"<node key {self.id.hex()[:16]}…>"


@dataclass(frozen=True, slots=True, eq=False)
class TlsIdentity:
    """A TLS key and its self-signed certificate. Trust in it comes from evidence, not from authorities.

    Attributes:
        names: the DNS names and IP addresses that the certificate is for.
        spki: SHA-256 of the DER SubjectPublicKeyInfo, 32 bytes: what evidence is bound to.
        since: start of the certificate's validity, seconds since 1970.
        until: its end.
    """

    names: tuple[str, ...]
    spki: bytes
    since: int
    until: int
    _key: ec.EllipticCurvePrivateKey = field(repr=False)
    _certificate: x509.Certificate = field(repr=False)

    @classmethod
    def born(cls, names: Sequence[str], *, lifetime: int, now: int) -> Self:
        """A new key with a certificate for these names.

        Args:
            names: at least one DNS name or IP address.
            lifetime: seconds, one minute to one day.
            now: seconds since 1970.

        Raises:
            Misuse: no name, an impossible name, or another lifetime ("tls.identity").
        """
        if not names or not SHORTEST <= lifetime <= LONGEST:
            raise Misuse(
                "a TLS identity needs a name and a short life",
                code="tls.identity",
                names=list(names),
                lifetime=lifetime,
            )
        key = ec.generate_private_key(ec.SECP256R1())
        since, until = now - EARLY, now + lifetime
        certificate = self_signed(key, names, since, until)
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(tuple(names), sha256(spki).digest(), since, until, key, certificate)

    def due(self, now: int) -> bool:
        """Whether it is time for the next one: a third of its life is left, so that none is used to its end."""
        return now >= self.until - (self.until - self.since - EARLY) // 3

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the DER certificate, 32 bytes: what the front calls it by."""
        return sha256(self._certificate.public_bytes(Encoding.DER)).digest()

    def pem(self) -> bytes:
        """Key and certificate, for the memory of the TLS front; never for a file, argv or a log."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate()

    def certificate(self) -> bytes:
        """The certificate in PEM; public."""
        return self._certificate.public_bytes(Encoding.PEM)


def self_signed(key: ec.EllipticCurvePrivateKey, names: Sequence[str], since: int, until: int) -> x509.Certificate:
    """The certificate of a server that nobody vouches for: DNS names or IP addresses, valid between two times.

    Raises:
        Misuse: an impossible name ("tls.identity").
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CyberPrivacy")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime.fromtimestamp(since, UTC))
    builder = builder.not_valid_after(datetime.fromtimestamp(until, UTC))
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise Misuse("neither a DNS name nor an IP address", code="tls.identity", name=name[:80]) from None
