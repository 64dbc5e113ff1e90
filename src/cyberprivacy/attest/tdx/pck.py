"""From the processor's certificate to Intel's root, and what Intel has revoked. Pure: time is an input.

Three certificates: PCK, the authority that issued it (for platforms or for single processors), the root. Each role
has its name, so that no certificate of Intel's can stand in another's place.

Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, 1.5.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtensionOID, NameOID

from cyberprivacy.attest.certificates import MAX_CERTIFICATE, MAX_CHAIN, UNREADABLE, BadChain, Chain, check_chain
from cyberprivacy.attest.tdx.platform import SGX_EXTENSIONS, Platform

INTEL_SGX_ROOT: Final = bytes.fromhex("a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e")
"""SHA-256 of the SubjectPublicKeyInfo of "Intel SGX Root CA", which signs for TDX too.

Source: https://certificates.trustedservices.intel.com/IntelSGXRootCA.der, whose own SHA-256 is
44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3.
"""

PCK_ROLES: Final = (
    frozenset({"Intel SGX PCK Certificate"}),
    frozenset({"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"}),
    frozenset({"Intel SGX Root CA"}),
)
TCB_ROLES: Final = (frozenset({"Intel SGX TCB Signing"}), frozenset({"Intel SGX Root CA"}))

MAX_CRL: Final = 128 << 10
_PLAIN_CRL: Final = frozenset({ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})
_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]{1,24000})-----END CERTIFICATE-----(?:\r?\n|\Z)"
)


class BadCrl(BadChain):
    """A list of revoked certificates cannot be used."""

    code = "tdx.crl"
    hint = "The node has to fetch collateral from Intel again."


@dataclass(frozen=True, slots=True)
class Line:
    """A chain in which every certificate has its role.

    Attributes:
        certificates: leaf first, root last.
        checked: what the chain says as a whole.
    """

    certificates: tuple[x509.Certificate, ...]
    checked: Chain

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the key that signs."""
        return self.certificates[0]

    @property
    def root(self) -> x509.Certificate:
        """The certificate that signs itself."""
        return self.certificates[-1]


def split_pem(data: bytes) -> tuple[bytes, ...]:
    """The DER certificates of a PEM text, which holds nothing else; a NUL may end it.

    Raises:
        BadChain: not one to five certificates, or something between them.
    """
    made: list[bytes] = []
    data, at = data.removesuffix(b"\0"), 0
    while at < len(data):
        found = _PEM.match(data, at)
        if found is None or len(made) == MAX_CHAIN:
            raise BadChain("not a list of at most five PEM certificates", at=len(made))
        try:
            made.append(base64.b64decode(b"".join(found[1].split()), validate=True))
        except binascii.Error:
            raise BadChain("a certificate is not base64", at=len(made)) from None
        if len(made[-1]) > MAX_CERTIFICATE:
            raise BadChain("a certificate is too large", at=len(made))
        at = found.end()
    if not made:
        raise BadChain("no certificate")
    return tuple(made)


def line(ders: Sequence[bytes], roles: Sequence[frozenset[str]], *, now: int) -> Line:
    """Check a chain of certificates on P-256, one for each role.

    Raises:
        BadChain: it does not hold together, or is not valid at `now` ("evidence.certificate-expired").
    """
    if len(ders) != len(roles):
        raise BadChain("not as many certificates as roles", length=len(ders), roles=len(roles))
    checked = check_chain(ders, now=now)
    certificates = tuple(x509.load_der_x509_certificate(der) for der in ders)
    for depth, (certificate, names) in enumerate(zip(certificates, roles, strict=True)):
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise BadChain("a certificate has a key on another curve than P-256", depth=depth)
        if (found := _common_name(certificate)) not in names:
            raise BadChain("a certificate has another role", depth=depth, found=found, wanted=sorted(names))
    return Line(certificates, checked)


def platform(pck: x509.Certificate) -> Platform:
    """What a PCK certificate says of its processor.

    Raises:
        BadChain: it says nothing, or something malformed.
    """
    for extension in pck.extensions:
        if extension.oid.dotted_string == SGX_EXTENSIONS and isinstance(
            extension.value, x509.UnrecognizedExtension
        ):
            return Platform.parse(extension.value.value)
    raise BadChain("the PCK certificate has no SGX extensions")


def _common_name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except UNREADABLE:
        raise BadChain("a certificate has a name that cannot be read") from None
    return str(names[0].value) if len(names) == 1 else ""


def check_crl(der: bytes, issuer: x509.Certificate, *, now: int) -> x509.CertificateRevocationList:
    """Check that the issuer signed this list of revoked certificates, and that it holds now.

    Raises:
        BadCrl: malformed, partial, or of another issuer ("tdx.crl"); not valid now ("tdx.collateral-expired").

    Source: RFC 5280, 6.3, for lists that are whole and that the issuer of the certificates signs itself.
    """
    if len(der) > MAX_CRL:
        raise BadCrl("the list of revoked certificates is too large", size=len(der), limit=MAX_CRL)
    try:
        crl = x509.load_der_x509_crl(der)
        since, until = crl.last_update_utc, crl.next_update_utc
        strange = {extension.oid for extension in crl.extensions} - _PLAIN_CRL
        genuine = crl.issuer == issuer.subject and crl.is_signature_valid(_key(issuer))
        sha256 = isinstance(crl.signature_hash_algorithm, hashes.SHA256)
    except UNREADABLE:
        raise BadCrl("not a list of revoked certificates") from None
    if strange:
        raise BadCrl(
            "a partial list of revoked certificates", extensions=sorted(oid.dotted_string for oid in strange)
        )
    if not genuine or not sha256:
        raise BadCrl("the list of revoked certificates is not signed by their issuer")
    if until is None or not since <= datetime.fromtimestamp(now, UTC) <= until:
        said = f"{since:%Y-%m-%d} to {until:%Y-%m-%d}" if until else f"{since:%Y-%m-%d}"
        raise BadCrl(
            "the list of revoked certificates does not hold now", code="tdx.collateral-expired", valid=said
        )
    return crl


def revoked(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Whether a certificate stands on a list that its issuer signed.

    Raises:
        BadCrl: the list's entries cannot be read.
    """
    try:
        return crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    except UNREADABLE:
        raise BadCrl("the list of revoked certificates has entries that cannot be read") from None


def _key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadChain("a certificate has a key of another kind than ECDSA")
    return key


def signs(signer: x509.Certificate | bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (r and s, 32 bytes each, big-endian) is over the message, with SHA-256.

    Args:
        signer: a certificate, or x and y of a point on P-256, 32 bytes each, big-endian.
        signature: 64 bytes.
        message: what was signed.
    """
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        if isinstance(signer, bytes):
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + signer)
        else:
            key = _key(signer)
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
