"""Certificate chains to a root that the caller pins by the SHA-256 of its public key. Pure: time is an input.

Web certificate authorities play no part. A chain comes with the evidence, leaf first, root last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from cyberprivacy.errors import Untrusted

MAX_CERTIFICATE: Final = 16 << 10
MAX_CHAIN: Final = 5

DEVELOPMENT_MARK: Final = x509.ObjectIdentifier("2.25.126844487092449872863272977166231370257")
"""Certificate extension of roots that are made for development; a root that has it is never worth more."""

HARDWARE_ID: Final = x509.ObjectIdentifier(DEVELOPMENT_MARK.dotted_string + ".1")
"""Certificate extension of attestation keys: which TPM the issuer has seen them in. Value: OCTET STRING of 32
bytes, SHA-256 of the DER SubjectPublicKeyInfo of its endorsement key."""

_Extension = TypeVar("_Extension", x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the X.509 library raises over certificates and revocation lists that somebody bent."""

_KNOWN: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,  # TPM vendors put the model there, and mark it critical
        ExtensionOID.CERTIFICATE_POLICIES,  # Intel and ST mark it critical; with no policy asked for, any is good
        DEVELOPMENT_MARK,
    }
)


class BadChain(Untrusted):
    """Certificates do not lead from the evidence's key to the root that they end in."""

    code = "evidence.chain"
    hint = "The node's evidence is incomplete or made up; its operator has to repair it."


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that holds together. Whether its root is to be trusted is the caller's decision.

    Attributes:
        leaf_spki: DER SubjectPublicKeyInfo of the leaf.
        root: SHA-256 of the root's DER SubjectPublicKeyInfo.
        development: whether the root says of itself that it is for development only.
        purposes: extended key usages of the leaf, as dotted OIDs.
        hardware: which TPM the leaf's issuer has seen its key in, 32 bytes; None when it does not say.
    """

    leaf_spki: bytes
    root: bytes
    development: bool
    purposes: frozenset[str]
    hardware: bytes | None


def spki(certificate: x509.Certificate) -> bytes:
    """The DER SubjectPublicKeyInfo of a certificate's key."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(certificate: x509.Certificate) -> bytes:
    """The name by which a root is pinned: SHA-256 of its DER SubjectPublicKeyInfo, 32 bytes."""
    return sha256(spki(certificate)).digest()


def split(data: bytes) -> tuple[bytes, ...]:
    """Cut DER certificates that follow one another.

    Raises:
        BadChain: not one to five certificates, or bytes between or after them.
    """
    made: list[bytes] = []
    while data:
        if len(data) < 4 or data[:2] != b"\x30\x82" or len(made) == MAX_CHAIN:
            raise BadChain("not a list of at most five DER certificates", at=len(made))
        size = 4 + int.from_bytes(data[2:4], "big")
        if size > min(len(data), MAX_CERTIFICATE):
            raise BadChain("a certificate is cut off or too large", at=len(made), size=size)
        made.append(data[:size])
        data = data[size:]
    if not made:
        raise BadChain("no certificate")
    return tuple(made)


def certified_key(data: bytes) -> bytes:
    """The DER SubjectPublicKeyInfo that certificates, one after another, are for; all of them can be read.

    This is for who sends them; who receives them judges them by `check_chain`.

    Raises:
        BadChain: one of them cannot be read.
    """
    first, *_ = [_load(der) for der in split(data)]
    return spki(first)


def check_chain(chain: Sequence[bytes], *, now: int) -> Chain:
    """Check that each certificate is signed by the next, that the last signs itself, and that all are valid now.

    Args:
        chain: DER certificates, leaf first, root last.
        now: seconds since 1970.

    Raises:
        BadChain: they do not hold together ("evidence.chain"), or one is not valid at this time
            ("evidence.certificate-expired").

    Source: RFC 5280 section 6.1, without names, policies and revocation, which pinned vendor roots do not use.
    """
    certificates = tuple(_load(der) for der in chain)
    if not 2 <= len(certificates) <= MAX_CHAIN:
        raise BadChain("not a chain of two to five certificates", length=len(certificates))
    at = datetime.fromtimestamp(now, UTC)
    try:
        for depth, certificate in enumerate(certificates):
            issuer = certificates[min(depth + 1, len(certificates) - 1)]
            _check(certificate, issuer, depth=depth)
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                raise BadChain(
                    "a certificate is not valid at this time", code="evidence.certificate-expired", depth=depth
                )
        root = certificates[-1]
        return Chain(
            leaf_spki=spki(certificates[0]),
            root=fingerprint(root),
            development=any(extension.oid == DEVELOPMENT_MARK for extension in root.extensions),
            purposes=_purposes(certificates[0]),
            hardware=_hardware(certificates[0]),
        )
    except UNREADABLE:
        raise BadChain("a certificate has fields that cannot be read") from None


def _load(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except UNREADABLE:
        raise BadChain("not a certificate") from None
    match key:
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
            return certificate
        case rsa.RSAPublicKey() if 2048 <= key.key_size <= 4096:
            return certificate
        case _:
            raise BadChain("a certificate has a key that is too weak or of an unknown kind")


def _check(certificate: x509.Certificate, issuer: x509.Certificate, *, depth: int) -> None:
    """One certificate: signed by its issuer, and used for what it is made for."""
    if certificate.serial_number <= 0:
        raise BadChain("a certificate without a positive serial number", depth=depth)
    if not isinstance(certificate.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise BadChain("a certificate is signed with a weak hash", depth=depth)
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        raise BadChain("a certificate is not signed by the next one", depth=depth) from None
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN:
            raise BadChain("a certificate has an unknown critical extension", oid=extension.oid.dotted_string)
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if depth == 0:
        if (basic is not None and basic.ca) or (usage is not None and usage.key_cert_sign):
            raise BadChain("the first certificate is an authority, not a device")
        return
    if basic is None or not basic.ca or (usage is not None and not usage.key_cert_sign):
        raise BadChain("a certificate signs others but is no authority", depth=depth)
    if basic.path_length is not None and basic.path_length < depth - 1:
        raise BadChain("the chain is longer than an authority allows", depth=depth)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _purposes(leaf: x509.Certificate) -> frozenset[str]:
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    return frozenset() if usage is None else frozenset(oid.dotted_string for oid in usage)


def _hardware(leaf: x509.Certificate) -> bytes | None:
    found = next((extension.value for extension in leaf.extensions if extension.oid == HARDWARE_ID), None)
    if not isinstance(found, x509.UnrecognizedExtension):
        return None
    if len(found.value) != 34 or found.value[:2] != b"\x04\x20":
        raise BadChain("a certificate names hardware in another form", value=found.value[:40].hex())
    return found.value[2:]
