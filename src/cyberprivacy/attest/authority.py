"""Who vouches for attestation keys: a key, its certificates, and the certificates that it issues. Pure.

Source: RFC 5280; TCG EK Credential Profile 2.5, 3.5 (purposes of keys).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, HARDWARE_ID, BadChain, check_chain, split
from cyberprivacy.attest.quote import AK_PURPOSE
from cyberprivacy.attest.tpm2 import PublicKey
from cyberprivacy.errors import Misuse

DAY: Final = 86_400
LONGEST: Final = 365 * DAY
"""Seconds that a certificate of an attestation key lasts at most: nobody revokes it before."""
BACKDATED: Final = 300
"""Seconds that a certificate begins before it is made: clocks differ."""


class BadAuthority(Misuse):
    """A key and its certificates cannot vouch for anything."""

    code = "enrolment.authority"
    hint = "Give the P-256 or P-384 key and its certificates in PEM: its own first, its root last."


@dataclass(frozen=True, slots=True)
class Authority:
    """A key that vouches, and the certificates that lead from it to a root which verifiers pin.

    Attributes:
        key: on P-256 or P-384.
        chain: its own certificate first, the root, which signs itself, last; one to four of them.
    """

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.chain) <= 4 or self.chain[0].public_key() != self.key.public_key():
            raise BadAuthority("key and certificates do not belong together", certificates=len(self.chain))

    @classmethod
    def new(cls, name: str, *, now: int, life: int) -> "Authority":
        """A new key whose certificate is a root.

        Args:
            name: common name, for people.
            now: seconds since 1970.
            life: seconds that the root is valid.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(key.public_key(), subject, subject, validity=(now - BACKDATED, now + life))
        builder = builder.serial_number(_serial(os.urandom))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage(authority=True), critical=True)
        return cls(key, (builder.sign(key, hashes.SHA256()),))

    @property
    def development(self) -> bool:
        """Whether its root says of itself that it is for development only."""
        return any(extension.oid == DEVELOPMENT_MARK for extension in self.chain[-1].extensions)

    def issue(
        self,
        key: PublicKey,
        *,
        hardware: bytes | None,
        now: int,
        life: int,
        random: Callable[[int], bytes] = os.urandom,
    ) -> bytes:
        """Certify an attestation key; what is to be asked before, the caller has asked.

        Args:
            key: the attestation key.
            hardware: SHA-256 of the SubjectPublicKeyInfo of the endorsement key beside it; None = not known.
            now: seconds since 1970.
            life: seconds that the certificate is valid.
            random: makes its serial number.

        Returns:
            Its certificate and those of this authority, in DER, one after another: as evidence carries them.

        Raises:
            Misuse: a life of nothing or of more than a year ("enrolment.life").
            BadAuthority: this authority cannot issue such a certificate now, or not for so long.
        """
        if not 0 < life <= LONGEST:
            raise Misuse("a certificate lives up to a year", code="enrolment.life", seconds=life, most=LONGEST)
        validity = (now - BACKDATED, now + life)
        made = self.sign(key, hardware=hardware, validity=validity, serial=_serial(random))
        try:  # what no verifier would believe to the end of its life is not given to anybody
            for at in (now, now + life):
                check_chain(split(made), now=at)
        except BadChain as error:
            raise BadAuthority("this authority cannot vouch for so long", reason=str(error)) from error
        return made

    def sign(self, key: PublicKey, *, hardware: bytes | None, validity: tuple[int, int], serial: int) -> bytes:
        """Certify an attestation key, whether or not anybody would believe it; see `issue`."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TPM attestation key")])
        builder = _builder(key, subject, self.chain[0].subject, validity=validity).serial_number(serial)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(usage(authority=False), critical=True)
        purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier(AK_PURPOSE)])
        builder = builder.add_extension(purpose, critical=False)
        if hardware is not None:
            named = x509.UnrecognizedExtension(HARDWARE_ID, b"\x04\x20" + hardware)
            builder = builder.add_extension(named, critical=False)
        leaf = builder.sign(self.key, hashes.SHA256())
        return b"".join(each.public_bytes(Encoding.DER) for each in (leaf, *self.chain))


def _builder(
    key: PublicKey, subject: x509.Name, issuer: x509.Name, *, validity: tuple[int, int]
) -> x509.CertificateBuilder:
    since, until = (datetime.fromtimestamp(at, UTC) for at in validity)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.not_valid_before(since).not_valid_after(until)


def _serial(random: Callable[[int], bytes]) -> int:
    """16 bytes, the first of them fixed: positive, and always of one length. Source: RFC 5280, 4.1.2.2."""
    return 1 << 126 | int.from_bytes(random(15), "big")


def usage(*, authority: bool) -> x509.KeyUsage:
    """What a key may do: sign certificates and lists, or else sign data. Source: RFC 5280, 4.2.1.3."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
