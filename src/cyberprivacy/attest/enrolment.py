"""How an attestation key comes to its certificate: two messages, and nobody remembers anything between them. Pure.

A machine shows its TPM's endorsement key, which the TPM's maker has certified, and its attestation key. Whoever
vouches answers with a certificate that only a TPM can read which holds both. So the certificate comes to light
only where the attestation key lives in that very TPM.

Source: docs/spec/attestation.md, "Enrolment"; TCG TPM 2.0 Keys for Device Identity and Attestation 1.0, 6.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import canonical
from cyberprivacy.attest.authority import Authority
from cyberprivacy.attest.certificates import (
    MAX_CERTIFICATE,
    MAX_CHAIN,
    UNREADABLE,
    BadChain,
    Chain,
    certified_key,
    check_chain,
    split,
)
from cyberprivacy.attest.credential import ENDORSEMENT_HASHES, Credential, make_credential
from cyberprivacy.attest.document import Document, to_base64
from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.attest.tpm2 import MAX_STRUCTURE, Public
from cyberprivacy.errors import Untrusted

ENROLMENT_TAG: Final = b"CyberPrivacy-Enrolment/1"
EK_PURPOSE: Final = "2.23.133.8.1"
"""tcg-kp-EKCertificate: its issuer is the maker of a TPM. Source: TCG EK Credential Profile 2.5, 3.5.1."""

SECRET_SIZE: Final = 32
MAX_CERTIFICATES: Final = MAX_CHAIN * MAX_CERTIFICATE
MAX_MESSAGE: Final = 256 << 10
TAG_SIZE: Final = 16

_REQUEST: Final = frozenset({"v", "certificates", "endorsement", "attestation"})
_ANSWER: Final = frozenset({"v", "hardware", "credential", "sealed"})


class Refused(Untrusted):
    """A machine's keys are not what they have to be, or an answer is not for this machine."""

    code = "enrolment.refused"
    hint = "docs/spec/attestation.md, section Enrolment, says what is asked and why."


def hardware_id(endorsement: Public) -> bytes:
    """The name of a TPM: SHA-256 of the DER SubjectPublicKeyInfo of its endorsement key, 32 bytes."""
    return sha256(_spki(endorsement)).digest()


@dataclass(frozen=True, slots=True)
class Request:
    """What a machine asks with; nothing of it is secret.

    Attributes:
        certificates: DER, one after another: the endorsement key's first, then any that lead from it to its root.
        endorsement: the endorsement key.
        attestation: the attestation key that is to be certified.
    """

    certificates: bytes
    endorsement: Public
    attestation: Public

    def encode(self) -> bytes:
        """The canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "certificates": to_base64(self.certificates),
                "endorsement": to_base64(self.endorsement.raw),
                "attestation": to_base64(self.attestation.raw),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> "Request":
        """Read what `encode` wrote.

        Raises:
            BadDocument, NotCanonical: any other form.
            BadStructure: a key that is none, or of a kind that we do not know.
        """
        document = Document(canonical.decode(data, limit=MAX_MESSAGE), "request", _REQUEST)
        document.version()
        endorsement = document.base64("endorsement", limit=MAX_STRUCTURE)
        return cls(
            certificates=document.base64("certificates", limit=MAX_CERTIFICATES),
            endorsement=Public.parse(endorsement, named_by=ENDORSEMENT_HASHES),
            attestation=Public.parse(document.base64("attestation", limit=MAX_STRUCTURE)),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back; only the TPM that it is for can read it.

    Attributes:
        hardware: which TPM, see `hardware_id`.
        credential: holds the secret.
        sealed: certificates, encrypted under the secret.
    """

    hardware: bytes
    credential: Credential
    sealed: bytes

    def encode(self) -> bytes:
        """The canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "hardware": self.hardware.hex(),
                "credential": to_base64(self.credential.encode()),
                "sealed": to_base64(self.sealed),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> "Answer":
        """Read what `encode` wrote.

        Raises:
            BadDocument, NotCanonical, BadStructure: any other form.
        """
        document = Document(canonical.decode(data, limit=MAX_MESSAGE), "answer", _ANSWER)
        document.version()
        return cls(
            hardware=document.octets("hardware", size=32),
            credential=Credential.parse(document.base64("credential", limit=MAX_STRUCTURE)),
            sealed=document.base64("sealed", limit=MAX_CERTIFICATES + TAG_SIZE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Whose TPMs are believed.

    Attributes:
        roots: SHA-256 of the DER SubjectPublicKeyInfo of each maker's root.
        issuers: DER certificates of makers that a request may leave out; nothing is believed of them unproven.
    """

    roots: frozenset[bytes]
    issuers: tuple[bytes, ...] = ()


def examine(request: Request, vendors: Vendors, *, now: int, development: bool) -> None:
    """Check that the endorsement key is of a genuine TPM, and that the attestation key is as it has to be.

    That both are in one TPM is not checked here: the answer opens only if they are.

    Args:
        request: what the machine says.
        vendors: whose TPMs count.
        now: seconds since 1970.
        development: whether a maker whose root is marked as made for development counts too.

    Raises:
        Refused: with the code of what is wrong; see docs/spec/attestation.md.
    """
    chain = _endorsed(request, vendors, now)
    if chain.root not in vendors.roots:
        raise Refused("a TPM of a maker that you do not trust", code="enrolment.ek-vendor", root=chain.root.hex())
    if chain.development and not development:
        raise Refused("made for development only", code="enrolment.ek-development", root=chain.root.hex())
    if EK_PURPOSE not in chain.purposes:
        raise Refused("the certificate is not for an endorsement key", code="enrolment.ek-purpose")
    if chain.leaf_spki != _spki(request.endorsement):
        raise Refused("the certificate is for another endorsement key", code="enrolment.ek-other-key")
    if not request.endorsement.opens_only_for_its_tpm:
        attributes = hex(request.endorsement.attributes)
        raise Refused("not an endorsement key", code="enrolment.ek-attributes", attributes=attributes)
    if not request.attestation.signs_only_for_its_tpm:
        attributes = hex(request.attestation.attributes)
        raise Refused("a key that may sign anything", code="enrolment.ak-attributes", attributes=attributes)


def vouch(
    request: Request,
    authority: Authority,
    vendors: Vendors,
    *,
    now: int,
    life: int,
    random: Callable[[int], bytes] = os.urandom,
) -> Answer:
    """Examine a request and answer it with a certificate that only the right TPM can read.

    Args:
        request: what a machine asked.
        authority: who vouches.
        vendors: whose TPMs count.
        now: seconds since 1970.
        life: seconds that the certificate is valid, at most a year.
        random: gives the secret, and what the credential needs.

    Raises:
        Refused: see `examine`.
        WrongEndorsement: an endorsement key that no credential can be made for.
        Misuse: see `Authority.issue`.
    """
    examine(request, vendors, now=now, development=authority.development)
    hardware, name = hardware_id(request.endorsement), request.attestation.name
    chain = authority.issue(request.attestation.key, hardware=hardware, now=now, life=life, random=random)
    secret = random(SECRET_SIZE)
    credential = make_credential(request.endorsement, name, secret, random=random)
    cipher, nonce, about = _cipher(secret, hardware, name)
    return Answer(hardware, credential, cipher.encrypt(nonce, chain, about))


def unseal(answer: Answer, secret: bytes, attestation: Public) -> bytes:
    """The certificates of an answer.

    Args:
        answer: what came back.
        secret: what the TPM took out of its credential.
        attestation: the attestation key that was to be certified.

    Returns:
        DER certificates, one after another: the attestation key's first, the root last.

    Raises:
        Refused: changed on the way ("enrolment.changed"), or for another key ("enrolment.other-key").
        BadChain: not certificates.
    """
    cipher, nonce, about = _cipher(secret, answer.hardware, attestation.name)
    try:
        chain = cipher.decrypt(nonce, answer.sealed, about)
    except InvalidTag:
        raise Refused("the answer was changed on the way", code="enrolment.changed") from None
    if certified_key(chain) != _spki(attestation):
        raise Refused("the certificate is for another key", code="enrolment.other-key")
    return chain


def _cipher(secret: bytes, hardware: bytes, name: bytes) -> tuple[AESGCM, bytes, bytes]:
    """AES-256-GCM, its nonce, and what it is about. A secret serves once, so the nonce may come from it too.

    Source: RFC 5869; NIST SP 800-38D.
    """
    kdf = HKDF(algorithm=hashes.SHA256(), length=44, salt=None, info=ENROLMENT_TAG)
    material = kdf.derive(secret)
    about = b"".join(length_prefixed(part) for part in (ENROLMENT_TAG, hardware, name))
    return AESGCM(material[:32]), material[32:], about


def _endorsed(request: Request, vendors: Vendors, now: int) -> Chain:
    """The chain of the endorsement key, with what the request left out."""
    try:
        chain = _completed(split(request.certificates), vendors.issuers)
        return check_chain(chain, now=now)
    except BadChain as error:
        expired = error.code == "evidence.certificate-expired"
        code = "enrolment.ek-expired" if expired else "enrolment.ek-chain"
        raise Refused(str(error), code=code) from error


def _completed(chain: tuple[bytes, ...], known: Iterable[bytes]) -> tuple[bytes, ...]:
    """The chain, and above it known certificates whose names lead to a root; signatures are checked later."""
    try:
        issuers: Mapping[bytes, tuple[bytes, bytes]] = {
            made.subject.public_bytes(): (der, made.issuer.public_bytes())
            for der in known
            for made in (x509.load_der_x509_certificate(der),)
        }
        last = x509.load_der_x509_certificate(chain[-1])
        subject, issuer = last.subject.public_bytes(), last.issuer.public_bytes()
    except UNREADABLE:
        raise BadChain("not a certificate") from None
    while subject != issuer and len(chain) < MAX_CHAIN and issuer in issuers:
        subject = issuer
        der, issuer = issuers[subject]
        chain = (*chain, der)
    return chain


def _spki(public: Public) -> bytes:
    return public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
