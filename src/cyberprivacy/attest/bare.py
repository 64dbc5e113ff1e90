"""Evidence about a bare key: no node, no statement, no chain; just "this key was born in that machine". Pure.

It is what `cyberprivacy evidence make` writes, for whoever has a protocol of their own and wants to know what
stands behind a key. The binding is that of every evidence, under a role that no node answers in, and with the
key in the place of the node: neither can be taken for the other.

Source: docs/spec/attestation.md, "Bare evidence".
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.evidence import NODE_ROLE, Bound, Evidence
from cyberprivacy.attest.session import UNBOUND
from cyberprivacy.errors import Misuse

KEY_ROLE: Final = "key"
"""The role of a key that says nothing about itself."""

MAX_DOCUMENT: Final = 1 << 20
MAX_PEM: Final = 16 << 10

_FIELDS: Final = frozenset({"v", "bound", "evidence"})
_PEM: Final = re.compile(
    rb"\s*-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----\s*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """Evidence and what it says that it is bound to; unproven until a verifier has judged it.

    Attributes:
        bound: role, key, validity and challenge; `bound.node` is the key once more.
        evidence: what the hardware says.
    """

    bound: Bound
    evidence: Evidence

    def __post_init__(self) -> None:
        if self.bound.role == NODE_ROLE or self.bound.node != self.bound.spki:
            raise BadDocument("this is not about a bare key", role=self.bound.role)

    def encode(self) -> bytes:
        """The canonical JSON.

        Raises:
            BadDocument: more than 1 MiB.
        """
        document = {"v": 1, "bound": self.bound.document(), "evidence": self.evidence.document()}
        data = canonical.encode(document)
        if len(data) > MAX_DOCUMENT:
            raise BadDocument("the evidence is too large for a document", size=len(data), limit=MAX_DOCUMENT)
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the canonical JSON.

        Raises:
            NotCanonical: larger than 1 MiB, or another spelling ("json.form").
            BadDocument: any other form, or about more than a key ("attestation.form").
        """
        document = Document(canonical.decode(data, limit=MAX_DOCUMENT), "evidence document", _FIELDS)
        document.version()
        return cls(Bound.read(document.raw("bound")), Evidence.read(document.raw("evidence")))


def key_bound(
    spki: bytes, challenge: bytes, *, since: int, until: int, role: str = KEY_ROLE, session: bytes = UNBOUND
) -> Bound:
    """What evidence about a bare key is bound to.

    Args:
        spki: SHA-256 of the key's DER SubjectPublicKeyInfo, 32 bytes; see `spki_of_pem`.
        challenge: 32 bytes that the verifier chose.
        since: from when the key may be used, seconds since 1970.
        until: to when.
        role: 1 to 16 letters a-z; what the key is for.
        session: the TLS session that it is sent in, 32 bytes; default: a file, or a protocol without TLS.

    Raises:
        Misuse: the role of a node, or values that no evidence can be bound to ("evidence.bound").
    """
    try:
        bound = Bound(
            role=role,
            spki=spki,
            node=spki,
            since=since,
            until=until,
            challenge=challenge,
            session=session,
        )
    except BadDocument as error:
        raise Misuse(str(error), code="evidence.bound") from None
    if role == NODE_ROLE:
        raise Misuse(
            "a bare key cannot speak as a node",
            code="evidence.bound",
            hint="`cyberprivacy node` answers for nodes; choose another role.",
            role=role,
        )
    return bound


def spki_of_pem(pem: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo in a PEM file, 32 bytes.

    Raises:
        Misuse: not one public key in PEM, of a kind that we know, in its one spelling ("evidence.key").

    Source: RFC 7468 section 13; RFC 5280 section 4.1.
    """
    match = _PEM.fullmatch(pem) if len(pem) <= MAX_PEM else None
    try:
        der = base64.b64decode(b"".join(match[1].split()), validate=True) if match else b""
        key = load_der_public_key(der)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise _no_key("not a public key in PEM") from None
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != der:
        # A verifier hashes what it saw: a second spelling of the same key would have another hash.
        raise _no_key("a public key that is not in its usual spelling")
    return sha256(der).digest()


def _no_key(what: str) -> Misuse:
    return Misuse(what, code="evidence.key", hint="`openssl pkey -in KEY.pem -pubout` writes one.")
