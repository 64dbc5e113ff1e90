"""Who vouches for the key of a report: ARK signs ASK or ASVK, which signs VCEK or VLEK. Pure: time is an input.

Every certificate is signed with RSASSA-PSS, SHA-384, by a key of 4096 bits; the leaf's own key is on P-384.

Source: AMD 57230 (VCEK certificate and KDS interface) 1.00, chapter 3; RFC 5280.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, BadChain, split
from cyberprivacy.attest.der import OID, SEQUENCE, Der, extensions
from cyberprivacy.attest.snp.product import Product

PINS: Final[Mapping[Product, bytes]] = MappingProxyType(
    {
        Product.MILAN: bytes.fromhex("9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"),
        Product.GENOA: bytes.fromhex("429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"),
        Product.TURIN: bytes.fromhex("4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"),
    }
)
"""SHA-256 of the SubjectPublicKeyInfo of each AMD root key (ARK). What a root is worth, the caller decides.

Source: https://kdsintf.amd.com/vcek/v1/{Milan,Genoa,Turin}/cert_chain, as kept by confidential-containers/trustee
(deps/verifier/src/snp/*_ask_ark_asvk.pem, commit 78962cd) and virtee/sev (src/certs/snp/builtin, commit 9cf2adb).
"""

_SHA384: Final = "300d06096086480165030402020500"
PSS_SHA384: Final = frozenset(
    bytes.fromhex(form)
    for form in (
        f"304106092a864886f70d01010a3034a00f{_SHA384}a11c301a06092a864886f70d010108{_SHA384}a203020130",
        f"304606092a864886f70d01010a3039a00f{_SHA384}a11c301a06092a864886f70d010108{_SHA384}a203020130a303020101",
    )
)
"""RSASSA-PSS, SHA-384, MGF1 with SHA-384, 48 bytes of salt: the two forms that AMD writes.

Source: RFC 4055, 3.1.
"""

_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
_ECDSA: Final = ec.ECDSA(hashes.SHA384())
_COMMON_NAME: Final = bytes.fromhex("550403")
_CONSTRAINTS: Final = "2.5.29.19"
_USAGE: Final = "2.5.29.15"
_MARK: Final = DEVELOPMENT_MARK.dotted_string
_KNOWN: Final = frozenset({_CONSTRAINTS, _USAGE, _MARK})
_SIGNS_CERTIFICATES: Final = 0x04
_NO_PATH_LIMIT: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate of AMD, taken apart.

    Attributes:
        signed: DER of what is signed.
        signature: by the issuer's key.
        serial: 0 or more; AMD gives all leaves the number 0.
        issuer, subject: DER names.
        since, until: validity, seconds since 1970.
        spki: DER SubjectPublicKeyInfo.
        extensions: by dotted OID: whether critical, and the value.
    """

    signed: bytes
    signature: bytes
    serial: int
    issuer: bytes
    subject: bytes
    since: int
    until: int
    spki: bytes
    extensions: Mapping[str, tuple[bool, bytes]]

    @classmethod
    def parse(cls, der: bytes) -> "Certificate":
        """Read a version 3 certificate that is signed with RSASSA-PSS and SHA-384.

        Raises:
            BadChain: anything else, or in a second form.
        """
        signed, algorithm, signature = signed_parts(der, "a certificate")
        fields = Der(signed, "a certificate").inside()
        versions = fields.inside(0xA0)
        version = versions.natural()
        versions.end()
        serial, same = fields.natural(), fields.whole(SEQUENCE)[0]
        issuer, validity = fields.whole(SEQUENCE)[0], fields.inside()
        since, until = validity.time(), validity.time()
        validity.end()
        subject, spki = fields.whole(SEQUENCE)[0], fields.whole(SEQUENCE)[0]
        listed = fields.inside(0xA3)
        found = extensions(listed.inside())
        listed.end()
        fields.end()
        if version != 2 or same != algorithm:
            raise BadChain("a certificate of another version, or of two minds about its signature")
        return cls(
            signed=signed,
            signature=signature,
            serial=serial,
            issuer=issuer,
            subject=subject,
            since=since,
            until=until,
            spki=spki,
            extensions=found,
        )

    @property
    def name(self) -> str:
        """The common name of the subject, such as "ARK-Genoa"; "" when there is none."""
        names = Der(self.subject, "a name").inside()
        found = ""
        for part in names.each(0x31):
            pair = part.inside()
            oid = pair.take(OID)
            if oid == _COMMON_NAME:
                found = pair.take(pair.peek()).decode("ascii", "replace")
        return found


def signed_parts(der: bytes, what: str) -> tuple[bytes, bytes, bytes]:
    """What is signed, the DER of the algorithm, and the signature: the form of certificates and of CRLs.

    Raises:
        BadChain: of another form, or signed in another way than AMD does.
    """
    outer = Der(der, what)
    parts = outer.inside()
    outer.end()
    signed, algorithm, signature = parts.whole(SEQUENCE)[0], parts.whole(SEQUENCE)[0], parts.bits()
    parts.end()
    if algorithm not in PSS_SHA384:
        raise BadChain(f"{what} is not signed with RSASSA-PSS and SHA-384")
    return signed, algorithm, signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Three certificates that hold together. Whether the root is to be trusted is the caller's decision.

    Attributes:
        leaf: VCEK or VLEK.
        middle: ASK or ASVK.
        root: ARK.
        key: the leaf's key, on P-384.
        fingerprint: SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes.
        development: whether the root says of itself that it is for development only.
    """

    leaf: Certificate
    middle: Certificate
    root: Certificate
    key: ec.EllipticCurvePublicKey
    fingerprint: bytes
    development: bool

    @property
    def pinned(self) -> Product | None:
        """The product whose root key at AMD this is; None for any other key."""
        return next((product for product, pin in PINS.items() if pin == self.fingerprint), None)

    def signs(self, message: bytes, signature: bytes) -> bool:
        """Whether this DER pair (r, s) is the leaf's signature over the message."""
        try:
            self.key.verify(signature, message, _ECDSA)
        except InvalidSignature:
            return False
        return True


def check_chain(data: bytes, *, now: int) -> Chain:
    """Check that three certificates, leaf first, lead from one to the next and that all are valid now.

    Args:
        data: DER certificates, one after another.
        now: seconds since 1970.

    Raises:
        BadChain: they do not hold together ("evidence.chain"), or one is not valid at this time
            ("evidence.certificate-expired").
    """
    made = tuple(Certificate.parse(der) for der in split(data))
    if len(made) != 3:
        raise BadChain("not a chain of leaf, intermediate and root", length=len(made))
    leaf, middle, root = made
    middle_key, root_key = authority_key(middle), authority_key(root)
    links = ((leaf, middle, middle_key), (middle, root, root_key), (root, root, root_key))
    for depth, (certificate, issuer, key) in enumerate(links):
        _check_form(certificate, depth)
        named = certificate.issuer == issuer.subject
        if not named or not issued(key, certificate.signed, certificate.signature):
            raise BadChain("a certificate is not signed by the next one", depth=depth)
    for depth, certificate in enumerate(made):
        if not certificate.since <= now <= certificate.until:
            raise BadChain(
                "a certificate is not valid at this time", code="evidence.certificate-expired", depth=depth
            )
    return Chain(
        leaf=leaf,
        middle=middle,
        root=root,
        key=_leaf_key(leaf.spki),
        fingerprint=sha256(root.spki).digest(),
        development=_MARK in root.extensions,
    )


def authority_key(authority: Certificate) -> rsa.RSAPublicKey:
    """The key of an authority: RSA of 4096 bits.

    Raises:
        BadChain: any other key.
    """
    try:
        key = load_der_public_key(authority.spki)
    except (ValueError, UnsupportedAlgorithm):
        raise BadChain("an authority has a key that cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != 4096:
        raise BadChain("an authority's key is not RSA of 4096 bits")
    return key


def issued(key: rsa.RSAPublicKey, signed: bytes, signature: bytes) -> bool:
    """Whether an authority's key has signed this with RSASSA-PSS and SHA-384."""
    try:
        key.verify(signature, signed, _PSS, hashes.SHA384())
    except InvalidSignature:
        return False
    return True


def _leaf_key(spki: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        raise BadChain("the leaf has a key that cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise BadChain("the leaf's key is not on P-384")
    return key


def _check_form(certificate: Certificate, depth: int) -> None:
    """Whether a certificate is used for what it is made for: 0 for a chip, 1 for its issuer, 2 for the root."""
    for name, (critical, _) in certificate.extensions.items():
        if critical and name not in _KNOWN:
            raise BadChain("a certificate has an unknown critical extension", oid=name)
    authority, below = _constraints(certificate)
    if authority != (depth > 0) or usage(certificate, _SIGNS_CERTIFICATES) != (depth > 0):
        raise BadChain("an authority stands where a chip should, or the other way round", depth=depth)
    if below < depth - 1:
        raise BadChain("the chain is longer than an authority allows", depth=depth)


def _constraints(certificate: Certificate) -> tuple[bool, int]:
    """Whether it is an authority, and how many of them may stand below it. Source: RFC 5280, 4.2.1.9."""
    _, value = certificate.extensions.get(_CONSTRAINTS, (True, b"\x30\x00"))
    whole = Der(value, "basic constraints")
    fields = whole.inside()
    whole.end()
    authority = fields.boolean() if fields.peek() == 0x01 else False
    below = fields.natural() if fields else _NO_PATH_LIMIT
    fields.end()
    return authority, below


def usage(certificate: Certificate, bit: int) -> bool:
    """Whether the key is for this use: 0x04 certificates, 0x02 CRLs. Source: RFC 5280, 4.2.1.3."""
    _, value = certificate.extensions.get(_USAGE, (True, b"\x03\x02\x00\x00"))
    if len(value) != 4 or value[:2] != b"\x03\x02":
        raise BadChain("key usage in another form")
    return bool(value[3] & bit)
